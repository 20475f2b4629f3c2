/**
 * The piece buffers: one block of shared memory cut into slots of PIECE_BYTES. Bookkeeping only.
 *
 * Invariant: each slot is either free or held by exactly one holder; a second release is a bug and asserted. The slot
 * released last is handed out first, so that few slots, and those in the caches, serve while little is going on.
 */
import { assert, defined } from "../../base/assert.ts";
import { PIECE_BYTES } from "../../base/limits.ts";
import type { Slot, SlotPool } from "./contract.ts";

export class SharedSlotPool implements SlotPool {
  readonly capacity: number;
  readonly #slots: readonly Slot[];
  readonly #free: Slot[];
  readonly #held = new Set<Slot>();
  readonly #waiting = new Set<() => void>();
  #serving = false;

  constructor(buffer: SharedArrayBuffer) {
    assert(
      buffer.byteLength % PIECE_BYTES === 0,
      `a buffer of ${buffer.byteLength} bytes is not whole slots`,
    );
    this.capacity = buffer.byteLength / PIECE_BYTES;
    this.#slots = Array.from({ length: this.capacity }, (_, index) => ({
      index,
      bytes: new Uint8Array(buffer, index * PIECE_BYTES, PIECE_BYTES),
    }));
    this.#free = [...this.#slots].reverse();
  }

  get free(): number {
    return this.#free.length;
  }

  acquire(): Slot | undefined {
    const slot = this.#free.pop();
    if (slot !== undefined) this.#held.add(slot);
    return slot;
  }

  release(slot: Slot): void {
    assert(this.#held.delete(slot), `slot ${slot.index} was released twice, or is of another pool`);
    this.#free.push(slot);
    this.#serve();
  }

  whenFree(run: () => void): () => void {
    // A call of its own for each asking, so that one function may wait twice.
    const waiter = () => run();
    this.#waiting.add(waiter);
    if (this.#free.length > 0) queueMicrotask(() => this.#serve());
    return () => this.#waiting.delete(waiter);
  }

  /** A waiter that takes no slot passes the chance on to the next; one that releases within its turn starts no second round. */
  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    try {
      while (this.#free.length > 0 && this.#waiting.size > 0) {
        const first = defined(this.#waiting.values().next().value, "somebody waits");
        this.#waiting.delete(first);
        first();
      }
    } finally {
      this.#serving = false;
    }
  }
}
