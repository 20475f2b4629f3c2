/**
 * What has been sent but not yet left: the only writer of a socket.
 *
 * A socket takes as much of a write as it likes, or nothing, and says with `drain` when to try again. Invariants: bytes
 * leave in the order of `send`, each once; after a short write nothing is written until `drain`; a retry begins with the
 * very bytes of the write that fell short (TLS demands it). Small buffers that follow each other are gathered into one
 * write of at most COALESCED_BYTES_MAX at the end of the turn of the event loop; a large one is written at once, as it
 * is. Nothing of the owner is called from within `send`: what is due then follows in a microtask.
 */
import { COALESCED_BYTES_MAX, SEND_QUEUE_BYTES_MAX } from "../base/limits.ts";

export interface ByteSink {
  /** @returns how many bytes were taken, from none to all; negative if the socket has ended */
  write(bytes: Uint8Array): number;
}

export interface SendQueueEvents {
  /** All that was queued has left. Never called from within `send`. */
  drained(): void;
  /** More is queued than SEND_QUEUE_BYTES_MAX: the other side does not read. Called from within `send`, then no more. */
  overflowed(): void;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly done: (() => void) | undefined;
}

/** Stands where an entry was, so that its bytes can be collected before the list is shortened. */
const WRITTEN: Entry = { bytes: new Uint8Array(), done: undefined };
/** The list is shortened when this many written entries, and at least half of all, stand at its head: O(1) amortized. */
const WRITTEN_ENTRIES_MIN = 256;

export class SendQueue {
  readonly #sink: ByteSink;
  readonly #events: SendQueueEvents;
  #entries: Entry[] = [];
  /** The first entry that is not wholly written, and how many of its bytes are. */
  #first = 0;
  #offset = 0;
  #queuedBytes = 0;
  #state: "writable" | "writing" | "blocked" | "ended" = "writable";
  #turnEndScheduled = false;
  #owesDrained = false;
  #written: (() => void)[] = [];

  constructor(sink: ByteSink, events: SendQueueEvents) {
    this.#sink = sink;
    this.#events = events;
  }

  /** Bytes that have not left. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** @param done called once the bytes have left or the queue has ended; never from within this call */
  send(bytes: Uint8Array, done?: () => void): void {
    if (this.#state === "ended") {
      if (done !== undefined) queueMicrotask(done);
      return;
    }
    this.#entries.push({ bytes, done });
    this.#queuedBytes += bytes.length;
    if (this.#queuedBytes > SEND_QUEUE_BYTES_MAX) {
      this.#events.overflowed();
      return;
    }
    if (this.#state === "writable" && this.#queuedBytes >= COALESCED_BYTES_MAX) this.#flush();
    if (this.#queuedBytes > 0) this.#owesDrained = true;
    if (this.#state !== "blocked") this.#scheduleTurnEnd();
  }

  /** The socket takes bytes again. */
  drain(): void {
    if (this.#state !== "blocked") return;
    this.#state = "writable";
    this.#flush();
    this.#tell();
  }

  /** Drops what is queued; every `done` that is outstanding is called. */
  end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    const dropped = this.#entries.slice(this.#first);
    this.#entries = [];
    this.#queuedBytes = 0;
    for (const { done } of dropped) if (done !== undefined) this.#written.push(done);
    this.#owesDrained = false;
    this.#scheduleTurnEnd();
  }

  #scheduleTurnEnd(): void {
    if (this.#turnEndScheduled) return;
    this.#turnEndScheduled = true;
    queueMicrotask(() => {
      this.#turnEndScheduled = false;
      this.#flush();
      this.#tell();
    });
  }

  #flush(): void {
    if (this.#state !== "writable") return;
    this.#state = "writing";
    while (this.#first < this.#entries.length) {
      const batch = this.#nextBatch();
      const taken = batch.length === 0 ? 0 : this.#sink.write(batch);
      if (this.#hasEnded()) return;
      this.#advance(Math.max(0, taken));
      if (taken < batch.length) {
        this.#state = "blocked";
        return;
      }
    }
    this.#state = "writable";
  }

  /** A write may end the connection, and with it this queue: a change that the compiler cannot see. */
  #hasEnded(): boolean {
    return this.#state === "ended";
  }

  /** What to write next: the first entry alone if it is large or the only one, else as many small ones as fit. */
  #nextBatch(): Uint8Array {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for (let at = this.#first; at < this.#entries.length; at++) {
      const whole = this.#entries[at]?.bytes ?? new Uint8Array();
      const rest = at === this.#first && this.#offset > 0 ? whole.subarray(this.#offset) : whole;
      if (pieces.length > 0 && bytes + rest.length > COALESCED_BYTES_MAX) break;
      pieces.push(rest);
      bytes += rest.length;
    }
    const [only] = pieces;
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, bytes);
  }

  #advance(bytes: number): void {
    this.#queuedBytes -= bytes;
    let left = bytes;
    for (let entry = this.#entries[this.#first]; entry !== undefined; entry = this.#entries[this.#first]) {
      const restBytes = entry.bytes.length - this.#offset;
      if (restBytes > left) {
        this.#offset += left;
        break;
      }
      left -= restBytes;
      this.#offset = 0;
      this.#entries[this.#first++] = WRITTEN;
      if (entry.done !== undefined) this.#written.push(entry.done);
    }
    this.#forgetWritten();
  }

  #forgetWritten(): void {
    const { length } = this.#entries;
    if (this.#first < length && (this.#first < WRITTEN_ENTRIES_MIN || this.#first * 2 < length)) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }

  /** Tells the owner what has come about since it was last told. */
  #tell(): void {
    const written = this.#written;
    this.#written = [];
    for (const done of written) done();
    if (!this.#owesDrained || this.#queuedBytes > 0) return;
    this.#owesDrained = false;
    this.#events.drained();
  }
}
