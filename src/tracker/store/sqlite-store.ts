/**
 * The store on SQLite (bun:sqlite): one file and its write-ahead log, one process at a time.
 *
 * Each write is one transaction that is on the disk when the call returns (WAL with synchronous=FULL; on darwin
 * fullfsync, since a plain fsync there stops at the drive's cache). The version vector is kept in memory, after each
 * commit. After the first disk error nothing is written any more: see `EventStore`; what an earlier run left is made
 * certain before anything is built on it: see `certain-start.ts`.
 */
import { Database, type SQLQueryBindings } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { Failure } from "../../base/failure.ts";
import type { Digest } from "../../base/ids.ts";
import { BLOB_PART_BYTES, BLOBS_UNFINISHED_MAX, LOG_PAGE_ENTRIES_MAX } from "../../base/limits.ts";
import type { Entry, Origin } from "../../wire/entry.ts";
import { type BlobPart, stepOfPart, wrongDigest } from "./blob-part.ts";
import { syncFolder, writeAgain } from "./certain-start.ts";
import type { BlobProgress, EventStore } from "./event-store.ts";
import { fromRow, type LogRow, newRows } from "./log-row.ts";
import { isNew, SCHEMA } from "./sqlite-schema.ts";

/** Another process may hold the file for a moment: a backup, a virus scanner. */
const BUSY_TIMEOUT_MS = 2_000;

interface BlobRow {
  readonly id: number;
  readonly total: number;
  readonly received: number;
  readonly whole: number;
}

export class SqliteStore implements EventStore {
  readonly #path: string;
  readonly #db: Database;
  readonly #sql: ReturnType<typeof prepareStatements>;
  readonly #originIds = new Map<Origin, number>();
  readonly #vector = new Map<Origin, number>();
  #broken: Failure | undefined;
  #closed = false;

  /** Makes the file if there is none. @throws Failure "disk-error", or "file-refused" for one of a newer program */
  static open(path: string): SqliteStore {
    return new SqliteStore(path, openDatabase(path));
  }

  private constructor(path: string, db: Database) {
    this.#path = path;
    this.#db = db;
    try {
      this.#sql = prepareStatements(db);
      for (const { id, name, last } of this.#sql.origins.all()) {
        this.#originIds.set(name as Origin, id);
        this.#vector.set(name as Origin, last);
      }
    } catch (error) {
      db.close();
      throw diskError(path, error);
    }
  }

  append(entries: readonly Entry[]): void {
    const rows = this.#read(() =>
      newRows(entries, {
        lastSeq: (origin) => this.#vector.get(origin) ?? 0,
        row: (origin, seq) => this.#sql.entry.get(origin, seq) ?? undefined,
      }),
    );
    if (rows.length === 0) return;
    this.#write(() => {
      for (const { origin, seq, stamp, request, body } of rows)
        this.#sql.addEntry.run(this.#originId(origin as Origin), seq, stamp, request, body);
    });
    for (const { origin, seq } of rows) this.#vector.set(origin as Origin, seq);
  }

  *replay(): Generator<Entry> {
    for (const origin of this.#originIds.keys()) {
      let seq = 0;
      for (;;) {
        const page = this.entriesAfter(origin, seq, LOG_PAGE_ENTRIES_MAX);
        yield* page;
        const last = page.at(-1);
        if (last === undefined) break;
        seq = last.key.seq;
      }
    }
  }

  entriesAfter(origin: Origin, seq: number, limit: number): Entry[] {
    const most = Math.min(limit, LOG_PAGE_ENTRIES_MAX);
    return this.#read(() => this.#sql.entriesAfter.all(origin, seq, most)).map(fromRow);
  }

  vector(): ReadonlyMap<Origin, number> {
    return new Map(this.#vector);
  }

  putBlob(digest: Digest, offset: number, bytes: Uint8Array, total: number): BlobProgress {
    const progress = this.#write(() => this.#putPart({ digest, offset, bytes, total }));
    // Thrown only now, so that the transaction which drops the parts is kept.
    if (progress === "wrong") throw wrongDigest(digest);
    return progress;
  }

  hasBlob(digest: Digest): boolean {
    return this.blobTotal(digest) !== undefined;
  }

  blobTotal(digest: Digest): number | undefined {
    return this.#wholeBlob(digest)?.total;
  }

  getBlob(digest: Digest, offset: number, length: number): Uint8Array | undefined {
    const blob = this.#wholeBlob(digest);
    if (blob === undefined) return undefined;
    const first = offset - (offset % BLOB_PART_BYTES);
    const parts = this.#read(() => this.#sql.parts.all(blob.id, first, offset + length));
    const bytes = parts.length === 1 ? parts[0]?.bytes : Buffer.concat(parts.map((part) => part.bytes));
    return bytes?.subarray(offset - first, offset - first + length);
  }

  getMeta(key: string): string | undefined {
    return this.#read(() => this.#sql.meta.get(key))?.value;
  }

  setMeta(key: string, value: string): void {
    this.#write(() => this.#sql.setMeta.run(key, value));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const statement of Object.values(this.#sql)) statement.finalize();
    this.#db.close();
  }

  #originId(origin: Origin): number {
    const known = this.#originIds.get(origin);
    if (known !== undefined) return known;
    const id = Number(this.#sql.addOrigin.run(origin).lastInsertRowid);
    this.#originIds.set(origin, id);
    return id;
  }

  #wholeBlob(digest: Digest): BlobRow | undefined {
    const blob = this.#read(() => this.#sql.blob.get(digest));
    return blob?.whole === 1 ? blob : undefined;
  }

  #putPart(part: BlobPart): BlobProgress | "wrong" {
    const held = this.#sql.blob.get(part.digest) ?? undefined;
    if (held?.whole === 1) return "whole";
    const unfinished = held && { total: held.total, receivedBytes: held.received };
    const step = stepOfPart(part, unfinished, () => this.#heldPart(held, part.offset));
    if (step instanceof Failure) throw step;
    if (step === "skip") return "unfinished";
    const id = held !== undefined && step === "append" ? held.id : this.#beginBlob(part, held);
    this.#sql.addPart.run(id, part.offset, part.bytes);
    this.#sql.setReceived.run(part.offset + part.bytes.length, id);
    return part.offset + part.bytes.length === part.total ? this.#finishBlob(id, part.digest) : "unfinished";
  }

  #heldPart(blob: BlobRow | undefined, offset: number): Uint8Array | undefined {
    return blob === undefined ? undefined : this.#sql.parts.get(blob.id, offset, offset + 1)?.bytes;
  }

  #beginBlob({ digest, total }: BlobPart, held: BlobRow | undefined): number {
    if (held !== undefined) this.#sql.dropBlob.run(held.id);
    this.#sql.dropOldest.run(BLOBS_UNFINISHED_MAX - 1);
    return Number(this.#sql.addBlob.run(digest, total).lastInsertRowid);
  }

  #finishBlob(id: number, digest: Digest): "whole" | "wrong" {
    const hasher = new Bun.CryptoHasher("sha256");
    for (const { bytes } of this.#sql.parts.iterate(id, 0, Number.MAX_SAFE_INTEGER)) hasher.update(bytes);
    const isRight = hasher.digest("hex") === digest;
    if (isRight) this.#sql.setWhole.run(id);
    else this.#sql.dropBlob.run(id);
    return isRight ? "whole" : "wrong";
  }

  #read<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw diskError(this.#path, error);
    }
  }

  /** One transaction. A Failure of `run` undoes it; any other error is the disk's, and the end of writing. */
  #write<T>(run: () => T): T {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      return this.#db.transaction(run).immediate();
    } catch (error) {
      const failure = diskError(this.#path, error);
      if (failure !== error) this.#broken = failure;
      throw failure;
    }
  }
}

function openDatabase(path: string): Database {
  let db: Database | undefined;
  try {
    // Made here, so that nobody else may read it: it holds password hashes. SQLite gives its other files the same mode.
    closeSync(openSync(path, "a", 0o600));
    writeAgain(`${path}-wal`);
    db = new Database(path, { strict: true, readwrite: true });
    const version = db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
    const fresh = isNew(version, path);
    if (fresh instanceof Failure) throw fresh;
    setPragmas(db);
    if (fresh) db.transaction(() => db?.run(SCHEMA)).immediate();
    db.run("DELETE FROM blob WHERE whole = 0");
    // By now the write-ahead log has its file, which stays until the store is closed.
    syncFolder(dirname(path));
    return db;
  } catch (error) {
    db?.close();
    throw diskError(path, error);
  }
}

function setPragmas(db: Database): void {
  db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const mode = db.query<{ journal_mode: string }, []>("PRAGMA journal_mode = WAL").get()?.journal_mode;
  if (mode !== "wal") throw new Error(`no write-ahead log there (journal mode ${mode})`);
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA foreign_keys = ON");
  if (process.platform === "darwin") {
    db.run("PRAGMA fullfsync = 1");
    db.run("PRAGMA checkpoint_fullfsync = 1");
  }
}

function prepareStatements(db: Database) {
  const sql = <Row, Params extends SQLQueryBindings[]>(text: string) => db.prepare<Row, Params>(text);
  const entry =
    "SELECT origin.name AS origin, seq, stamp, request, body FROM entry JOIN origin ON origin.id = entry.origin";
  return {
    origins: sql<{ id: number; name: string; last: number }, []>(
      "SELECT id, name, (SELECT max(seq) FROM entry WHERE origin = id) AS last FROM origin ORDER BY id",
    ),
    addOrigin: sql<never, [string]>("INSERT INTO origin (name) VALUES (?)"),
    entry: sql<LogRow, [string, number]>(`${entry} WHERE origin.name = ? AND seq = ?`),
    entriesAfter: sql<LogRow, [string, number, number]>(
      `${entry} WHERE origin.name = ? AND seq > ? ORDER BY seq LIMIT ?`,
    ),
    addEntry: sql<never, [number, number, string, string, string]>(
      "INSERT INTO entry (origin, seq, stamp, request, body) VALUES (?, ?, ?, ?, ?)",
    ),
    blob: sql<BlobRow, [string]>("SELECT id, total, received, whole FROM blob WHERE digest = ?"),
    addBlob: sql<never, [string, number]>(
      "INSERT INTO blob (digest, total, received, whole) VALUES (?, ?, 0, 0)",
    ),
    setReceived: sql<never, [number, number]>("UPDATE blob SET received = ? WHERE id = ?"),
    setWhole: sql<never, [number]>("UPDATE blob SET whole = 1 WHERE id = ?"),
    dropBlob: sql<never, [number]>("DELETE FROM blob WHERE id = ?"),
    /** Keeps the given number of those begun last. */
    dropOldest: sql<never, [number]>(
      "DELETE FROM blob WHERE id IN (SELECT id FROM blob WHERE whole = 0 ORDER BY id DESC LIMIT -1 OFFSET ?)",
    ),
    parts: sql<{ bytes: Uint8Array }, [number, number, number]>(
      "SELECT bytes FROM blob_part WHERE blob = ? AND offset >= ? AND offset < ? ORDER BY offset",
    ),
    addPart: sql<never, [number, number, Uint8Array]>(
      "INSERT INTO blob_part (blob, offset, bytes) VALUES (?, ?, ?)",
    ),
    meta: sql<{ value: string }, [string]>("SELECT value FROM meta WHERE key = ?"),
    setMeta: sql<never, [string, string]>(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    ),
  };
}

/** A Failure as it is; anything else as the disk's. */
function diskError(path: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new Failure("disk-error", `the tracker's database cannot be used: ${path}: ${why}`);
}
