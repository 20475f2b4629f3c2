/**
 * Waits until what this tracker has made is on the disks of the others, but never long.
 *
 * Who is out of reach is not waited for. One that was waited for in vain once is late, and not waited for again until it
 * has caught up: a slow tracker costs one command its patience, not every command.
 */
import type { Clock } from "../../base/clock.ts";
import { SPREAD_MS_MAX } from "../../base/limits.ts";

/** Another tracker, as far as waiting for it goes. */
export interface Receiver {
  readonly isInReach: boolean;
  /** Whether it has this tracker's own entries up to that sequence on its disk. */
  holds(seq: number): boolean;
}

interface Waiter {
  readonly seq: number;
  readonly settle: () => void;
}

export class Spread {
  readonly #clock: Clock;
  readonly #receivers: readonly Receiver[];
  readonly #late = new Set<Receiver>();
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock, receivers: readonly Receiver[]) {
    this.#clock = clock;
    this.#receivers = receivers;
  }

  /** @param seq of this tracker's own entries. @returns how many trackers have them, this one included */
  async until(seq: number): Promise<number> {
    if (this.#awaited(seq).length > 0) await this.#wait(seq);
    return 1 + this.#receivers.filter((receiver) => receiver.holds(seq)).length;
  }

  /** Something about a receiver has changed. @param last of this tracker's own entries */
  changed(last: number): void {
    for (const receiver of this.#late) if (receiver.holds(last)) this.#late.delete(receiver);
    for (const waiter of this.#waiters) if (this.#awaited(waiter.seq).length === 0) waiter.settle();
  }

  #awaited(seq: number): Receiver[] {
    return this.#receivers.filter(
      (receiver) => receiver.isInReach && !this.#late.has(receiver) && !receiver.holds(seq),
    );
  }

  #wait(seq: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(SPREAD_MS_MAX, () => {
        for (const receiver of this.#awaited(seq)) this.#late.add(receiver);
        waiter.settle();
      });
      const waiter: Waiter = {
        seq,
        settle: () => {
          cancel();
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }
}
