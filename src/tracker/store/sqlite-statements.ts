/** Every statement of the tracker's database, prepared once; what they read and write is said in `sqlite-schema.ts`. */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import type { Uid, UserName } from "../../base/ids.ts";
import { ACCOUNTS_PREFIX } from "../../wire/state-row.ts";
import type { LogRow } from "./log-row.ts";

export interface BlobRow {
  readonly id: number;
  readonly total: number;
  readonly received: number;
  readonly whole: number;
}

export interface OriginRow {
  readonly id: number;
  readonly name: string;
  readonly floor: number;
  readonly checkpointed: number;
  /** Null if the log holds nothing of it. */
  readonly last: number | null;
}

/** What all state rows come to. */
export interface RowTotals {
  readonly sum: string;
  readonly files: number;
}

export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(db: Database) {
  const sql = <Row, Params extends SQLQueryBindings[]>(text: string) => db.prepare<Row, Params>(text);
  const entry =
    "SELECT origin.name AS origin, seq, stamp, request, body FROM entry JOIN origin ON origin.id = entry.origin";
  return {
    origins: sql<OriginRow, []>(
      "SELECT id, name, floor, checkpointed, (SELECT max(seq) FROM entry WHERE origin = id) AS last FROM origin ORDER BY id",
    ),
    addOrigin: sql<never, [string]>("INSERT INTO origin (name) VALUES (?)"),
    entry: sql<LogRow, [string, number]>(`${entry} WHERE origin.name = ? AND seq = ?`),
    entriesAfter: sql<LogRow, [string, number, number]>(
      `${entry} WHERE origin.name = ? AND seq > ? ORDER BY seq LIMIT ?`,
    ),
    addEntry: sql<never, [number, number, string, string, string]>(
      "INSERT INTO entry (origin, seq, stamp, request, body) VALUES (?, ?, ?, ?, ?)",
    ),
    setFloor: sql<never, [number, number]>("UPDATE origin SET floor = ? WHERE id = ?"),
    raiseCheckpoint: sql<never, [number, number]>(
      "UPDATE origin SET checkpointed = max(checkpointed, ?) WHERE id = ?",
    ),
    dropEntries: sql<never, [number, number]>("DELETE FROM entry WHERE origin = ? AND seq <= ?"),
    row: sql<{ text: string }, [string]>("SELECT text FROM state_row WHERE key = ?"),
    putRow: sql<never, [string, string | null, string]>(
      "INSERT OR REPLACE INTO state_row (key, name, text) VALUES (?, ?, ?)",
    ),
    dropRow: sql<never, [string]>("DELETE FROM state_row WHERE key = ?"),
    rowsFrom: sql<{ key: string; text: string }, [string, string, number]>(
      "SELECT key, text FROM state_row WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
    ),
    /** Without their keys, which are long and follow from the texts. */
    rowsBetween: sql<{ text: string }, [string, string, number]>(
      "SELECT text FROM state_row WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
    ),
    accountNames: sql<{ uid: Uid; name: UserName | null }, [string, string, number]>(
      `SELECT substr(key, ${ACCOUNTS_PREFIX.length + 1}) AS uid, name FROM state_row WHERE key > ? AND key < ? ORDER BY key LIMIT ?`,
    ),
    rowTotals: sql<RowTotals, []>("SELECT sum, files FROM row_totals"),
    setRowTotals: sql<never, [string, number]>("UPDATE row_totals SET sum = ?, files = ?"),
    blob: sql<BlobRow, [string]>("SELECT id, total, received, whole FROM blob WHERE digest = ?"),
    addBlob: sql<never, [string, number]>(
      "INSERT INTO blob (digest, total, received, whole) VALUES (?, ?, 0, 0)",
    ),
    addWholeBlob: sql<never, [string, number]>(
      "INSERT INTO blob (digest, total, received, whole) VALUES (?1, ?2, ?2, 1)",
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
    partsOfWhole: sql<{ bytes: Uint8Array }, [string, number, number]>(
      `SELECT bytes FROM blob_part JOIN blob ON blob.id = blob_part.blob
       WHERE digest = ? AND whole = 1 AND offset >= ? AND offset < ? ORDER BY offset`,
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
