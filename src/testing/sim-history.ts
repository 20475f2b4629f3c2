/**
 * All that ever became durable in a simulated cluster, with what its tracker had seen when it decided: the knowledge that
 * no tracker has, and that judges them all.
 *
 * Invariant: one key has one content, for ever. An entry counts as lost only when a fault took it from the last disk that
 * held it; it counts again when a disk gets it back, from a backup or from the line. What entries mean is not known here.
 */
import type { RequestId } from "../base/ids.ts";
import { covers, type VersionVector } from "../tracker/core/version-vector.ts";
import { type Entry, type EntryKey, encodeBody } from "../wire/entry.ts";

/** A promise that was broken, in the words of the promise. */
export class SimViolation extends Error {
  override readonly name = "SimViolation";
}

export function breach(text: string): never {
  throw new SimViolation(text);
}

export interface HistoryEntry {
  readonly entry: Entry;
  /** All but the key. */
  readonly text: string;
  /** What the disk of its tracker held just before. */
  readonly seen: VersionVector;
  /** Whether that is all that its tracker knew: rows of another one may have told it more. */
  readonly sawNoMore: boolean;
}

export class SimHistory {
  readonly #byKey = new Map<string, HistoryEntry>();
  readonly #byRequest = new Map<RequestId, HistoryEntry[]>();
  readonly #lost = new Set<string>();

  get size(): number {
    return this.#byKey.size;
  }

  /**
   * A disk has these now.
   * @param held what it held before
   * @param isOwn whether the tracker of that disk made the entry
   * @param knewNoMore whether its tracker had no rows that tell of more
   */
  append(
    batch: readonly Entry[],
    held: VersionVector,
    isOwn: (key: EntryKey) => boolean,
    knewNoMore = true,
  ): void {
    const seen = new Map(held);
    for (const entry of batch) {
      this.#append(entry, { seen: new Map(seen), sawNoMore: knewNoMore, isOwn: isOwn(entry.key) });
      if (entry.key.seq > (seen.get(entry.key.origin) ?? 0)) seen.set(entry.key.origin, entry.key.seq);
    }
  }

  /** A disk has rows that stand for all of these now. */
  adopted(vector: VersionVector): void {
    for (const text of this.#lost) {
      const recorded = this.#byKey.get(text);
      if (recorded !== undefined && covers(vector, recorded.entry.key)) this.#lost.delete(text);
    }
  }

  ofRequest(request: RequestId): readonly HistoryEntry[] {
    return this.#byRequest.get(request) ?? [];
  }

  /** Every entry that the vector covers. */
  covered(vector: VersionVector): HistoryEntry[] {
    return [...this.#byKey.values()].filter(({ entry }) => covers(vector, entry.key));
  }

  all(): HistoryEntry[] {
    return [...this.#byKey.values()];
  }

  /**
   * A fault has put another disk in the place of one.
   * @param others what the other disks hold
   */
  diskReplaced(before: VersionVector, after: VersionVector, others: readonly VersionVector[]): void {
    for (const [text, { entry }] of this.#byKey) {
      if (covers(after, entry.key)) this.#lost.delete(text);
      else if (covers(before, entry.key) && !others.some((other) => covers(other, entry.key)))
        this.#lost.add(text);
    }
  }

  /** Entries that were durable once, that no fault has taken away, and that the vector does not cover. */
  missing(vector: VersionVector): HistoryEntry[] {
    return [...this.#byKey]
      .filter(([text, { entry }]) => !this.#lost.has(text) && !covers(vector, entry.key))
      .map(([, recorded]) => recorded);
  }

  #append(
    entry: Entry,
    { isOwn, ...knowledge }: Pick<HistoryEntry, "seen" | "sawNoMore"> & { readonly isOwn: boolean },
  ): void {
    const key = keyText(entry.key);
    const text = `${entry.stamp} ${entry.request} ${encodeBody(entry.body)}`;
    const known = this.#byKey.get(key);
    this.#lost.delete(key);
    if (known !== undefined) {
      if (known.text !== text) breach(`two contents under ${key}: ${known.text} and ${text}`);
      return;
    }
    if (!isOwn) breach(`${key} was passed on before its own tracker had it on disk`);
    const recorded = { entry, text, ...knowledge };
    this.#byKey.set(key, recorded);
    const ofRequest = this.#byRequest.get(entry.request);
    if (ofRequest === undefined) this.#byRequest.set(entry.request, [recorded]);
    else ofRequest.push(recorded);
  }
}

export function keyText({ origin, seq }: EntryKey): string {
  return `${origin} ${seq}`;
}
