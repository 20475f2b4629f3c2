/**
 * The store in memory, for tests and simulation. A `MemoryDisk` outlives the stores that are opened on it, as a disk
 * outlives processes; entries lie on it as text, so that whoever reads one gets it as from a real disk.
 */
import { assert } from "../../base/assert.ts";
import { Failure } from "../../base/failure.ts";
import type { Digest, Gid, Uid } from "../../base/ids.ts";
import { BLOBS_UNFINISHED_MAX, LOG_PAGE_ENTRIES_MAX } from "../../base/limits.ts";
import { digestOf } from "../../base/manifest.ts";
import { type Entry, entryText, type Origin } from "../../wire/entry.ts";
import {
  ACCOUNTS_PREFIX,
  accountKey,
  encodeRow,
  isFileKey,
  type RowOf,
  rowKey,
  type SharedRow,
  type StateRow,
  sharedPrefix,
} from "../../wire/state-row.ts";
import { RowSum } from "../core/row-sum.ts";
import type { AccountName } from "../core/users.ts";
import { joinVectors, meetVectors, type VersionVector } from "../core/version-vector.ts";
import { stepOfPart, wrongDigest } from "./blob-part.ts";
import type { BlobProgress, EventStore } from "./event-store.ts";
import { fromRow, type LogRow, newRows } from "./log-row.ts";
import { accountRows, parseRow, sharedRows } from "./stored-rows.ts";

export class MemoryDisk {
  /** Of each origin what lies above its floor. */
  readonly logs = new Map<Origin, LogRow[]>();
  readonly rows = new Map<string, string>();
  floor: VersionVector = new Map();
  checkpointed: VersionVector = new Map();
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
    const floor = (origin: Origin) => this.#floorOf(origin);
    const rows = newRows(entries, {
      floor,
      lastSeq: (origin) => floor(origin) + (logs.get(origin)?.length ?? 0),
      row: (origin, seq) => logs.get(origin)?.[seq - floor(origin) - 1],
    });
    for (const row of rows) {
      const origin = row.origin as Origin;
      const log = logs.get(origin);
      if (log === undefined) logs.set(origin, [row]);
      else log.push(row);
    }
  }

  *replay(after: VersionVector = new Map()): Generator<Entry> {
    for (const [origin, log] of this.#disk.logs)
      for (const row of log) if (row.seq > (after.get(origin) ?? 0)) yield fromRow(row);
  }

  entriesAfter(origin: Origin, seq: number, limit: number): Entry[] {
    return this.#logRowsAfter(origin, seq, limit).map(fromRow);
  }

  entryTexts(origin: Origin, seq: number, limit: number): string[] {
    return this.#logRowsAfter(origin, seq, limit).map(entryText);
  }

  vector(): VersionVector {
    const vector = new Map(this.#disk.floor);
    for (const [origin, log] of this.#disk.logs) vector.set(origin, this.#floorOf(origin) + log.length);
    return vector;
  }

  saveRows(rows: readonly StateRow[]): void {
    for (const row of rows) this.#disk.rows.set(rowKey(row), encodeRow(row));
  }

  dropRows(prefix: string, limit: number): number {
    const all = [...this.#disk.rows.keys()].filter((key) => key.startsWith(prefix));
    const keys = all.sort().slice(0, limit);
    for (const key of keys) this.#disk.rows.delete(key);
    return keys.length;
  }

  *loadRows(prefix = ""): Generator<StateRow> {
    const rows = [...this.#disk.rows].sort(([left], [right]) => (left < right ? -1 : 1));
    for (const [key, text] of rows) if (key.startsWith(prefix)) yield parseRow(text);
  }

  *accountNames(): Generator<AccountName> {
    for (const { uid, creation } of this.loadAccounts()) yield { uid, name: creation?.name };
  }

  loadAccounts(uid?: Uid): Iterable<RowOf<"account">> {
    return accountRows(this.loadRows(uid === undefined ? ACCOUNTS_PREFIX : accountKey(uid)), uid);
  }

  loadShared(gid?: Gid): Iterable<SharedRow> {
    return sharedRows(this.loadRows(sharedPrefix(gid)), gid);
  }

  hasShared(gid: Gid): boolean {
    return [...this.#disk.rows.keys()].some((key) => key.startsWith(sharedPrefix(gid)));
  }

  fileCount(): number {
    return [...this.#disk.rows.keys()].filter(isFileKey).length;
  }

  rowSum(): string {
    const sum = new RowSum();
    for (const text of this.#disk.rows.values()) sum.add(text);
    return sum.toString();
  }

  checkpoint(vector: VersionVector): void {
    this.#disk.checkpointed = joinVectors(this.#disk.checkpointed, vector);
  }

  checkpointed(): VersionVector {
    return new Map(this.#disk.checkpointed);
  }

  trim(point: VersionVector): void {
    this.#raiseFloor(meetVectors(point, meetVectors(this.vector(), this.#disk.checkpointed)));
  }

  floor(): VersionVector {
    return new Map(this.#disk.floor);
  }

  adopt(vector: VersionVector): void {
    const held = this.vector();
    this.checkpoint(vector);
    this.#raiseFloor(new Map([...vector].filter(([origin, seq]) => seq > (held.get(origin) ?? 0))));
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

  putBlobs(lists: ReadonlyMap<Digest, Uint8Array>): void {
    for (const [digest, bytes] of lists) {
      const progress = this.putBlob(digest, 0, bytes, bytes.length);
      assert(progress === "whole", "a list of one part is whole, and held against its digest before");
    }
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

  getBlobs(digests: readonly Digest[], length: number): ReadonlyMap<Digest, Uint8Array> {
    const whole = digests.filter((digest) => this.hasBlob(digest));
    return new Map(whole.map((digest) => [digest, this.getBlob(digest, 0, length) ?? new Uint8Array()]));
  }

  getMeta(key: string): string | undefined {
    return this.#disk.meta.get(key);
  }

  setMeta(key: string, value: string): void {
    this.#disk.meta.set(key, value);
  }

  setMetas(values: ReadonlyMap<string, string>): void {
    for (const [key, value] of values) this.setMeta(key, value);
  }

  close(): void {
    this.#unfinished.clear();
  }

  #floorOf(origin: Origin): number {
    return this.#disk.floor.get(origin) ?? 0;
  }

  #logRowsAfter(origin: Origin, seq: number, limit: number): LogRow[] {
    const from = Math.max(0, seq - this.#floorOf(origin));
    const most = Math.min(limit, LOG_PAGE_ENTRIES_MAX);
    return (this.#disk.logs.get(origin) ?? []).slice(from, from + most);
  }

  #raiseFloor(point: VersionVector): void {
    for (const [origin, log] of this.#disk.logs) {
      const seq = point.get(origin) ?? 0;
      this.#disk.logs.set(
        origin,
        log.filter((row) => row.seq > seq),
      );
    }
    this.#disk.floor = joinVectors(this.#disk.floor, point);
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
