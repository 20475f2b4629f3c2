/**
 * The store on SQLite (bun:sqlite): one file and its write-ahead log, one process at a time.
 *
 * Each write is one transaction that is on the disk when the call returns (WAL with synchronous=FULL; on darwin
 * fullfsync, since a plain fsync there stops at the drive's cache). The vectors and the sum of the rows are kept in
 * memory too, after each commit. After the first disk error nothing is written any more: see `EventStore`; what an
 * earlier run left is made certain before anything is built on it: see `certain-start.ts`.
 */
import { Database } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { assert } from "../../base/assert.ts";
import { Failure } from "../../base/failure.ts";
import type { Digest, Gid, Uid } from "../../base/ids.ts";
import {
  BLOB_PART_BYTES,
  LOG_PAGE_ENTRIES_MAX,
  ROW_PAGE_ROWS_MAX,
  SQLITE_CACHE_BYTES_MAX,
  SQLITE_PAGE_BYTES,
} from "../../base/limits.ts";
import { HERE } from "../../base/platform.ts";
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
import { wrongDigest } from "./blob-part.ts";
import { syncFolder, writeAgain } from "./certain-start.ts";
import type { BlobProgress, EventStore } from "./event-store.ts";
import { fromRow, type LogRow, missingEntry, newRows } from "./log-row.ts";
import { SqliteBlobs } from "./sqlite-blobs.ts";
import { SCHEMA_VERSION, stepsFrom } from "./sqlite-schema.ts";
import { prepareStatements, type RowTotals, type Statements } from "./sqlite-statements.ts";
import { accountRows, isAccountName, outOfPlace, parseRow, sharedRows } from "./stored-rows.ts";
import { checkOrigins, checkTotals } from "./stored-vectors.ts";

/** Another process may hold the file for a moment: a backup, a virus scanner. */
const BUSY_TIMEOUT_MS = 2_000;

const NO_ROWS: RowTotals = { sum: new RowSum().toString(), files: 0 };

export class SqliteStore implements EventStore {
  readonly #path: string;
  readonly #db: Database;
  readonly #sql: Statements;
  readonly #blobs: SqliteBlobs;
  readonly #originIds = new Map<Origin, number>();
  readonly #vector = new Map<Origin, number>();
  #floor: VersionVector;
  #checkpointed: VersionVector;
  #rowTotals: RowTotals;
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
      this.#blobs = new SqliteBlobs(this.#sql);
      const origins = this.#sql.origins.all();
      checkOrigins(path, origins);
      for (const { id, name, floor, last } of origins) {
        this.#originIds.set(name as Origin, id);
        this.#vector.set(name as Origin, Math.max(floor, last ?? 0));
      }
      this.#floor = heldVector(origins.map(({ name, floor }) => [name as Origin, floor]));
      this.#checkpointed = heldVector(
        origins.map(({ name, checkpointed }) => [name as Origin, checkpointed]),
      );
      this.#rowTotals = checkTotals(path, this.#sql.rowTotals.get() ?? NO_ROWS);
    } catch (error) {
      db.close();
      throw diskError(path, error);
    }
  }

  append(entries: readonly Entry[]): void {
    const rows = this.#read(() =>
      newRows(entries, {
        floor: (origin) => this.#floor.get(origin) ?? 0,
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

  *replay(after: VersionVector = new Map()): Generator<Entry> {
    for (const origin of this.#originIds.keys()) {
      let seq = after.get(origin) ?? 0;
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
    return this.#logRowsAfter(origin, seq, limit).map(fromRow);
  }

  entryTexts(origin: Origin, seq: number, limit: number): string[] {
    return this.#logRowsAfter(origin, seq, limit).map(entryText);
  }

  vector(): VersionVector {
    return new Map(this.#vector);
  }

  saveRows(rows: readonly StateRow[]): void {
    if (rows.length === 0) return;
    this.#changeRows((totals) => {
      for (const row of rows) {
        const [key, text] = [rowKey(row), encodeRow(row)];
        const before = this.#sql.row.get(key)?.text;
        if (before !== undefined) totals.sum.remove(before);
        else if (row.kind === "file") totals.files++;
        this.#sql.putRow.run(key, row.kind === "account" ? (row.creation?.name ?? null) : null, text);
        totals.sum.add(text);
      }
    });
  }

  dropRows(prefix: string, limit: number): number {
    return this.#changeRows((totals) => {
      const rows = this.#sql.rowsFrom.all(prefix, afterPrefix(prefix), limit);
      for (const { key, text } of rows) {
        this.#sql.dropRow.run(key);
        totals.sum.remove(text);
        if (isFileKey(key)) totals.files--;
      }
      return rows.length;
    });
  }

  *loadRows(prefix = ""): Generator<StateRow> {
    const end = afterPrefix(prefix);
    for (let after = prefix; ; ) {
      const page = this.#read(() => this.#sql.rowsBetween.all(after, end, ROW_PAGE_ROWS_MAX));
      let last: StateRow | undefined;
      for (const { text } of page) {
        last = parseRow(text);
        yield last;
      }
      if (last === undefined) return;
      const key = rowKey(last);
      if (key <= after || key >= end) throw outOfPlace(key);
      after = key;
    }
  }

  *accountNames(): Generator<AccountName> {
    const end = afterPrefix(ACCOUNTS_PREFIX);
    for (let after = ACCOUNTS_PREFIX; ; ) {
      const page = this.#read(() => this.#sql.accountNames.all(after, end, ROW_PAGE_ROWS_MAX));
      for (const { uid, name } of page) {
        const key = accountKey(uid);
        if (!isAccountName(uid, name) || key <= after) throw outOfPlace(key);
        yield { uid, name: name ?? undefined };
        after = key;
      }
      if (page.length === 0) return;
    }
  }

  loadAccounts(uid?: Uid): Iterable<RowOf<"account">> {
    return accountRows(
      uid === undefined ? this.loadRows(ACCOUNTS_PREFIX) : this.#rowsAt(accountKey(uid)),
      uid,
    );
  }

  loadShared(gid?: Gid): Iterable<SharedRow> {
    return sharedRows(this.loadRows(sharedPrefix(gid)), gid);
  }

  hasShared(gid: Gid): boolean {
    const prefix = sharedPrefix(gid);
    return this.#read(() => this.#sql.rowsFrom.get(prefix, afterPrefix(prefix), 1)) !== null;
  }

  fileCount(): number {
    return this.#rowTotals.files;
  }

  rowSum(): string {
    return this.#rowTotals.sum;
  }

  checkpoint(vector: VersionVector): void {
    this.#write(() => this.#saveCheckpoint(vector));
    this.#checkpointed = joinVectors(this.#checkpointed, vector);
  }

  checkpointed(): VersionVector {
    return new Map(this.#checkpointed);
  }

  trim(point: VersionVector): void {
    const met = meetVectors(point, meetVectors(this.#vector, this.#checkpointed));
    const raised = above(met, this.#floor);
    if (raised.size === 0) return;
    this.#write(() => this.#saveFloor(raised));
    this.#floor = joinVectors(this.#floor, raised);
  }

  floor(): VersionVector {
    return new Map(this.#floor);
  }

  adopt(vector: VersionVector): void {
    const ahead = above(vector, this.#vector);
    this.#write(() => {
      this.#saveCheckpoint(vector);
      this.#saveFloor(ahead);
    });
    this.#checkpointed = joinVectors(this.#checkpointed, vector);
    this.#floor = joinVectors(this.#floor, ahead);
    for (const [origin, seq] of ahead) this.#vector.set(origin, seq);
  }

  putBlob(digest: Digest, offset: number, bytes: Uint8Array, total: number): BlobProgress {
    const progress = this.#write(() => this.#blobs.put({ digest, offset, bytes, total }));
    // Thrown only now, so that the transaction which drops the parts is kept.
    if (progress === "wrong") throw wrongDigest(digest);
    return progress;
  }

  putBlobs(lists: ReadonlyMap<Digest, Uint8Array>): void {
    this.#write(() => {
      for (const [digest, bytes] of lists) {
        assert(bytes.length <= BLOB_PART_BYTES, "a list of one part");
        this.#blobs.putWhole(digest, bytes);
      }
    });
  }

  hasBlob(digest: Digest): boolean {
    return this.blobTotal(digest) !== undefined;
  }

  blobTotal(digest: Digest): number | undefined {
    return this.#read(() => this.#blobs.whole(digest))?.total;
  }

  getBlob(digest: Digest, offset: number, length: number): Uint8Array | undefined {
    return this.#read(() => this.#blobs.get(digest, offset, length));
  }

  /** In one transaction: for each of its own the engine would lock the file and look what others have written. */
  getBlobs(digests: readonly Digest[], length: number): ReadonlyMap<Digest, Uint8Array> {
    const found = new Map<Digest, Uint8Array>();
    const look = this.#db.transaction(() => {
      for (const digest of digests) {
        const bytes = this.#blobs.get(digest, 0, length);
        if (bytes !== undefined) found.set(digest, bytes);
      }
    });
    this.#read(() => look.deferred());
    return found;
  }

  getMeta(key: string): string | undefined {
    return this.#read(() => this.#sql.meta.get(key))?.value;
  }

  setMeta(key: string, value: string): void {
    this.#write(() => this.#sql.setMeta.run(key, value));
  }

  setMetas(values: ReadonlyMap<string, string>): void {
    if (values.size === 0) return;
    this.#write(() => {
      for (const [key, value] of values) this.#sql.setMeta.run(key, value);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const statement of Object.values(this.#sql)) statement.finalize();
    this.#db.close();
  }

  #logRowsAfter(origin: Origin, seq: number, limit: number): LogRow[] {
    const most = Math.min(limit, LOG_PAGE_ENTRIES_MAX);
    const rows = this.#read(() => this.#sql.entriesAfter.all(origin, seq, most));
    const first = Math.max(seq, this.#floor.get(origin) ?? 0) + 1;
    // Where the file is damaged the rows are in no order, and who reads on after the last one may never end.
    for (const [at, row] of rows.entries())
      if (row.seq !== first + at) throw missingEntry(origin, first + at);
    return rows;
  }

  /** One or none. */
  #rowsAt(key: string): StateRow[] {
    const held = this.#read(() => this.#sql.row.get(key));
    return held === null ? [] : [parseRow(held.text)];
  }

  /** The rows and what they come to change in one transaction. */
  #changeRows<T>(change: (totals: { readonly sum: RowSum; files: number }) => T): T {
    const totals = { sum: new RowSum(this.#rowTotals.sum), files: this.#rowTotals.files };
    const result = this.#write(() => {
      const changed = change(totals);
      this.#sql.setRowTotals.run(totals.sum.toString(), totals.files);
      return changed;
    });
    this.#rowTotals = { sum: totals.sum.toString(), files: totals.files };
    return result;
  }

  #saveCheckpoint(vector: VersionVector): void {
    for (const [origin, seq] of vector) this.#sql.raiseCheckpoint.run(seq, this.#originId(origin));
  }

  #saveFloor(vector: VersionVector): void {
    for (const [origin, seq] of vector) {
      this.#sql.setFloor.run(seq, this.#originId(origin));
      this.#sql.dropEntries.run(this.#originId(origin), seq);
    }
  }

  #originId(origin: Origin): number {
    const known = this.#originIds.get(origin);
    if (known !== undefined) return known;
    const id = Number(this.#sql.addOrigin.run(origin).lastInsertRowid);
    this.#originIds.set(origin, id);
    return id;
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
    const steps = stepsFrom(version, path);
    if (steps instanceof Failure) throw steps;
    setPragmas(db);
    if (steps.length > 0) bringForward(db, steps);
    db.run("DELETE FROM blob WHERE whole = 0");
    // By now the write-ahead log has its file, which stays until the store is closed.
    syncFolder(dirname(path));
    return db;
  } catch (error) {
    db?.close();
    throw diskError(path, error);
  }
}

/** All or nothing: whoever is interrupted begins again from the old form. */
function bringForward(db: Database, steps: readonly string[]): void {
  const all = `${steps.join("")} PRAGMA user_version = ${SCHEMA_VERSION};`;
  db.transaction(() => db.run(all)).immediate();
}

function setPragmas(db: Database): void {
  db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const mode = db.query<{ journal_mode: string }, []>("PRAGMA journal_mode = WAL").get()?.journal_mode;
  if (mode !== "wal") throw new Error(`no write-ahead log there (journal mode ${mode})`);
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA foreign_keys = ON");
  db.run(`PRAGMA cache_size = ${SQLITE_CACHE_BYTES_MAX / SQLITE_PAGE_BYTES}`);
  if (!HERE.syncsDrive) {
    db.run("PRAGMA fullfsync = 1");
    db.run("PRAGMA checkpoint_fullfsync = 1");
  }
}

/** Without the origins at 0, which say nothing. */
function heldVector(seqs: readonly (readonly [Origin, number])[]): VersionVector {
  return new Map(seqs.filter(([, seq]) => seq > 0));
}

/** Above every text that begins with it and below those that come after. */
function afterPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

/** What of `vector` is above `held`. */
function above(vector: VersionVector, held: VersionVector): VersionVector {
  return new Map([...vector].filter(([origin, seq]) => seq > (held.get(origin) ?? 0)));
}

/** A Failure as it is; anything else as the disk's. */
function diskError(path: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new Failure("disk-error", `the tracker's database cannot be used: ${path}: ${why}`);
}
