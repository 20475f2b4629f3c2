/**
 * How often each piece of each file was sent, for as long as the file is in use: a byte a piece, up to the highest sent.
 */
import type { FileId, PieceIndex } from "../../base/ids.ts";

/** What a byte holds; beyond it pieces count as sent equally often. */
const COUNT_MAX = 255;

export class SendCounts {
  readonly #files = new Map<FileId, { users: number; counts: Uint8Array }>();

  /** One more uses the file; its counts are kept until each user has closed it. */
  open(file: FileId): void {
    const entry = this.#files.get(file) ?? { users: 0, counts: new Uint8Array(64) };
    entry.users++;
    this.#files.set(file, entry);
  }

  close(file: FileId): void {
    const entry = this.#files.get(file);
    if (entry !== undefined && --entry.users === 0) this.#files.delete(file);
  }

  of(file: FileId, piece: PieceIndex): number {
    return this.#files.get(file)?.counts[piece] ?? 0;
  }

  /** Ignored for a file that is not open. */
  change(file: FileId, piece: PieceIndex, by: 1 | -1): void {
    const entry = this.#files.get(file);
    if (entry === undefined) return;
    if (piece >= entry.counts.length) entry.counts = grown(entry.counts, piece);
    entry.counts[piece] = Math.min(COUNT_MAX, Math.max(0, (entry.counts[piece] ?? 0) + by));
  }
}

/** Doubled, so that growing piece by piece costs a constant for each. */
function grown(counts: Uint8Array, piece: PieceIndex): Uint8Array {
  const larger = new Uint8Array(Math.max(piece + 1, counts.length * 2));
  larger.set(counts);
  return larger;
}
