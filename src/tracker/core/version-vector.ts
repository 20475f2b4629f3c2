/**
 * How far somebody has seen the logs of all origins: for each, every entry up to a sequence. Pure.
 *
 * An origin that is absent was not seen at all (sequence 0). Logs have no holes, so one number for each is enough.
 */
import type { EntryKey, Origin } from "../../wire/entry.ts";

export type VersionVector = ReadonlyMap<Origin, number>;

/** The least vector that covers all the keys. */
export function vectorOf(keys: Iterable<EntryKey>): VersionVector {
  const vector = new Map<Origin, number>();
  for (const { origin, seq } of keys) if (seq > (vector.get(origin) ?? 0)) vector.set(origin, seq);
  return vector;
}

/** As it is written down: in order of origin, so that one vector has one text. */
export function vectorKeys(vector: VersionVector): EntryKey[] {
  const keys = Array.from(vector, ([origin, seq]) => ({ origin, seq }));
  return keys.sort((left, right) => (left.origin < right.origin ? -1 : 1));
}

export function covers(vector: VersionVector, key: EntryKey): boolean {
  return (vector.get(key.origin) ?? 0) >= key.seq;
}

/** What either has seen. */
export function joinVectors(left: VersionVector, right: VersionVector): VersionVector {
  const joined = new Map(left);
  for (const [origin, seq] of right) if (seq > (joined.get(origin) ?? 0)) joined.set(origin, seq);
  return joined;
}

/** What both have seen. */
export function meetVectors(left: VersionVector, right: VersionVector): VersionVector {
  const met = new Map<Origin, number>();
  for (const [origin, seq] of left) {
    const both = Math.min(seq, right.get(origin) ?? 0);
    if (both > 0) met.set(origin, both);
  }
  return met;
}
