/**
 * The store in memory, for tests and simulation. A `MemoryDisk` outlives the stores that are opened on it, as a disk
 * outlives processes; entries lie on it as text, so that whoever reads one gets it as from a real disk.
 */
import { Failure } from "../../base/failure.ts";
import type { Digest } from "../../base/ids.ts";
import { BLOBS_UNFINISHED_MAX, LOG_PAGE_ENTRIES_MAX } from "../../base/limits.ts";
import { digestOf } from "../../base/manifest.ts";
import type { Entry, Origin } from "../../wire/entry.ts";
import { stepOfPart, wrongDigest } from "./blob-part.ts";
import type { BlobProgress, EventStore } from "./event-store.ts";
import { fromRow, type LogRow, newRows } from "./log-row.ts";

export class MemoryDisk {
  readonly logs = new Map<Origin, LogRow[]>();
  readonly blobs = new Map<Digest, Uint8Array>();
  readonly meta = new Map<string, string>();
}

interface Unfinished {
  readonly total: number;
  readonly bytes: Uint8Array;
  receivedBytes: number;
}

export class MemoryStore implements EventStore {
  readonly #disk: MemoryDisk;
  readonly #unfinished = new Map<Digest, Unfinished>();

  constructor(disk: MemoryDisk = new MemoryDisk()) {
    this.#disk = disk;
  }

  append(entries: readonly Entry[]): void {
    const { logs } = this.#disk;
    const rows = newRows(entries, {
      lastSeq: (origin) => logs.get(origin)?.length ?? 0,
      row: (origin, seq) => logs.get(origin)?.[seq - 1],
    });
    for (const row of rows) {
      const origin = row.origin as Origin;
      const log = logs.get(origin);
      if (log === undefined) logs.set(origin, [row]);
      else log.push(row);
    }
  }

  *replay(): Generator<Entry> {
    for (const log of this.#disk.logs.values()) for (const row of log) yield fromRow(row);
  }

  entriesAfter(origin: Origin, seq: number, limit: number): Entry[] {
    const rows = this.#disk.logs.get(origin) ?? [];
    return rows.slice(seq, seq + Math.min(limit, LOG_PAGE_ENTRIES_MAX)).map(fromRow);
  }

  vector(): ReadonlyMap<Origin, number> {
    return new Map(Array.from(this.#disk.logs, ([origin, log]) => [origin, log.length]));
  }

  putBlob(digest: Digest, offset: number, bytes: Uint8Array, total: number): BlobProgress {
    if (this.hasBlob(digest)) return "whole";
    const held = this.#unfinished.get(digest);
    const part = { digest, offset, bytes, total };
    const step = stepOfPart(part, held, () => held?.bytes.subarray(offset, offset + bytes.length));
    if (step instanceof Failure) throw step;
    if (step === "skip") return "unfinished";
    const blob = held !== undefined && step === "append" ? held : this.#begin(digest, total);
    blob.bytes.set(bytes, offset);
    blob.receivedBytes += bytes.length;
    return blob.receivedBytes === total ? this.#finish(digest, blob) : "unfinished";
  }

  hasBlob(digest: Digest): boolean {
    return this.#disk.blobs.has(digest);
  }

  blobTotal(digest: Digest): number | undefined {
    return this.#disk.blobs.get(digest)?.length;
  }

  getBlob(digest: Digest, offset: number, length: number): Uint8Array | undefined {
    return this.#disk.blobs.get(digest)?.slice(offset, offset + length);
  }

  getMeta(key: string): string | undefined {
    return this.#disk.meta.get(key);
  }

  setMeta(key: string, value: string): void {
    this.#disk.meta.set(key, value);
  }

  close(): void {
    this.#unfinished.clear();
  }

  #begin(digest: Digest, total: number): Unfinished {
    this.#unfinished.delete(digest);
    const [oldest] = this.#unfinished.keys();
    if (oldest !== undefined && this.#unfinished.size >= BLOBS_UNFINISHED_MAX)
      this.#unfinished.delete(oldest);
    const blob = { total, bytes: new Uint8Array(total), receivedBytes: 0 };
    this.#unfinished.set(digest, blob);
    return blob;
  }

  #finish(digest: Digest, { bytes }: Unfinished): BlobProgress {
    this.#unfinished.delete(digest);
    if (digestOf(bytes) !== digest) throw wrongDigest(digest);
    this.#disk.blobs.set(digest, bytes);
    return "whole";
  }
}
