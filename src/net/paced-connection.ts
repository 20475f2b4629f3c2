/**
 * A Connection whose bytes leave as its pacer lets them.
 *
 * Owns what waits for its turn, in order, and what may go ahead of it between two messages: who uploads slowly must not
 * have its own requests wait behind all of that. While there is no limit and nothing waits, everything is the connection
 * behind it. Invariants: bytes leave in the order of `send`, and of `sendAhead`; each `done` is called once, also when the
 * connection ends; no more than a little lies in the connection behind, so that what is slower than the limit does not
 * fill this process.
 */
import { Failure } from "../base/failure.ts";
import { COALESCED_BYTES_MAX, PACED_SLICE_BYTES, SEND_QUEUE_BYTES_MAX } from "../base/limits.ts";
import type { Pacer, Spender } from "../base/pacer.ts";
import type { Connection, ConnectionHandler } from "./connection.ts";

interface Waiting {
  readonly bytes: Uint8Array;
  readonly done: () => void;
  /** What follows belongs to it: nothing may come in between. */
  readonly isHead?: boolean;
}

const nobody = () => {};

export class PacedConnection implements Connection, Spender {
  readonly #behind: Connection;
  readonly #pacer: Pacer;
  readonly #waiting: Waiting[] = [];
  readonly #ahead: Uint8Array[] = [];
  /** Of the first that waits. */
  #sentBytes = 0;
  #waitingBytes = 0;
  /** The last that has left is a head. */
  #isAfterHead = false;
  #isFinishing = false;

  constructor(behind: Connection, pacer: Pacer) {
    this.#behind = behind;
    this.#pacer = pacer;
  }

  get peer() {
    return this.#behind.peer;
  }

  get remote() {
    return this.#behind.remote;
  }

  get queuedBytes(): number {
    return this.#waitingBytes + this.#behind.queuedBytes;
  }

  get isOpen(): boolean {
    return this.#behind.isOpen && !this.#isFinishing;
  }

  attach(handler: ConnectionHandler): void {
    this.#behind.attach({
      data: (bytes) => handler.data(bytes),
      drained: () => {
        if (this.#hasWaiting) this.#pacer.ready(this);
        else handler.drained();
      },
      closed: (reason) => {
        this.#drop();
        handler.closed(reason);
      },
    });
  }

  send(bytes: Uint8Array): void {
    if (this.#goesAtOnce) this.#behind.send(bytes);
    else this.#enqueue({ bytes, done: nobody });
  }

  sendThen(bytes: Uint8Array, done: () => void, head?: Uint8Array): void {
    if (this.#goesAtOnce) {
      this.#behind.sendThen(bytes, done, head);
      return;
    }
    if (head !== undefined) this.#enqueue({ bytes: head, done: nobody, isHead: true });
    this.#enqueue({ bytes, done });
  }

  sendAhead(bytes: Uint8Array): void {
    if (this.#goesAtOnce) this.#behind.send(bytes);
    else if (!this.#isFinishing) {
      this.#ahead.push(bytes);
      this.#count(bytes);
    }
  }

  get messageBytesWanted(): number | undefined {
    return this.#pacer.isLimited ? PACED_SLICE_BYTES : undefined;
  }

  /** Sends, in its turn. */
  spend(bytesMax: number): number {
    let sent = this.#spendAhead();
    for (let first = this.#waiting[0]; first !== undefined && sent < bytesMax; first = this.#waiting[0]) {
      if (this.#behind.queuedBytes >= COALESCED_BYTES_MAX) break;
      sent += this.#sendOf(first, bytesMax - sent);
      sent += this.#spendAhead();
    }
    if (this.#isFinishing && !this.#hasWaiting) this.#behind.finish();
    return sent;
  }

  vouch(isVouched: boolean): void {
    this.#behind.vouch(isVouched);
  }

  pause(): void {
    this.#behind.pause();
  }

  resume(): void {
    this.#behind.resume();
  }

  close(reason?: Failure): void {
    this.#behind.close(reason);
    this.#drop();
  }

  finish(): void {
    if (!this.#hasWaiting) this.#behind.finish();
    else this.#isFinishing = true;
  }

  /** Also after the end: the one behind takes nothing then, and calls back. */
  get #goesAtOnce(): boolean {
    return !this.#behind.isOpen || (!this.#pacer.isLimited && !this.#hasWaiting);
  }

  get #hasWaiting(): boolean {
    return this.#waiting.length > 0 || this.#ahead.length > 0;
  }

  /** @returns how many bytes went ahead of what waits, if a message may begin here */
  #spendAhead(): number {
    if (this.#isAfterHead || this.#sentBytes > 0) return 0;
    let sent = 0;
    for (const bytes of this.#ahead.splice(0)) {
      sent += bytes.length;
      this.#behind.send(bytes);
    }
    this.#waitingBytes -= sent;
    return sent;
  }

  #enqueue(last: Waiting): void {
    if (this.#isFinishing) {
      queueMicrotask(last.done);
      return;
    }
    this.#waiting.push(last);
    this.#count(last.bytes);
  }

  #count(bytes: Uint8Array): void {
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > SEND_QUEUE_BYTES_MAX)
      this.close(new Failure("peer-unreachable", "the other side does not read what is sent to it"));
    else this.#pacer.ready(this);
  }

  #sendOf({ bytes, done, isHead = false }: Waiting, bytesMax: number): number {
    const end = Math.min(bytes.length, this.#sentBytes + bytesMax);
    const slice = bytes.subarray(this.#sentBytes, end);
    this.#sentBytes = end;
    this.#waitingBytes -= slice.length;
    if (end < bytes.length) {
      this.#behind.send(slice);
      return slice.length;
    }
    this.#waiting.shift();
    this.#sentBytes = 0;
    this.#isAfterHead = isHead;
    this.#behind.sendThen(slice, done);
    return slice.length;
  }

  /** The one behind has ended: it sends nothing more, and calls back. */
  #drop(): void {
    this.#pacer.forget(this);
    this.#waitingBytes = 0;
    this.#sentBytes = 0;
    this.#ahead.length = 0;
    for (const { bytes, done } of this.#waiting.splice(0)) this.#behind.sendThen(bytes, done);
  }
}
