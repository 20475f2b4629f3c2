/**
 * How much of the log may go, and from where it is read at a start. Pure.
 *
 * An entry goes when it is in the rows and every listed tracker has durably passed it. The newest of an origin that was
 * active a short while ago stay all the same: their requests may be repeated, and only the log knows them after a start.
 */
import { REPEATABLE_ENTRIES_KEPT, TRIM_SLICE_ENTRIES } from "../base/limits.ts";
import type { Origin } from "../wire/entry.ts";
import { meetVectors, type VersionVector } from "./core/version-vector.ts";

export interface TrimSituation {
  /** What every listed tracker holds durably. */
  readonly settled: VersionVector;
  readonly checkpointed: VersionVector;
  readonly vector: VersionVector;
  readonly floor: VersionVector;
  /** Whose entries came a short while ago. */
  readonly isActive: (origin: Origin) => boolean;
}

/** @returns the next step, of at most TRIM_SLICE_ENTRIES; empty if nothing may go */
export function trimPoint({ settled, checkpointed, vector, floor, isActive }: TrimSituation): VersionVector {
  const point = new Map<Origin, number>();
  let left = TRIM_SLICE_ENTRIES;
  for (const [origin, most] of meetVectors(settled, checkpointed)) {
    const last = vector.get(origin) ?? 0;
    const until = Math.min(most, isActive(origin) ? last - REPEATABLE_ENTRIES_KEPT : last);
    const from = floor.get(origin) ?? 0;
    const count = Math.min(until - from, left);
    if (count <= 0) continue;
    point.set(origin, from + count);
    left -= count;
  }
  return point;
}

/** What lies between it and the checkpoint is read for the requests alone; it changes nothing that is in the rows. */
export function replayPoint(checkpointed: VersionVector): VersionVector {
  return new Map(
    Array.from(checkpointed, ([origin, seq]) => [origin, Math.max(0, seq - REPEATABLE_ENTRIES_KEPT)]),
  );
}
