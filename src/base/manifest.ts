/**
 * What a file's content is: its size, its pieces' hashes, its SHA-1. Pure bytes <-> values.
 *
 * The piece list is stored and sent as a content-addressed blob: 20 bytes of SHA-1 then 32 bytes of SHA-256 for each
 * piece, in order. The file id is SHA-256 over ("p2p-file-1", size, piece length, SHA-256 list), so that it depends on
 * the content alone; SHA-1 is what people compare, SHA-256 is what a hostile sharer cannot prepare collisions for.
 */
import { assert } from "./assert.ts";
import { Failure } from "./failure.ts";
import type { Digest, FileId, PieceIndex, Sha1 } from "./ids.ts";
import { FILE_BYTES_MAX, PIECE_BYTES } from "./limits.ts";

export const SHA1_BYTES = 20;
export const SHA256_BYTES = 32;
const ROW_BYTES = SHA1_BYTES + SHA256_BYTES;

/** What a tracker keeps of a file besides names: enough to ask for the piece list and to check it. */
export interface FileSummary {
  readonly fileId: FileId;
  /** Bytes. */
  readonly size: number;
  readonly sha1: Sha1;
  /** Of the piece list. */
  readonly digest: Digest;
}

/** @returns the number of pieces of a file of `size` bytes; 0 for an empty one */
export function pieceCount(size: number): number {
  return Math.ceil(size / PIECE_BYTES);
}

/** How what is fetched together is cut into pieces. */
export interface PieceTable {
  readonly pieces: number;
  /** @returns the index, if there is such a piece */
  pieceIndex(value: number): PieceIndex | undefined;
  /** Bytes. */
  pieceLength(piece: PieceIndex): number;
}

/** How a file is cut into pieces: all that is to be known of it without its piece list. */
export class FileShape implements PieceTable {
  readonly pieces: number;

  constructor(readonly summary: FileSummary) {
    this.pieces = pieceCount(summary.size);
  }

  pieceIndex(value: number): PieceIndex | undefined {
    return Number.isInteger(value) && value >= 0 && value < this.pieces ? (value as PieceIndex) : undefined;
  }

  pieceLength(piece: PieceIndex): number {
    return Math.min(PIECE_BYTES, this.summary.size - piece * PIECE_BYTES);
  }

  pieceOffset(piece: PieceIndex): number {
    return piece * PIECE_BYTES;
  }
}

/** A file's content as hashes; immutable. */
export class Manifest extends FileShape {
  /** The piece list: `pieces` rows of SHA-1 and SHA-256. Never a Buffer, whose `slice` copies nothing: all of it would go to a worker with each piece. */
  readonly rows: Uint8Array;

  private constructor(summary: FileSummary, rows: Uint8Array) {
    super(summary);
    this.rows = new Uint8Array(rows.buffer, rows.byteOffset, rows.length);
  }

  static make(size: number, sha1: Sha1, rows: Uint8Array): Manifest {
    assert(rows.length === pieceCount(size) * ROW_BYTES, `piece list of ${rows.length} bytes for ${size}`);
    return new Manifest({ size, sha1, fileId: fileIdOf(size, rows), digest: digestOf(rows) }, rows);
  }

  /** Holds a fetched piece list against what the tracker says of the file. */
  static check(summary: FileSummary, rows: Uint8Array): Manifest | Failure {
    const refuse = (why: string) => new Failure("corrupt", `the piece list of file ${summary.fileId} ${why}`);
    if (summary.size > FILE_BYTES_MAX) return refuse("is of a file that is too large");
    if (rows.length !== pieceCount(summary.size) * ROW_BYTES) return refuse("has a wrong length");
    if (digestOf(rows) !== summary.digest) return refuse("is not the one announced");
    if (fileIdOf(summary.size, rows) !== summary.fileId) return refuse("belongs to another file");
    return new Manifest(summary, rows);
  }

  /** SHA-1 then SHA-256 of the piece: a view, not a copy. */
  pieceHashes(piece: PieceIndex): Uint8Array {
    return this.rows.subarray(piece * ROW_BYTES, (piece + 1) * ROW_BYTES);
  }
}

export function digestOf(bytes: Uint8Array): Digest {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex") as Digest;
}

/** @param rows the piece list */
export function fileIdOf(size: number, rows: Uint8Array): FileId {
  const hasher = new Bun.CryptoHasher("sha256");
  hasher.update(`p2p-file-1\n${size}\n${PIECE_BYTES}\n`);
  for (let at = SHA1_BYTES; at < rows.length; at += ROW_BYTES)
    hasher.update(rows.subarray(at, at + SHA256_BYTES));
  return hasher.digest("hex") as FileId;
}
