/** Which entries of another tracker are new here, and whether they continue what is here. Pure. */
import { Failure } from "../../base/failure.ts";
import type { Entry, Origin } from "../../wire/entry.ts";
import type { VersionVector } from "../core/version-vector.ts";

/** What is here. */
export interface Holder {
  /** Of this run: nobody else makes entries of it. */
  readonly origin: Origin;
  readonly vector: VersionVector;
}

/** @returns those not held, or Failure "protocol" for a hole or a forged entry of this very run; nothing is taken then */
export function freshEntries({ origin: own, vector }: Holder, entries: readonly Entry[]): Entry[] | Failure {
  const held = new Map<Origin, number>();
  const fresh: Entry[] = [];
  for (const entry of entries) {
    const { origin, seq } = entry.key;
    const last = held.get(origin) ?? vector.get(origin) ?? 0;
    if (seq <= last) continue;
    if (origin === own) return new Failure("protocol", `entry ${seq} of this tracker's own run ${origin}`);
    if (seq !== last + 1)
      return new Failure("protocol", `a hole in the log of ${origin}: entry ${seq} after entry ${last}`);
    held.set(origin, seq);
    fresh.push(entry);
  }
  return fresh;
}
