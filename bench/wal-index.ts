/**
 * How many transactions a process has committed to its SQLite database, read from outside: the write-ahead log's index
 * (the `-shm` file) counts them. Nothing is slowed down by looking.
 */
import { readFileSync } from "node:fs";

/** WalIndexHdr of SQLite's wal.c: version, padding, then `iChange`, "incremented each transaction". */
const VERSION = 3_007_000;
const CHANGE_OFFSET = 8;
const HEADER_BYTES = 48;

/** @throws if these are not the bytes of such an index */
export function transactionCount(index: Uint8Array): number {
  const view = new DataView(index.buffer, index.byteOffset, index.byteLength);
  if (index.length < HEADER_BYTES || view.getUint32(0, true) !== VERSION)
    throw new Error("not the index of a write-ahead log that this program knows");
  return view.getUint32(CHANGE_OFFSET, true);
}

/** @param database whose owner runs */
export function committedTransactions(database: string): number {
  return transactionCount(readFileSync(`${database}-shm`).subarray(0, HEADER_BYTES));
}
