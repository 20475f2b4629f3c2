/**
 * What one tracker has to give another, from version vectors alone. Pure.
 *
 * The log may have been trimmed: entries at or below the `floor` are in the rows of the state only, so one that lacks
 * any of them needs rows first. Everything else goes as entries, those of one origin in sequence.
 */
import type { Origin } from "../../wire/entry.ts";
import type { VersionVector } from "../core/version-vector.ts";

export type SyncStep =
  /** The rows of the state: entries that the other lacks are gone from the log. */
  | { readonly kind: "state" }
  /** The entries of one origin above a sequence. */
  | { readonly kind: "entries"; readonly origin: Origin; readonly after: number }
  | { readonly kind: "nothing" };

/** @param sent what the other has, or will have once all that is under way has arrived */
export function nextStep(held: VersionVector, floor: VersionVector, sent: VersionVector): SyncStep {
  let step: SyncStep = { kind: "nothing" };
  for (const [origin, seq] of held) {
    const after = sent.get(origin) ?? 0;
    if (after < (floor.get(origin) ?? 0)) return { kind: "state" };
    if (after < seq && step.kind === "nothing") step = { kind: "entries", origin, after };
  }
  return step;
}

/** How many entries of `theirs` are missing in `mine`. */
export function entriesBehind(mine: VersionVector, theirs: VersionVector): number {
  let behind = 0;
  for (const [origin, seq] of theirs) behind += Math.max(0, seq - (mine.get(origin) ?? 0));
  return behind;
}

export function holdsAll(mine: VersionVector, theirs: VersionVector): boolean {
  for (const [origin, seq] of theirs) if ((mine.get(origin) ?? 0) < seq) return false;
  return true;
}
