/**
 * How often each piece of what is fetched was sent, for as long as somebody fetches it: a byte a piece, up to the highest sent.
 */
import type { PieceIndex } from "../../base/ids.ts";

/** What a byte holds; beyond it pieces count as sent equally often. */
const COUNT_MAX = 255;

export class SendCounts {
  readonly #contents = new Map<string, { users: number; counts: Uint8Array }>();

  /** One more uses the content; its counts are kept until each user has closed it. */
  open(content: string): void {
    const entry = this.#contents.get(content) ?? { users: 0, counts: new Uint8Array(64) };
    entry.users++;
    this.#contents.set(content, entry);
  }

  close(content: string): void {
    const entry = this.#contents.get(content);
    if (entry !== undefined && --entry.users === 0) this.#contents.delete(content);
  }

  of(content: string, piece: PieceIndex): number {
    return this.#contents.get(content)?.counts[piece] ?? 0;
  }

  /** Ignored for a content that is not open. */
  change(content: string, piece: PieceIndex, by: 1 | -1): void {
    const entry = this.#contents.get(content);
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
