/**
 * What an interrupted hashing of a file leaves, as bytes. Pure.
 *
 * A head, which says which file it was, as it was then; behind it blocks of piece rows, in order, each with a sum over the
 * head, its place and its rows. So a block is right, at its place and of this very file, or it ends what is believed.
 */
import { HASH_JOURNAL_BLOCK_PIECES } from "../../base/limits.ts";
import { pieceCount } from "../../base/manifest.ts";
import type { FileIdentity } from "./file-identity.ts";
import { PIECE_HASH_BYTES } from "./piece-hash.ts";

const SUM_BYTES = 32;
export const BLOCK_ROWS_BYTES = HASH_JOURNAL_BLOCK_PIECES * PIECE_HASH_BYTES;
const BLOCK_BYTES = BLOCK_ROWS_BYTES + SUM_BYTES;

/** Of the whole blocks of a file: its last pieces are in none. */
export function hashJournalBlocks(size: number): number {
  return Math.floor(pieceCount(size) / HASH_JOURNAL_BLOCK_PIECES);
}

/** Where that block begins, or how long a journal of so many blocks is. */
export function hashJournalBytes(blocks: number): number {
  return SUM_BYTES + blocks * BLOCK_BYTES;
}

export function encodeHashHead({ device, inode, size, modifiedNs }: FileIdentity): Uint8Array {
  return sum(`p2p-hash-journal-1\n${device}\n${inode}\n${size}\n${modifiedNs}\n`);
}

/** @param rows of that block, BLOCK_ROWS_BYTES */
export function encodeHashBlock(head: Uint8Array, index: number, rows: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(rows);
  block.set(sumOfBlock(head, index, rows), BLOCK_ROWS_BYTES);
  return block;
}

/** @returns the rows of the file's first pieces; none if it is a journal of another file, or of what it was before */
export function decodeHashJournal(bytes: Uint8Array, identity: FileIdentity): Uint8Array {
  const head = encodeHashHead(identity);
  if (!isEqual(bytes.subarray(0, SUM_BYTES), head)) return new Uint8Array();
  const rows = new Uint8Array(hashJournalBlocks(identity.size) * BLOCK_ROWS_BYTES);
  let length = 0;
  for (let index = 0; length < rows.length; index++) {
    const at = hashJournalBytes(index);
    const found = bytes.subarray(at, at + BLOCK_ROWS_BYTES);
    const foundSum = bytes.subarray(at + BLOCK_ROWS_BYTES, at + BLOCK_BYTES);
    if (!isEqual(foundSum, sumOfBlock(head, index, found))) break;
    rows.set(found, length);
    length += found.length;
  }
  return rows.slice(0, length);
}

function sumOfBlock(head: Uint8Array, index: number, rows: Uint8Array): Uint8Array {
  return sum(head, `${index}\n`, rows);
}

function sum(...parts: (string | Uint8Array)[]): Uint8Array {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const part of parts) hasher.update(part);
  return new Uint8Array(hasher.digest());
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
