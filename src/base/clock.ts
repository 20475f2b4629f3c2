/**
 * Time as a dependency, so that whatever waits can be tested without waiting.
 *
 * `system-clock.ts` in the shells is the only real one; tests hand in `testing/manual-clock`.
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump: never subtract two of these to measure. */
  nowMs(): number;
  /** Monotonic milliseconds from an arbitrary start. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`. @returns a function that cancels it; calling it late or twice is harmless */
  after(delayMs: number, run: () => void): () => void;
}
