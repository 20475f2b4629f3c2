/**
 * A limit on bytes a second that can be changed while it counts. Pure: the time is handed in.
 *
 * Invariant: over any time the bytes spent exceed the rate by no more than a tenth of a second of it and the last thing
 * spent. What was not used for longer than that is not saved up, so a rest is followed by no burst. Spending may go into
 * debt, which is waited off: so a thing larger than what is left can go as a whole.
 */
import { assert } from "./assert.ts";

/** More than a timer is ever late, or the time in between would be lost. */
const SAVED_MS_MAX = 100;

export class ByteRate {
  /** Infinite: no limit. */
  #perSecond = Number.POSITIVE_INFINITY;
  /** Negative: a debt. */
  #left = 0;
  #countedMs = 0;

  /** @param perSecond undefined: no limit. @param nowMs monotonic, as everywhere here */
  limit(perSecond: number | undefined, nowMs: number): void {
    assert(perSecond === undefined || perSecond > 0, `a limit of ${perSecond} bytes a second`);
    this.#count(nowMs);
    this.#perSecond = perSecond ?? Number.POSITIVE_INFINITY;
    // A debt at a slow rate would hold a fast one up for nothing.
    this.#left = 0;
  }

  /** Bytes a second; undefined: no limit. */
  get perSecond(): number | undefined {
    return Number.isFinite(this.#perSecond) ? this.#perSecond : undefined;
  }

  /** Ignored without a limit. */
  spend(bytes: number, nowMs: number): void {
    this.#count(nowMs);
    if (Number.isFinite(this.#perSecond)) this.#left -= bytes;
  }

  /** How long to wait until something may be spent; 0: it may now. */
  waitMs(nowMs: number): number {
    this.#count(nowMs);
    return this.#left >= 0 ? 0 : (-this.#left / this.#perSecond) * 1000;
  }

  #count(nowMs: number): void {
    const passedMs = nowMs - this.#countedMs;
    this.#countedMs = nowMs;
    if (!Number.isFinite(this.#perSecond)) return;
    const saved = (this.#perSecond * SAVED_MS_MAX) / 1000;
    this.#left = Math.min(saved, this.#left + (this.#perSecond * passedMs) / 1000);
  }
}
