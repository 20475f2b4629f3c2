/**
 * Who lost access to which group so lately that a grant from before may still run.
 *
 * A machine that was not connected when it happened is told when it is: it may serve the group, and the other may hold
 * such a grant. Kept in memory: after a start of this tracker what was removed just before it is not known here, and a
 * seeder that missed it serves until those grants end.
 */
import type { Clock } from "../base/clock.ts";
import type { Gid, Uid } from "../base/ids.ts";
import { CLOCK_APART_WARN_MS, GRANT_LIFETIME_MS, REMOVALS_REMEMBERED_MAX } from "../base/limits.ts";

export interface Removal {
  readonly gid: Gid;
  readonly uid: Uid;
}

const KEPT_MS = GRANT_LIFETIME_MS + CLOCK_APART_WARN_MS;

export class RecentRemovals {
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** Oldest first. */
  readonly #removals = new Map<string, Removal & { readonly atMs: number }>();

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  add(removal: Removal): void {
    this.#forgetOld();
    const key = keyOf(removal);
    this.#removals.delete(key);
    this.#removals.set(key, { ...removal, atMs: this.#clock.monotonicMs() });
    for (const oldest of this.#removals.keys()) {
      if (this.#removals.size <= REMOVALS_REMEMBERED_MAX) break;
      this.#removals.delete(oldest);
    }
  }

  /** The user has access again. @returns whether it had lost it lately */
  takeBack(removal: Removal): boolean {
    this.#forgetOld();
    return this.#removals.delete(keyOf(removal));
  }

  all(): readonly Removal[] {
    this.#forgetOld();
    return [...this.#removals.values()].map(({ gid, uid }) => ({ gid, uid }));
  }

  #forgetOld(): void {
    const oldestMs = this.#clock.monotonicMs() - KEPT_MS;
    for (const [key, { atMs }] of this.#removals) {
      if (atMs > oldestMs) break;
      this.#removals.delete(key);
    }
  }
}

function keyOf({ gid, uid }: Removal): string {
  return `${gid} ${uid}`;
}
