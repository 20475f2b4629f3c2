/**
 * Shares a limited rate of bytes out among those who have something to spend it on: a slice for each in turn.
 *
 * Owns the turn and the one timer; what is spent, and how, is theirs. Without a limit everybody goes at once.
 */
import { ByteRate } from "./byte-rate.ts";
import type { Clock } from "./clock.ts";

export interface Spender {
  /** Its turn: spends up to so many bytes. @returns how many; less than it may only if it cannot spend more now */
  spend(bytesMax: number): number;
}

export interface PacerDependencies {
  readonly clock: Clock;
  /** What each may spend in its turn. */
  readonly sliceBytes: number;
}

export class Pacer {
  readonly #clock: Clock;
  readonly #sliceBytes: number;
  readonly #rate = new ByteRate();
  /** Those that have more, whose turn is next first. */
  readonly #waiting = new Set<Spender>();
  #cancelTimer: (() => void) | undefined;
  #isSharingOut = false;

  constructor({ clock, sliceBytes }: PacerDependencies) {
    this.#clock = clock;
    this.#sliceBytes = sliceBytes;
  }

  /** @param bytesPerSecond undefined: no limit */
  limit(bytesPerSecond: number | undefined): void {
    this.#rate.limit(bytesPerSecond, this.#clock.monotonicMs());
    this.#shareOut();
  }

  /** undefined: no limit. */
  get perSecond(): number | undefined {
    return this.#rate.perSecond;
  }

  get isLimited(): boolean {
    return this.perSecond !== undefined;
  }

  /** It has something to spend on; said again when it has after it had not. */
  ready(spender: Spender): void {
    this.#waiting.add(spender);
    this.#shareOut();
  }

  /** So many bytes were spent for nothing. */
  giveBack(bytes: number): void {
    this.#rate.spend(-bytes, this.#clock.monotonicMs());
    this.#shareOut();
  }

  /** It has gone. */
  forget(spender: Spender): void {
    this.#waiting.delete(spender);
    if (this.#waiting.size === 0) this.#cancelTimer?.();
  }

  #shareOut(): void {
    if (this.#isSharingOut) return;
    this.#isSharingOut = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    try {
      for (const spender of this.#waiting) {
        const nowMs = this.#clock.monotonicMs();
        const waitMs = this.#rate.waitMs(nowMs);
        if (waitMs > 0) {
          // A fraction of a millisecond may be too little for the clock to move on.
          this.#cancelTimer = this.#clock.after(Math.ceil(waitMs), () => this.#shareOut());
          return;
        }
        this.#turnOf(spender, nowMs);
      }
    } finally {
      this.#isSharingOut = false;
    }
  }

  /** One that has more comes last, where the walk over the set still finds it. */
  #turnOf(spender: Spender, nowMs: number): void {
    this.#waiting.delete(spender);
    const bytes = spender.spend(this.#sliceBytes);
    this.#rate.spend(bytes, nowMs);
    if (bytes >= this.#sliceBytes) this.#waiting.add(spender);
  }
}
