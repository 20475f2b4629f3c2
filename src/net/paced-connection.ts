/**
 * A Connection whose bytes leave as its pacer lets them.
 *
 * Owns what waits for its turn, in order; while there is no limit and nothing waits, everything is the connection
 * behind it. Invariants: bytes leave in the order of `send`; each `done` is called once, also when the connection ends; no
 * more than a little lies in the connection behind, so that what is slower than the limit does not fill this process.
 */
import { Failure } from "../base/failure.ts";
import { COALESCED_BYTES_MAX, SEND_QUEUE_BYTES_MAX } from "../base/limits.ts";
import type { Pacer, Spender } from "../base/pacer.ts";
import type { Connection, ConnectionHandler } from "./connection.ts";

interface Waiting {
  readonly bytes: Uint8Array;
  readonly done: () => void;
}

const nobody = () => {};

export class PacedConnection implements Connection, Spender {
  readonly #behind: Connection;
  readonly #pacer: Pacer;
  readonly #waiting: Waiting[] = [];
  /** Of the first that waits. */
  #sentBytes = 0;
  #waitingBytes = 0;
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
        if (this.#waiting.length > 0) this.#pacer.ready(this);
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

  sendThen(bytes: Uint8Array, done: () => void): void {
    if (this.#goesAtOnce) this.#behind.sendThen(bytes, done);
    else this.#enqueue({ bytes, done });
  }

  /** Sends, in its turn. */
  spend(bytesMax: number): number {
    let sent = 0;
    for (let first = this.#waiting[0]; first !== undefined && sent < bytesMax; first = this.#waiting[0]) {
      if (this.#behind.queuedBytes >= COALESCED_BYTES_MAX) break;
      sent += this.#sendOf(first, bytesMax - sent);
    }
    if (this.#isFinishing && this.#waiting.length === 0) this.#behind.finish();
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
    if (this.#waiting.length === 0) this.#behind.finish();
    else this.#isFinishing = true;
  }

  /** Also after the end: the one behind takes nothing then, and calls back. */
  get #goesAtOnce(): boolean {
    return !this.#behind.isOpen || (!this.#pacer.isLimited && this.#waiting.length === 0);
  }

  #enqueue(last: Waiting): void {
    if (this.#isFinishing) {
      queueMicrotask(last.done);
      return;
    }
    this.#waiting.push(last);
    this.#waitingBytes += last.bytes.length;
    if (this.#waitingBytes > SEND_QUEUE_BYTES_MAX)
      this.close(new Failure("peer-unreachable", "the other side does not read what is sent to it"));
    else this.#pacer.ready(this);
  }

  #sendOf({ bytes, done }: Waiting, bytesMax: number): number {
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
    this.#behind.sendThen(slice, done);
    return slice.length;
  }

  /** The one behind has ended: it sends nothing more, and calls back. */
  #drop(): void {
    this.#pacer.forget(this);
    this.#waitingBytes = 0;
    this.#sentBytes = 0;
    for (const { bytes, done } of this.#waiting.splice(0)) this.#behind.sendThen(bytes, done);
  }
}
