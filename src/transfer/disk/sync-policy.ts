/**
 * When a running download brings data and journal to the disk: after so many pieces, or so long after the first that is
 * not synced. Pure; the owner holds the timer.
 *
 * It costs a disk's whole attention for a moment, and only a power cut makes it worth that: a killed process loses nothing.
 */
export type SyncAdvice = "sync" | "start-timer" | "wait";

export class SyncPolicy {
  readonly #piecesMax: number;
  #unsynced = 0;

  constructor(piecesMax: number) {
    this.#piecesMax = piecesMax;
  }

  /** A piece was written. */
  recorded(): SyncAdvice {
    this.#unsynced++;
    if (this.#unsynced === this.#piecesMax) return "sync";
    return this.#unsynced === 1 ? "start-timer" : "wait";
  }

  /** A sync begins now; what was recorded until here is covered by it. */
  syncBegins(): void {
    this.#unsynced = 0;
  }
}
