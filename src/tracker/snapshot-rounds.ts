/**
 * When copies of the database are made: soon after a start if the last one is old, then once an hour, if something
 * changed. Owns the timer; what fails is told, no more.
 */
import type { Clock } from "../base/clock.ts";
import { toFailure } from "../base/failure.ts";
import { SNAPSHOT_EVERY_MS, SNAPSHOT_FIRST_MS } from "../base/limits.ts";
import type { Snapshots } from "./store/snapshot-keeper.ts";

export interface SnapshotRoundsDependencies {
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  /** Another text whenever something has changed. */
  readonly version: () => string;
  readonly report: (error: unknown) => void;
}

export class SnapshotRounds {
  readonly #dependencies: SnapshotRoundsDependencies;
  #copied: string | undefined;
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(dependencies: SnapshotRoundsDependencies) {
    this.#dependencies = dependencies;
    const { snapshots, clock } = dependencies;
    const ageMs = clock.nowMs() - (snapshots.lastMs ?? Number.NEGATIVE_INFINITY);
    const untilDueMs = Math.max(0, SNAPSHOT_EVERY_MS - Math.max(0, ageMs));
    this.#arm(Math.max(SNAPSHOT_FIRST_MS, untilDueMs));
  }

  /** Makes no more; one that is being made is finished. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  #arm(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancelTimer = this.#dependencies.clock.after(delayMs, () => void this.#round());
  }

  async #round(): Promise<void> {
    const { snapshots, clock, version, report } = this.#dependencies;
    const now = version();
    try {
      if (now !== this.#copied) {
        await snapshots.take(clock.nowMs());
        this.#copied = now;
      }
    } catch (error) {
      report(toFailure(error, "disk-error"));
    }
    this.#arm(SNAPSHOT_EVERY_MS);
  }
}
