/**
 * How many pieces a server may have on its line at once.
 *
 * One after the other is better than all at once: on a slow line, eight pieces side by side arrive together after eight times
 * as long, and until then nobody can pass any of them on. So there are no more on their way than fill the line: what it carries
 * in the time that the fastest took, and a little more, so that a faster line shows. What a system's socket has taken says
 * nothing of it: it may hold seconds' worth.
 *
 * Owns the rate and the least time; which turns are on the line is for `upload-slots.ts` to know.
 */
import { PIECE_BYTES, UPLOADS_ON_LINE_MIN } from "../../base/limits.ts";

/** Beside the least time: the next piece is on its way before the word of the last one is here. */
const SPARE_MS = 80;
/** A rate follows a change of the line within a second or so. */
const RATE_MEMORY_MS = 1_000;
/** A turn is late after so many times what it should take; a slow reader is not a slow line. */
const LATE_TURNS = 3;
const LATE_MS_MIN = 1_000;

export class UploadWindow {
  /** Bytes that arrived and the time of their arriving, both fading with age. */
  #bytes = 0;
  #ms = 0;
  #measuredToMs = 0;
  #leastMs = Number.POSITIVE_INFINITY;

  /** The line was idle until now: that time is not held against its rate. */
  filled(now: number): void {
    this.#measuredToMs = now;
  }

  arrived(bytes: number, tookMs: number, now: number): void {
    const passedMs = Math.max(0, now - this.#measuredToMs);
    const fade = Math.exp(-passedMs / RATE_MEMORY_MS);
    this.#bytes = this.#bytes * fade + bytes;
    this.#ms = this.#ms * fade + passedMs;
    this.#measuredToMs = now;
    this.#leastMs = Math.min(this.#leastMs, tookMs);
  }

  /** How many turns may be on the line at once. */
  get turns(): number {
    if (this.#ms === 0) return UPLOADS_ON_LINE_MIN;
    const piecesPerMs = this.#bytes / this.#ms / PIECE_BYTES;
    return Math.max(
      UPLOADS_ON_LINE_MIN,
      1 + Math.floor(piecesPerMs * (this.#leastMs + Math.max(SPARE_MS, this.#leastMs / 2))),
    );
  }

  /** After so long a turn does not count as on the line any more. */
  get lateMs(): number {
    return this.#ms === 0 ? LATE_MS_MIN : Math.max(LATE_MS_MIN, LATE_TURNS * this.turns * this.#leastMs);
  }
}
