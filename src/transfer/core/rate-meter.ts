/**
 * Bytes a second over the last few seconds, for showing. Memory is fixed, whatever the traffic.
 *
 * Time is cut into steps; the window is the step under way and those before it that it still covers.
 */

const WINDOW_MS = 4_000;
const STEPS = 16;
const STEP_MS = WINDOW_MS / STEPS;

export class RateMeter {
  readonly #bytes = new Float64Array(STEPS);
  /** Number of the step under way since time 0; undefined before the first bytes. */
  #step: number | undefined;
  #startMs = 0;

  /** @param now monotonic milliseconds */
  add(now: number, bytes: number): void {
    if (this.#step === undefined) this.#startMs = now;
    const step = this.#advance(now);
    this.#bytes[step % STEPS] = (this.#bytes[step % STEPS] ?? 0) + bytes;
  }

  /** At the beginning over the time since the first bytes; 0 before them and after a window of silence. */
  rate(now: number): number {
    if (this.#step === undefined) return 0;
    const step = this.#advance(now);
    const windowStartMs = Math.max(this.#startMs, (step - STEPS + 1) * STEP_MS);
    const passedMs = Math.max(STEP_MS, now - windowStartMs);
    const bytes = this.#bytes.reduce((sum, one) => sum + one, 0);
    return (bytes / passedMs) * 1_000;
  }

  /** Empties the steps that have begun since the last call. @returns the step under way */
  #advance(now: number): number {
    const step = Math.floor(now / STEP_MS);
    const last = this.#step ?? step - STEPS;
    for (let fresh = Math.max(last + 1, step - STEPS + 1); fresh <= step; fresh++)
      this.#bytes[fresh % STEPS] = 0;
    this.#step = Math.max(last, step);
    return this.#step;
  }
}
