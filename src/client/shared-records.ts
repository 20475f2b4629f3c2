/** What one user shares from this machine, found by group and listing, by path, or by content. No I/O. */
import type { FileId } from "../base/ids.ts";
import type { ShareRecord } from "./library-rows.ts";
import { shareKey } from "./share-plan.ts";

export class SharedRecords {
  readonly #records = new Map<string, ShareRecord>();
  readonly #byPath = new Map<string, Set<string>>();
  readonly #byFile = new Map<FileId, Set<string>>();

  get(key: string): ShareRecord | undefined {
    return this.#records.get(key);
  }

  has(key: string): boolean {
    return this.#records.has(key);
  }

  values(): Iterable<ShareRecord> {
    return this.#records.values();
  }

  atPath(path: string): ShareRecord[] {
    return this.#all(this.#byPath.get(path));
  }

  ofFile(fileId: FileId): ShareRecord[] {
    return this.#all(this.#byFile.get(fileId));
  }

  set(key: string, record: ShareRecord): void {
    const before = this.#records.get(key);
    if (before !== undefined && before.path !== record.path) take(this.#byPath, before.path, key);
    this.#records.set(key, record);
    add(this.#byPath, record.path, key);
    add(this.#byFile, record.file.fileId, key);
  }

  delete(key: string): void {
    const record = this.#records.get(key);
    if (record === undefined) return;
    this.#records.delete(key);
    take(this.#byPath, record.path, key);
    take(this.#byFile, record.file.fileId, key);
  }

  #all(keys: ReadonlySet<string> | undefined): ShareRecord[] {
    return [...(keys ?? [])].flatMap((key) => this.#records.get(key) ?? []);
  }
}

export function keyOf({ gid, listingId }: Pick<ShareRecord, "gid" | "listingId">): string {
  return shareKey(gid, listingId);
}

function add<K>(index: Map<K, Set<string>>, place: K, key: string): void {
  const keys = index.get(place);
  if (keys === undefined) index.set(place, new Set([key]));
  else keys.add(key);
}

function take<K>(index: Map<K, Set<string>>, place: K, key: string): void {
  const keys = index.get(place);
  keys?.delete(key);
  if (keys?.size === 0) index.delete(place);
}
