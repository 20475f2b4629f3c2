/**
 * A bundle: files of one piece at most that are fetched together, as one thing whose pieces are whole files. Pure.
 *
 * A piece is files one behind the other, of PIECE_BYTES and BUNDLE_PIECE_FILES_MAX at most. So a source has a piece if it
 * has all of its files, each of them is held against its own hashes, and none needs another piece to be complete.
 */
import { defined } from "../base/assert.ts";
import type { PieceIndex } from "../base/ids.ts";
import { BUNDLE_BYTES_MAX, BUNDLE_FILES_MAX, BUNDLE_PIECE_FILES_MAX, PIECE_BYTES } from "../base/limits.ts";
import type { PieceTable } from "../base/manifest.ts";

/** Something of so many bytes, PIECE_BYTES at most. */
interface Sized {
  readonly bytes: number;
}

export class Bundle<File extends Sized> implements PieceTable {
  readonly #pieces: readonly (readonly File[])[];
  readonly #lengths: readonly number[];

  /** @param pieces the files of each, in order */
  constructor(pieces: readonly (readonly File[])[]) {
    this.#pieces = pieces;
    this.#lengths = pieces.map(bytesOf);
  }

  get pieces(): number {
    return this.#pieces.length;
  }

  pieceIndex(value: number): PieceIndex | undefined {
    return this.#pieces[value] === undefined ? undefined : (value as PieceIndex);
  }

  pieceLength(piece: PieceIndex): number {
    return defined(this.#lengths[piece], "a piece of the bundle");
  }

  filesOf(piece: PieceIndex): readonly File[] {
    return defined(this.#pieces[piece], "a piece of the bundle");
  }

  all(): readonly (readonly File[])[] {
    return this.#pieces;
  }
}

/** The pieces that files make, in their order. Not for empty ones, of which a peer could not be asked. */
export function cutIntoPieces<File extends Sized>(files: readonly File[]): File[][] {
  return runs(files, BUNDLE_PIECE_FILES_MAX, PIECE_BYTES);
}

/** Files in bundles, in their order. */
export function cutIntoBundles<File extends Sized>(files: readonly File[]): File[][] {
  return runs(files, BUNDLE_FILES_MAX, BUNDLE_BYTES_MAX);
}

/** Each as long as it may be: so many files, and so many bytes unless one file is more. */
function runs<File extends Sized>(files: readonly File[], filesMax: number, bytesMax: number): File[][] {
  const all: File[][] = [];
  let run: File[] = [];
  let bytes = 0;
  for (const file of files) {
    if (run.length === filesMax || (run.length > 0 && bytes + file.bytes > bytesMax)) {
      all.push(run);
      run = [];
      bytes = 0;
    }
    run.push(file);
    bytes += file.bytes;
  }
  return run.length === 0 ? all : [...all, run];
}

export function bytesOf(files: readonly Sized[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
