/**
 * What fetching small files takes, asked of the tracker ahead of their turn: one call for many of a group that wait in line.
 *
 * An answer is used once, by all who ask for that content at one time, and only while it is fresh. Whatever is not known so
 * (no source now, an older tracker, any trouble) is undefined here: such a file is asked about as any other.
 */
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { FileId, Gid } from "../base/ids.ts";
import { SMALL_FILES_FRESH_MS, SMALL_FILES_PER_CALL_MAX } from "../base/limits.ts";
import { type FileSummary, Manifest, pieceCount, SHA1_BYTES, SHA256_BYTES } from "../base/manifest.ts";
import type { Source } from "../wire/client-tracker.ts";
import type { Answer, TrackerCalls } from "./tracker-link.ts";

export interface WantedSmall {
  readonly gid: Gid;
  readonly file: FileSummary;
}

export interface FoundSmall {
  readonly manifest: Manifest;
  /** At least one. */
  readonly sources: readonly Source[];
}

interface Asked {
  readonly sinceMs: number;
  readonly found: Promise<FoundSmall | undefined>;
}

export class SmallFilesAhead {
  readonly #calls: TrackerCalls;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #asked = new Map<string, Asked>();

  constructor(calls: TrackerCalls, clock: Pick<Clock, "monotonicMs">) {
    this.#calls = calls;
    this.#clock = clock;
  }

  /** @param inLine what will be wanted next, in order; looked through only when a call is made */
  find(wanted: WantedSmall, inLine: () => Iterable<WantedSmall>): Promise<FoundSmall | undefined> {
    const key = keyOf(wanted);
    if (!this.#isFresh(key)) this.#ask([wanted, ...this.#next(wanted, inLine())]);
    const asked = this.#asked.get(key);
    const found = asked?.found ?? Promise.resolve(undefined);
    // One content may be wanted under many names, which begin together.
    void found.then(() => {
      if (this.#asked.get(key) === asked) this.#asked.delete(key);
    });
    return found;
  }

  #isFresh(key: string): boolean {
    const asked = this.#asked.get(key);
    return asked !== undefined && this.#clock.monotonicMs() - asked.sinceMs < SMALL_FILES_FRESH_MS;
  }

  #next({ gid, file }: WantedSmall, inLine: Iterable<WantedSmall>): WantedSmall[] {
    const next: WantedSmall[] = [];
    const asked = new Set([file.fileId]);
    for (const each of inLine) {
      if (next.length === SMALL_FILES_PER_CALL_MAX - 1) break;
      if (each.gid !== gid || asked.has(each.file.fileId) || this.#isFresh(keyOf(each))) continue;
      asked.add(each.file.fileId);
      next.push(each);
    }
    return next;
  }

  #ask(some: readonly WantedSmall[]): void {
    const sinceMs = this.#clock.monotonicMs();
    const [first] = some;
    if (first === undefined) return;
    const params = { gid: first.gid, fileIds: some.map(({ file }) => file.fileId) };
    const answer = this.#calls.call("find_small", params).then(
      (given) => foundIn(some, given),
      () => new Map<FileId, FoundSmall>(),
    );
    for (const each of some)
      this.#asked.set(keyOf(each), { sinceMs, found: answer.then((found) => found.get(each.file.fileId)) });
  }
}

/** Nothing of an answer that is not what it should be. */
function foundIn(
  some: readonly WantedSmall[],
  { result, tail }: Answer<"find_small">,
): ReadonlyMap<FileId, FoundSmall> {
  const found = new Map<FileId, FoundSmall>();
  let at = 0;
  for (const [index, { file }] of some.entries()) {
    const sources = (result.sharedBy[index] ?? []).flatMap((place) => result.sources[place] ?? []);
    if (sources.length === 0) continue;
    const bytes = pieceCount(file.size) * (SHA1_BYTES + SHA256_BYTES);
    const manifest = Manifest.check(file, tail.slice(at, at + bytes));
    at += bytes;
    if (!(manifest instanceof Failure)) found.set(file.fileId, { manifest, sources });
  }
  return found;
}

function keyOf({ gid, file }: WantedSmall): string {
  return `${gid} ${file.fileId}`;
}
