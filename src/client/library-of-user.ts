/**
 * What one user of this machine shares and downloads: its rows of the library's database.
 *
 * Each change is on disk when its call returns, but for those of many small files, which are put `Soon`: what is lost of
 * these with a kill is found again, by the tracker's list and by the files themselves. A damaged row is left out and told. What the records mean is for the
 * keepers to say.
 */
import type { Database } from "bun:sqlite";
import * as v from "valibot";
import { Failure, toFailure } from "../base/failure.ts";
import type { Gid, ListingId, Uid } from "../base/ids.ts";
import { COUNTERS_TAKEN, LIBRARY_CHANGES_UNWRITTEN_MAX } from "../base/limits.ts";
import { forTerminal } from "../base/text.ts";
import {
  type Bindings,
  type DownloadRecord,
  downloadBindings,
  downloadRow,
  type FollowRecord,
  followRow,
  type ShareRecord,
  shareBindings,
  shareRow,
  toDownload,
  toFollow,
  toShare,
} from "./library-rows.ts";

export class UserLibrary {
  readonly #database: Database;
  readonly #uid: Uid;
  readonly #warn: (message: string) => void;
  #counters = { next: 1, last: 0 };
  /** Of the downloads; looked up once, since it takes a walk over all of them. */
  #lastOrder: number | undefined;
  /** In order. */
  readonly #unwritten: (() => void)[] = [];

  constructor(database: Database, uid: Uid, warn: (message: string) => void) {
    this.#database = database;
    this.#uid = uid;
    this.#warn = warn;
  }

  // --- the change counter ---

  /** A counter above all that this machine has used or heard of: those taken before a kill are left out. @throws Failure */
  nextCounter(): number {
    if (this.#counters.next > this.#counters.last) this.#takeCounters();
    return this.#counters.next++;
  }

  #takeCounters(): void {
    const sql = `INSERT INTO counter VALUES ($uid, $taken)
      ON CONFLICT DO UPDATE SET value = value + $taken RETURNING value`;
    const row = this.#get(sql, { uid: this.#uid, taken: COUNTERS_TAKEN });
    const last = (row as { value: number }).value;
    this.#counters = { next: last - COUNTERS_TAKEN + 1, last };
  }

  /** @throws Failure */
  learnCounter(value: number): void {
    if (value < this.#counters.next) return;
    this.#counters = { next: 1, last: 0 };
    this.#run(
      "INSERT INTO counter VALUES ($uid, $value) ON CONFLICT DO UPDATE SET value = max(value, $value)",
      { uid: this.#uid, value },
    );
  }

  // --- shares ---

  /** Stopped ones too. */
  shares(): ShareRecord[] {
    this.flush();
    return this.#records("share", shareRow, toShare, "uid = $uid", { uid: this.#uid });
  }

  /** What was ever shared from this path, the latest change first; not what is put soon. */
  sharesAt(path: string): ShareRecord[] {
    const where = "uid = $uid AND path = $path ORDER BY counter DESC";
    return this.#records("share", shareRow, toShare, where, { uid: this.#uid, path });
  }

  /** On disk with the next `flush`, or with any other change. @throws Failure */
  putShareSoon(record: ShareRecord): void {
    this.#soon(() => this.#writeShare(record));
  }

  /** @throws Failure */
  putShare(record: ShareRecord): void {
    this.flush();
    this.#writeShare(record);
  }

  #writeShare(record: ShareRecord): void {
    this.#run(
      `INSERT INTO share VALUES ($uid, $gid, $listingId, $fileId, $group, $name, $path, $size, $sha1, $digest,
        $device, $inode, $bytes, $modifiedNs, $counter, $state)
       ON CONFLICT (uid, gid, listing_id) DO UPDATE SET group_name = $group, name = $name, path = $path,
        size = $size, sha1 = $sha1, digest = $digest, device = $device, inode = $inode, bytes = $bytes,
        modified_ns = $modifiedNs, counter = $counter, state = $state`,
      { uid: this.#uid, ...shareBindings(record) },
    );
  }

  // --- downloads ---

  /** In the order in which they were asked for. */
  downloads(): DownloadRecord[] {
    this.flush();
    const where = "uid = $uid ORDER BY place";
    return this.#records("download", downloadRow, toDownload, where, { uid: this.#uid });
  }

  /** @returns the order of the next download */
  nextOrder(): number {
    this.#lastOrder ??= this.#greatestOrder();
    return ++this.#lastOrder;
  }

  #greatestOrder(): number {
    const sql = "SELECT coalesce(max(place), 0) AS place FROM download WHERE uid = $uid";
    return (this.#get(sql, { uid: this.#uid }) as { place: number }).place;
  }

  /** As `putShareSoon`. @throws Failure */
  putDownloadSoon(record: DownloadRecord): void {
    this.#soon(() => this.#writeDownload(record));
  }

  /** @throws Failure */
  putDownload(record: DownloadRecord): void {
    this.flush();
    this.#writeDownload(record);
  }

  #writeDownload(record: DownloadRecord): void {
    this.#run(
      `INSERT INTO download VALUES ($uid, $gid, $listingId, $fileId, $group, $name, $path, $size, $sha1, $digest,
        $journalPath, $order, $state, $doneBytes, $code, $message, $base, $modifiedMs, $executable)
       ON CONFLICT (uid, gid, listing_id) DO UPDATE SET group_name = $group, name = $name, path = $path,
        size = $size, sha1 = $sha1, digest = $digest, journal_path = $journalPath, place = $order, state = $state,
        done_bytes = $doneBytes, failure_code = $code, failure_message = $message, base = $base,
        modified_ms = $modifiedMs, executable = $executable`,
      { uid: this.#uid, ...downloadBindings(record) },
    );
  }

  /** @throws Failure */
  removeDownload(gid: Gid, listingId: ListingId): void {
    this.flush();
    const sql = "DELETE FROM download WHERE uid = $uid AND gid = $gid AND listing_id = $listingId";
    this.#run(sql, { uid: this.#uid, gid, listingId });
  }

  /** Brings what was put soon to the disk, in one step. @throws Failure */
  flush(): void {
    const changes = this.#unwritten.splice(0);
    if (changes.length === 0) return;
    this.together(() => {
      for (const change of changes) change();
    });
  }

  #soon(change: () => void): void {
    this.#unwritten.push(change);
    if (this.#unwritten.length >= LIBRARY_CHANGES_UNWRITTEN_MAX) this.flush();
  }

  /** All changes that `work` makes, in one step on the disk. @throws what it throws; nothing is changed then */
  together(work: () => void): void {
    this.flush();
    saying(() => this.#database.transaction(work)());
  }

  // --- followed groups ---

  follows(): FollowRecord[] {
    return this.#records("follow", followRow, toFollow, "uid = $uid ORDER BY group_name", { uid: this.#uid });
  }

  /** @throws Failure */
  putFollow({ gid, group, folder }: FollowRecord): void {
    const sql = "INSERT OR REPLACE INTO follow VALUES ($uid, $gid, $group, $folder)";
    this.#run(sql, { uid: this.#uid, gid, group, folder });
  }

  /** With all that was settled for it. @throws Failure */
  removeFollow(gid: Gid): void {
    const bindings = { uid: this.#uid, gid };
    this.#run("DELETE FROM follow WHERE uid = $uid AND gid = $gid", bindings);
    this.#run("DELETE FROM settled WHERE uid = $uid AND gid = $gid", bindings);
  }

  /** Files of a followed group that are never to be fetched again, in one step on the disk. @throws Failure */
  settle(gid: Gid, listingIds: readonly ListingId[]): void {
    if (listingIds.length === 0) return;
    const sql = "INSERT OR IGNORE INTO settled VALUES ($uid, $gid, $listingId)";
    this.together(() => {
      for (const listingId of listingIds) this.#run(sql, { uid: this.#uid, gid, listingId });
    });
  }

  /** @throws Failure */
  isSettled(gid: Gid, listingId: ListingId): boolean {
    const sql = "SELECT 1 FROM settled WHERE uid = $uid AND gid = $gid AND listing_id = $listingId";
    return this.#get(sql, { uid: this.#uid, gid, listingId }) !== null;
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
    if (error instanceof Failure) throw error;
    const full = error instanceof Error && "code" in error && error.code === "SQLITE_FULL";
    throw new Failure(
      full ? "disk-full" : "disk-error",
      `cannot use the library: ${forTerminal(toFailure(error).message)}`,
    );
  }
}
