/**
 * The tables of the tracker's database and the version that names their form.
 *
 * A database of a newer version is refused: this program could read it wrongly. `PRAGMA user_version` holds the version;
 * 0 is a new, empty file.
 */
import { Failure } from "../../base/failure.ts";

export const SCHEMA_VERSION = 1;

export const SCHEMA = `
  -- Runs of trackers, so that the log names each by a small number.
  CREATE TABLE origin (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;

  -- The log. Its key is its order on disk: what one origin did lies together, in sequence, as a follower reads it.
  CREATE TABLE entry (
    origin INTEGER NOT NULL REFERENCES origin (id),
    seq INTEGER NOT NULL,
    stamp TEXT NOT NULL,
    request TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (origin, seq)
  ) STRICT, WITHOUT ROWID;

  -- Piece lists by digest; one whose parts have not all come yet is not whole, and forgotten at the next start.
  CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    total INTEGER NOT NULL,
    received INTEGER NOT NULL,
    whole INTEGER NOT NULL
  ) STRICT;

  -- For counting and dropping those that are not whole, the one begun first before the others.
  CREATE INDEX blob_unfinished ON blob (id) WHERE whole = 0;

  -- The bytes of a piece list, in parts. With a row id: rows this large do not belong into the tree of a key.
  CREATE TABLE blob_part (
    blob INTEGER NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
    offset INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (blob, offset)
  ) STRICT;

  -- Small values of the tracker itself, by name.
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** @returns whether the tables are still to be made */
export function isNew(version: number, path: string): boolean | Failure {
  if (version <= SCHEMA_VERSION) return version === 0;
  return new Failure(
    "file-refused",
    `the tracker's database is of a newer p2p (form ${version}, this program knows ${SCHEMA_VERSION}): ${path}; use the newer program`,
  );
}
