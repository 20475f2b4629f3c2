/**
 * Which tracker to try next. Pure: the time is handed in, nothing is dialled here.
 *
 * Trackers are indexes into the list of `tracker_info`, in order of preference. The one that answered last stays the
 * first choice; one that failed waits out a back-off that doubles up to a bound, and the others come before it. A
 * tracker that answers "later" is left alone for a moment and has not failed; one that answers "no" works.
 */
import { assert } from "../base/assert.ts";
import {
  TRACKER_LATER_MS,
  TRACKER_RETRY_MS_MAX,
  TRACKER_RETRY_MS_MIN,
  TRACKER_STABLE_MS,
} from "../base/limits.ts";

export type TrackerChoice =
  | { readonly kind: "try"; readonly index: number }
  | { readonly kind: "wait"; readonly ms: number };

interface Record {
  /** In a row; a connection that held for TRACKER_STABLE_MS forgives them. */
  failures: number;
  retryAtMs: number;
  upSinceMs: number | undefined;
}

export class TrackerHealth {
  readonly #records: readonly Record[];
  #preferred = 0;

  constructor(trackers: number) {
    assert(trackers > 0, "a client needs a tracker");
    this.#records = Array.from({ length: trackers }, () => ({
      failures: 0,
      retryAtMs: Number.NEGATIVE_INFINITY,
      upSinceMs: undefined,
    }));
  }

  /** @param busy those that are being tried already */
  next(nowMs: number, busy: ReadonlySet<number>): TrackerChoice {
    let best: number | undefined;
    let soonestMs = Number.POSITIVE_INFINITY;
    for (let step = 0; step < this.#records.length; step++) {
      const index = (this.#preferred + step) % this.#records.length;
      if (busy.has(index)) continue;
      const { failures, retryAtMs } = this.#record(index);
      soonestMs = Math.min(soonestMs, retryAtMs);
      if (retryAtMs <= nowMs && (best === undefined || failures < this.#record(best).failures)) best = index;
    }
    if (best !== undefined) return { kind: "try", index: best };
    return { kind: "wait", ms: Math.min(soonestMs - nowMs, TRACKER_RETRY_MS_MAX) };
  }

  answered(index: number, nowMs: number): void {
    this.#record(index).upSinceMs = nowMs;
    this.#preferred = index;
  }

  /** It could not be reached, its connection was lost, or it did not answer. */
  failed(index: number, nowMs: number): void {
    const record = this.#record(index);
    if (record.upSinceMs !== undefined && nowMs - record.upSinceMs >= TRACKER_STABLE_MS) record.failures = 0;
    record.upSinceMs = undefined;
    record.failures++;
    record.retryAtMs =
      nowMs + Math.min(TRACKER_RETRY_MS_MAX, TRACKER_RETRY_MS_MIN * 2 ** (record.failures - 1));
  }

  /** It is there, and cannot serve this client yet: it has just started, or has not heard of the user. */
  postponed(index: number, nowMs: number): void {
    this.#record(index).retryAtMs = nowMs + TRACKER_LATER_MS;
  }

  #record(index: number): Record {
    const record = this.#records[index];
    assert(record !== undefined, `tracker ${index} of ${this.#records.length}`);
    return record;
  }
}
