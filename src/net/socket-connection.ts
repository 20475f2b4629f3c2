/**
 * A Connection over one socket whose other end has been judged.
 *
 * Owns what may happen in which state: `open`, then perhaps `finishing` (what is queued leaves, incoming bytes are thrown
 * away), then `closed`. Invariants: the owner hears `closed` once, in a microtask of its own, and nothing after it; an
 * exception of the owner ends this connection and no other. Opening sockets and TLS are not its business.
 */
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { FINISH_MS_MAX } from "../base/limits.ts";
import type { Connection, ConnectionHandler } from "./connection.ts";
import { type ByteSink, SendQueue } from "./send-queue.ts";

/** What is needed of a socket of the runtime. */
export interface RawSocket extends ByteSink {
  pause(): void;
  resume(): void;
  /** Says that nothing more will come from here; still reads. */
  shutdown(): void;
  /** Ends at once. */
  terminate(): void;
}

export interface SocketConnectionDependencies {
  readonly clock: Clock;
  /** Told of exceptions that a handler threw. */
  readonly report: (error: unknown) => void;
  /** Told what the owner says of the other side. */
  readonly vouched?: (isVouched: boolean) => void;
}

export class SocketConnection implements Connection {
  readonly peer: Fingerprint;
  readonly remote: Address;
  readonly #socket: RawSocket;
  readonly #clock: Clock;
  readonly #report: (error: unknown) => void;
  readonly #vouched: (isVouched: boolean) => void;
  readonly #queue: SendQueue;
  #state: "open" | "finishing" | "closed" = "open";
  #handler: ConnectionHandler | undefined;
  /** What came before there was a handler: reading is paused from the first chunk on. */
  #early: Uint8Array[] = [];
  /** As the owner wishes. */
  #paused = false;
  #endReason: Failure | undefined;
  #cancelDeadline: () => void = () => {};

  constructor(
    socket: RawSocket,
    { peer, remote }: { readonly peer: Fingerprint; readonly remote: Address },
    { clock, report, vouched = () => {} }: SocketConnectionDependencies,
  ) {
    this.peer = peer;
    this.remote = remote;
    this.#socket = socket;
    this.#clock = clock;
    this.#report = report;
    this.#vouched = vouched;
    this.#queue = new SendQueue(socket, {
      drained: () => this.#drained(),
      overflowed: () =>
        this.close(new Failure("peer-unreachable", "the other side does not read what is sent to it")),
    });
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get queuedBytes(): number {
    return this.#queue.queuedBytes;
  }

  attach(handler: ConnectionHandler): void {
    this.#handler = handler;
    if (this.#state === "closed") queueMicrotask(() => this.#guard(() => handler.closed(this.#endReason)));
    else if (this.#early.length > 0) queueMicrotask(() => this.#deliverEarly(handler));
  }

  send(bytes: Uint8Array): void {
    if (this.#state === "open") this.#queue.send(bytes);
  }

  readonly messageBytesWanted = undefined;

  sendAhead(bytes: Uint8Array): void {
    this.send(bytes);
  }

  sendThen(bytes: Uint8Array, done: () => void, head?: Uint8Array): void {
    if (head !== undefined) this.send(head);
    const guarded = () => this.#guard(done);
    if (this.#state === "open") this.#queue.send(bytes, guarded);
    else queueMicrotask(guarded);
  }

  vouch(isVouched: boolean): void {
    if (this.#state === "open") this.#vouched(isVouched);
  }

  pause(): void {
    this.#paused = true;
    if (this.#state === "open") this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#state === "open" && this.#early.length === 0) this.#socket.resume();
  }

  close(reason?: Failure): void {
    if (this.#state === "closed") return;
    this.#end(reason);
    this.#socket.terminate();
  }

  finish(): void {
    if (this.#state !== "open") return;
    this.#state = "finishing";
    this.#socket.resume();
    this.#armDeadline();
    if (this.#queue.queuedBytes === 0) this.#socket.shutdown();
  }

  // --- what the socket tells ---

  received(bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    if (this.#handler !== undefined && this.#early.length === 0) {
      this.#deliver(this.#handler, bytes);
      return;
    }
    this.#early.push(new Uint8Array(bytes));
    this.#socket.pause();
  }

  writable(): void {
    if (this.#state === "finishing") this.#armDeadline();
    this.#queue.drain();
  }

  /** The socket is gone. @param reason undefined if the other side ended it in good order */
  ended(reason: Failure | undefined): void {
    if (this.#state === "closed") return;
    const hasFinished = this.#state === "finishing" && this.#queue.queuedBytes === 0;
    this.#end(hasFinished ? undefined : reason);
  }

  #deliverEarly(handler: ConnectionHandler): void {
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.#deliver(handler, bytes);
    if (this.#state === "open" && !this.#paused) this.#socket.resume();
  }

  #deliver(handler: ConnectionHandler, bytes: Uint8Array): void {
    if (this.#state === "open") this.#guard(() => handler.data(bytes));
  }

  #drained(): void {
    if (this.#state === "finishing") this.#socket.shutdown();
    else if (this.#state === "open") this.#guard(() => this.#handler?.drained());
  }

  /** The other side closes when it has read everything; until then this side must not, or what is on its way is lost. */
  #armDeadline(): void {
    this.#cancelDeadline();
    this.#cancelDeadline = this.#clock.after(FINISH_MS_MAX, () =>
      this.close(new Failure("timeout", "the other side did not take what was left to send")),
    );
  }

  #end(reason: Failure | undefined): void {
    this.#state = "closed";
    this.#endReason = reason;
    this.#early = [];
    this.#cancelDeadline();
    this.#queue.end();
    const handler = this.#handler;
    if (handler !== undefined) queueMicrotask(() => this.#guard(() => handler.closed(reason)));
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#report(error);
      this.close(new Failure("internal", "this program failed on what the other side sent"));
    }
  }
}
