/**
 * What one user of this machine shares and downloads: its rows of the library's database.
 *
 * Each change is on disk when its call returns. A damaged row is left out and told. What the records mean is for the
 * keepers to say.
 */
import type { Database } from "bun:sqlite";
import * as v from "valibot";
import { Failure, toFailure } from "../base/failure.ts";
import type { FileId, Gid, Uid } from "../base/ids.ts";
import { forTerminal } from "../base/text.ts";
import {
  type Bindings,
  type DownloadRecord,
  downloadBindings,
  downloadRow,
  type ShareRecord,
  shareBindings,
  shareRow,
  toDownload,
  toShare,
} from "./library-rows.ts";

export class UserLibrary {
  readonly #database: Database;
  readonly #uid: Uid;
  readonly #warn: (message: string) => void;

  constructor(database: Database, uid: Uid, warn: (message: string) => void) {
    this.#database = database;
    this.#uid = uid;
    this.#warn = warn;
  }

  // --- the change counter ---

  /** A counter above all that this machine has used or heard of. @throws Failure */
  nextCounter(): number {
    const sql = `INSERT INTO counter VALUES ($uid, 1)
      ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value`;
    return (this.#get(sql, { uid: this.#uid }) as { value: number }).value;
  }

  /** @throws Failure */
  learnCounter(value: number): void {
    this.#run(
      "INSERT INTO counter VALUES ($uid, $value) ON CONFLICT DO UPDATE SET value = max(value, $value)",
      { uid: this.#uid, value },
    );
  }

  // --- shares ---

  /** Stopped ones too. */
  shares(): ShareRecord[] {
    return this.#records("share", shareRow, toShare, "uid = $uid", { uid: this.#uid });
  }

  /** What was ever shared from this path, the latest change first. */
  sharesAt(path: string): ShareRecord[] {
    const where = "uid = $uid AND path = $path ORDER BY counter DESC";
    return this.#records("share", shareRow, toShare, where, { uid: this.#uid, path });
  }

  /** @throws Failure */
  putShare(record: ShareRecord): void {
    this.#run(
      `INSERT OR REPLACE INTO share VALUES ($uid, $gid, $fileId, $group, $name, $path, $size, $sha1, $digest,
        $device, $inode, $bytes, $modifiedNs, $counter, $state)`,
      { uid: this.#uid, ...shareBindings(record) },
    );
  }

  // --- downloads ---

  /** In the order in which they were asked for. */
  downloads(): DownloadRecord[] {
    const where = "uid = $uid ORDER BY place";
    return this.#records("download", downloadRow, toDownload, where, { uid: this.#uid });
  }

  /** @returns the order of the next download */
  nextOrder(): number {
    const sql = "SELECT coalesce(max(place), 0) + 1 AS place FROM download WHERE uid = $uid";
    return (this.#get(sql, { uid: this.#uid }) as { place: number }).place;
  }

  /** @throws Failure */
  putDownload(record: DownloadRecord): void {
    this.#run(
      `INSERT OR REPLACE INTO download VALUES ($uid, $gid, $fileId, $group, $name, $path, $size, $sha1, $digest,
        $journalPath, $order, $state, $doneBytes, $code, $message, $base, $modifiedMs, $executable)`,
      { uid: this.#uid, ...downloadBindings(record) },
    );
  }

  /** @throws Failure */
  removeDownload(gid: Gid, fileId: FileId): void {
    const sql = "DELETE FROM download WHERE uid = $uid AND gid = $gid AND file_id = $fileId";
    this.#run(sql, { uid: this.#uid, gid, fileId });
  }

  // --- rows ---

  #records<Row, Record>(
    table: string,
    schema: v.GenericSchema<unknown, Row>,
    toRecord: (row: Row) => Record,
    where: string,
    bindings: Bindings,
  ): Record[] {
    const records: Record[] = [];
    for (const row of this.#all(`SELECT * FROM ${table} WHERE ${where}`, bindings)) {
      const result = v.safeParse(schema, row, { abortEarly: true });
      if (result.success) records.push(toRecord(result.output));
      else this.#warn(`a damaged ${table} record was left out: ${result.issues[0].message}`);
    }
    return records;
  }

  #all(sql: string, bindings: Bindings): unknown[] {
    return saying(() => this.#database.query(sql).all(bindings));
  }

  #get(sql: string, bindings: Bindings): unknown {
    return saying(() => this.#database.query(sql).get(bindings));
  }

  #run(sql: string, bindings: Bindings): void {
    saying(() => this.#database.query(sql).run(bindings));
  }
}

/** Runs a call of the database; what it throws becomes a Failure. */
export function saying<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const full = error instanceof Error && "code" in error && error.code === "SQLITE_FULL";
    throw new Failure(
      full ? "disk-full" : "disk-error",
      `cannot use the library: ${forTerminal(toFailure(error).message)}`,
    );
  }
}
