/**
 * The library of a client: what users of this machine share and download, kept in the data folder across restarts.
 *
 * One SQLite file, one process (the data folder is locked). Rows of one user are never shown to another.
 */
import { Database } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { Failure, toFailure } from "../base/failure.ts";
import type { Digest, Uid } from "../base/ids.ts";
import { LIBRARY_LOG_BYTES, SQLITE_CACHE_BYTES_MAX, SQLITE_PAGE_BYTES } from "../base/limits.ts";
import { forTerminal } from "../base/text.ts";
import { saying, UserLibrary } from "./library-of-user.ts";

const VERSION = 4;

const SCHEMA = `
  -- The last change counter of this machine for each user: the next change of any share carries a greater one.
  CREATE TABLE counter (uid TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE share (
    uid TEXT NOT NULL, gid TEXT NOT NULL, file_id TEXT NOT NULL,
    group_name TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
    size INTEGER NOT NULL, sha1 TEXT NOT NULL, digest TEXT NOT NULL,
    device TEXT NOT NULL, inode TEXT NOT NULL, bytes INTEGER NOT NULL, modified_ns TEXT NOT NULL,
    counter INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (uid, gid, file_id)
  ) STRICT, WITHOUT ROWID;
  -- An upload asks whether the file at its path was hashed before.
  CREATE INDEX share_of_path ON share (uid, path);
  CREATE TABLE download (
    uid TEXT NOT NULL, gid TEXT NOT NULL, file_id TEXT NOT NULL,
    group_name TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
    size INTEGER NOT NULL, sha1 TEXT NOT NULL, digest TEXT NOT NULL,
    journal_path TEXT NOT NULL, place INTEGER NOT NULL, state TEXT NOT NULL, done_bytes INTEGER NOT NULL,
    failure_code TEXT, failure_message TEXT,
    PRIMARY KEY (uid, gid, file_id)
  ) STRICT, WITHOUT ROWID;
`;

/** Columns and key, where a content may have several names. */
const SHARE_OF_NAME = `
  uid TEXT NOT NULL, gid TEXT NOT NULL, listing_id TEXT NOT NULL, file_id TEXT NOT NULL,
  group_name TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
  size INTEGER NOT NULL, sha1 TEXT NOT NULL, digest TEXT NOT NULL,
  device TEXT NOT NULL, inode TEXT NOT NULL, bytes INTEGER NOT NULL, modified_ns TEXT NOT NULL,
  counter INTEGER NOT NULL, state TEXT NOT NULL,
  PRIMARY KEY (uid, gid, listing_id)
`;

const DOWNLOAD_OF_NAME = `
  uid TEXT NOT NULL, gid TEXT NOT NULL, listing_id TEXT NOT NULL, file_id TEXT NOT NULL,
  group_name TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
  size INTEGER NOT NULL, sha1 TEXT NOT NULL, digest TEXT NOT NULL,
  journal_path TEXT NOT NULL, place INTEGER NOT NULL, state TEXT NOT NULL, done_bytes INTEGER NOT NULL,
  failure_code TEXT, failure_message TEXT,
  base TEXT NOT NULL DEFAULT '', modified_ms INTEGER, executable INTEGER,
  PRIMARY KEY (uid, gid, listing_id)
`;

/** From each version to the next. An empty base is the folder of the path: earlier names led through no folders. */
const MIGRATIONS: readonly string[] = [
  SCHEMA,
  `ALTER TABLE download ADD COLUMN base TEXT NOT NULL DEFAULT '';
   ALTER TABLE download ADD COLUMN modified_ms INTEGER;
   ALTER TABLE download ADD COLUMN executable INTEGER;`,
  // A content may have several names in a group. Of before it has one, and is known by its file id.
  `CREATE TABLE share_of_name (${SHARE_OF_NAME}) STRICT, WITHOUT ROWID;
   INSERT INTO share_of_name SELECT uid, gid, file_id, file_id, group_name, name, path, size, sha1, digest,
     device, inode, bytes, modified_ns, counter, state FROM share;
   DROP TABLE share;
   ALTER TABLE share_of_name RENAME TO share;
   CREATE INDEX share_of_path ON share (uid, path);
   CREATE TABLE download_of_name (${DOWNLOAD_OF_NAME}) STRICT, WITHOUT ROWID;
   INSERT INTO download_of_name SELECT uid, gid, file_id, file_id, group_name, name, path, size, sha1, digest,
     journal_path, place, state, done_bytes, failure_code, failure_message, base, modified_ms, executable
     FROM download;
   DROP TABLE download;
   ALTER TABLE download_of_name RENAME TO download;
   CREATE TABLE IF NOT EXISTS settled (
     uid TEXT NOT NULL, gid TEXT NOT NULL, file_id TEXT NOT NULL,
     PRIMARY KEY (uid, gid, file_id)
   ) STRICT, WITHOUT ROWID;
   ALTER TABLE settled RENAME COLUMN file_id TO listing_id;`,
  // In the order in which they came: sorted by hashes, the rows of a folder would each be on another page of the file.
  `CREATE TABLE share_in_order (${SHARE_OF_NAME}) STRICT;
   INSERT INTO share_in_order SELECT * FROM share ORDER BY uid, counter;
   DROP TABLE share;
   ALTER TABLE share_in_order RENAME TO share;
   CREATE INDEX share_of_path ON share (uid, path);
   CREATE TABLE download_in_order (${DOWNLOAD_OF_NAME}) STRICT;
   INSERT INTO download_in_order SELECT * FROM download ORDER BY uid, place;
   DROP TABLE download;
   ALTER TABLE download_in_order RENAME TO download;`,
];

/** Tables that came later: made where they are missing. An earlier version of this program leaves them alone. */
const LATER = `
  CREATE TABLE IF NOT EXISTS follow (
    uid TEXT NOT NULL, gid TEXT NOT NULL, group_name TEXT NOT NULL, folder TEXT NOT NULL,
    PRIMARY KEY (uid, gid)
  ) STRICT, WITHOUT ROWID;
  -- Files of followed groups that were dealt with: fetched, begun or passed over.
  CREATE TABLE IF NOT EXISTS settled (
    uid TEXT NOT NULL, gid TEXT NOT NULL, listing_id TEXT NOT NULL,
    PRIMARY KEY (uid, gid, listing_id)
  ) STRICT, WITHOUT ROWID;
`;

export class Library {
  readonly #database: Database;
  readonly #warn: (message: string) => void;

  private constructor(database: Database, warn: (message: string) => void) {
    this.#database = database;
    this.#warn = warn;
  }

  /**
   * Complete downloads of earlier runs are forgotten here: they are shares now.
   * @param path a file, or ":memory:"
   * @throws Failure if it is no library, or one of a later version
   */
  static open(path: string, warn: (message: string) => void): Library {
    let database: Database | undefined;
    try {
      // Made here, so that nobody else may read what this user has and wants. SQLite gives its other files the same mode.
      if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
      database = new Database(path, { create: true, strict: true });
      prepare(database, path);
      database.run("DELETE FROM download WHERE state = 'complete'");
      return new Library(database, warn);
    } catch (error) {
      database?.close();
      if (error instanceof Failure) throw error;
      throw new Failure(
        "disk-error",
        `cannot use ${forTerminal(path)} (${forTerminal(toFailure(error).message)}); move it away to begin with an empty library`,
      );
    }
  }

  of(uid: Uid): UserLibrary {
    return new UserLibrary(this.#database, uid, this.#warn);
  }

  /** Of all piece lists that any record needs. @throws Failure */
  digests(): Set<Digest> {
    const sql = "SELECT digest FROM share UNION SELECT digest FROM download";
    const rows = saying(() => this.#database.query(sql).all());
    return new Set(rows.map((row) => (row as { digest: Digest }).digest));
  }

  close(): void {
    this.#database.close();
  }
}

function prepare(database: Database, path: string): void {
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = FULL");
  database.run("PRAGMA fullfsync = 1");
  database.run("PRAGMA busy_timeout = 2000");
  // With the runtime's 2 MiB and 1,000 pages the rows of a folder of many files are read and written again and again.
  database.run(`PRAGMA cache_size = ${SQLITE_CACHE_BYTES_MAX / SQLITE_PAGE_BYTES}`);
  database.run(`PRAGMA wal_autocheckpoint = ${LIBRARY_LOG_BYTES / SQLITE_PAGE_BYTES}`);
  const { user_version: version } = database.query("PRAGMA user_version").get() as { user_version: number };
  if (version > VERSION)
    throw new Failure(
      "disk-error",
      `${forTerminal(path)} was made by a later version of this program; update it`,
    );
  database.transaction(() => {
    for (const step of MIGRATIONS.slice(version)) database.run(step);
    database.run(LATER);
    database.run(`PRAGMA user_version = ${VERSION}`);
  })();
}
