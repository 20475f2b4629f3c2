/**
 * Looks at the shared files now and then, so that one which was changed or removed is told of before somebody asks for it.
 *
 * A file is looked at, not read, and no folder is watched: that costs a descriptor and a note to the system for each, and tells
 * nothing on most network disks. Some come at a time, in turn, so that the cost is bounded however many there are: a few files are
 * seen to within half a minute, 10,000 within twenty minutes; of more it takes longer.
 */
import type { Clock } from "../base/clock.ts";
import { every } from "../base/every.ts";
import {
  SHARE_LOOK_MS,
  SHARE_LOOK_ROUNDS,
  SHARES_LOOKED_AT_MAX,
  SHARES_LOOKED_AT_MIN,
} from "../base/limits.ts";

export interface ShareWatchDependencies<Share> {
  readonly clock: Clock;
  /** All that there are now. */
  readonly shares: () => readonly Share[];
  /** One that is no longer shared is no business of it. */
  readonly look: (share: Share) => Promise<void>;
}

export class ShareWatch<Share> {
  readonly #shares: ShareWatchDependencies<Share>["shares"];
  readonly #look: ShareWatchDependencies<Share>["look"];
  readonly #stop: () => void;
  #isClosed = false;
  /** Those of this round that are still to be looked at, the next one last. */
  #left: Share[] = [];
  #atOnce = 0;

  constructor({ clock, shares, look }: ShareWatchDependencies<Share>) {
    this.#shares = shares;
    this.#look = look;
    this.#stop = every(clock, SHARE_LOOK_MS, () => this.#lookAtSome());
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  async #lookAtSome(): Promise<void> {
    if (this.#left.length === 0) this.#beginRound();
    for (let looked = 0; looked < this.#atOnce && !this.#isClosed; looked++) {
      const share = this.#left.pop();
      if (share === undefined) return;
      await this.#look(share);
    }
  }

  #beginRound(): void {
    this.#left = [...this.#shares()].reverse();
    const even = Math.ceil(this.#left.length / SHARE_LOOK_ROUNDS);
    this.#atOnce = Math.min(Math.max(even, SHARES_LOOKED_AT_MIN), SHARES_LOOKED_AT_MAX);
  }
}
