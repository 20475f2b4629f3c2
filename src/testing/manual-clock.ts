/** A clock that stands still until a test moves it. */
import type { Clock } from "../base/clock.ts";
import type { Failure } from "../base/failure.ts";

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

export class ManualClock implements Clock {
  readonly #wallStartMs: number;
  #elapsedMs = 0;
  /** In the order in which they were set. */
  readonly #timers = new Set<Timer>();

  constructor(wallStartMs = 1_700_000_000_000) {
    this.#wallStartMs = wallStartMs;
  }

  nowMs(): number {
    return this.#wallStartMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have not run: zero proves that nothing was left behind. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on, running what falls due in order of its time (ties: as set), each at its own time. */
  advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms;
    for (let next = this.#earliest(untilMs); next !== undefined; next = this.#earliest(untilMs)) {
      this.#timers.delete(next);
      this.#elapsedMs = next.dueMs;
      next.run();
    }
    this.#elapsedMs = untilMs;
  }

  /** As `advance`, and lets promises settle after each step of `stepMs`. */
  async advanceSlowly(ms: number, stepMs: number): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.advance(Math.min(left, stepMs));
      await settle();
    }
  }

  /** Moves on in steps of `stepMs` until the promise is settled, at most `ms`. @returns how it ended, and after how long */
  async during<T>(
    promise: Promise<T>,
    ms: number,
    stepMs = 50,
  ): Promise<{ outcome: T | Failure; tookMs: number }> {
    const startMs = this.#elapsedMs;
    let settled: { readonly outcome: T | Failure } | undefined;
    promise.then(
      (outcome) => {
        settled = { outcome };
      },
      (outcome: Failure) => {
        settled = { outcome };
      },
    );
    for (await settle(); settled === undefined; await settle()) {
      if (this.#elapsedMs - startMs >= ms) throw new Error(`not settled after ${ms} ms`);
      this.advance(stepMs);
    }
    return { outcome: settled.outcome, tookMs: this.#elapsedMs - startMs };
  }

  #earliest(untilMs: number): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (earliest === undefined || timer.dueMs < earliest.dueMs))
        earliest = timer;
    }
    return earliest;
  }
}

/** Resolves after all microtasks that are queued, and those which they queue. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
