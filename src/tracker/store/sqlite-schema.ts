/**
 * The tables of the tracker's database, form by form, and the version that names the last one.
 *
 * A database of an older form is brought forward step by step and keeps everything; one of a newer version is refused:
 * this program could read it wrongly. `PRAGMA user_version` holds the version; 0 is a new, empty file.
 */
import { Failure } from "../../base/failure.ts";

const FIRST_FORM = `
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
`;

const WITH_STATE_ROWS = `
  -- The state as rows, by key; written behind the log, ahead of the checkpoint. Of an account also its name, null until it
  -- is known: a start needs no more of it.
  CREATE TABLE state_row (
    key TEXT PRIMARY KEY,
    name TEXT,
    text TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The sum of the hashes of all state rows, and how many of them are files: one row.
  CREATE TABLE row_totals (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sum TEXT NOT NULL,
    files INTEGER NOT NULL
  ) STRICT;
  INSERT INTO row_totals (id, sum, files) VALUES (1, '00000000000000000000000000000000', 0);

  -- Entries up to 'floor' are gone from the log, those up to 'checkpointed' are in the state rows.
  ALTER TABLE origin ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE origin ADD COLUMN checkpointed INTEGER NOT NULL DEFAULT 0;
`;

/** What makes each form of the one before it; the first of an empty file. */
export const SCHEMA_STEPS: readonly string[] = [FIRST_FORM, WITH_STATE_ROWS];

export const SCHEMA_VERSION = SCHEMA_STEPS.length;

/** @returns what brings a database of that version to the present form */
export function stepsFrom(version: number, path: string): readonly string[] | Failure {
  if (version <= SCHEMA_VERSION) return SCHEMA_STEPS.slice(version);
  return new Failure(
    "file-refused",
    `the tracker's database is of a newer p2p (form ${version}, this program knows ${SCHEMA_VERSION}): ${path}; use the newer program`,
  );
}
