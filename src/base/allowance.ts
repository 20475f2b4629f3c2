/**
 * How often something may happen: so many times at once, and so many times a second in the long run. Pure: the time is
 * handed in.
 */
export interface AllowanceOptions {
  /** At once, after a rest. */
  readonly atOnce: number;
  readonly perSecond: number;
}

export class Allowance {
  readonly #options: AllowanceOptions;
  #left: number;
  #countedMs: number;

  /** @param nowMs monotonic, as in `take` */
  constructor(options: AllowanceOptions, nowMs: number) {
    this.#options = options;
    this.#left = options.atOnce;
    this.#countedMs = nowMs;
  }

  /** Counts one. @returns false if it was one too many, which is then not counted */
  take(nowMs: number): boolean {
    const { atOnce, perSecond } = this.#options;
    const earned = ((nowMs - this.#countedMs) / 1000) * perSecond;
    this.#left = Math.min(atOnce, this.#left + earned);
    this.#countedMs = nowMs;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
