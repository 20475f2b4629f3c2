/** What is to happen in a simulation, by time: a binary heap; of two things at one time the one entered first comes first. */
import { defined } from "../base/assert.ts";

export interface SimEvent {
  readonly atMs: number;
  /** Breaks ties, so that messages between two peers keep their order. */
  readonly number: number;
  readonly run: () => void;
}

export class SimAgenda {
  readonly #heap: SimEvent[] = [];
  #number = 0;

  add(atMs: number, run: () => void): void {
    const heap = this.#heap;
    let at = heap.push({ atMs, number: this.#number++, run }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  next(): SimEvent | undefined {
    const heap = this.#heap;
    if (heap.length === 0) return undefined;
    this.#swap(0, heap.length - 1);
    const event = heap.pop();
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let first = at;
      if (left < heap.length && this.#isBefore(left, first)) first = left;
      if (right < heap.length && this.#isBefore(right, first)) first = right;
      if (first === at) return event;
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(left: number, right: number): boolean {
    const [one, other] = [this.#at(left), this.#at(right)];
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.number < other.number);
  }

  #swap(left: number, right: number): void {
    const held = this.#at(left);
    this.#heap[left] = this.#at(right);
    this.#heap[right] = held;
  }

  #at(index: number): SimEvent {
    return defined(this.#heap[index], "within the heap");
  }
}
