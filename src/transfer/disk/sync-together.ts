/**
 * Whether many small files are brought to the disk by one sync of their file system, or each by its own.
 *
 * One sync of a file system takes along what all other programs have written. Where that is much, it takes long: then
 * files are synced by themselves for a while. One such sync at a time, so that not all workers wait in one.
 */
import type { Clock } from "../../base/clock.ts";
import { SYNC_APART_MS, SYNC_TOGETHER_MS_MAX } from "../../base/limits.ts";
import { failureOfCode } from "./disk-failure.ts";
import type { RunSmallJob } from "./worker-protocol.ts";

export class SyncTogether {
  readonly #run: RunSmallJob;
  readonly #clock: Pick<Clock, "monotonicMs">;
  #isAble: Promise<boolean> | undefined;
  #apartUntilMs = Number.NEGATIVE_INFINITY;
  #last: Promise<unknown> = Promise.resolve();

  constructor(run: RunSmallJob, clock: Pick<Clock, "monotonicMs">) {
    this.#run = run;
    this.#clock = clock;
  }

  /** Whether what is written now need not be synced by itself. */
  async isUsed(): Promise<boolean> {
    this.#isAble ??= this.#syncNow([]).catch(() => false);
    return (await this.#isAble) && this.#clock.monotonicMs() >= this.#apartUntilMs;
  }

  /** All that was written to the file systems of these descriptors, and is not synced, is on the disk then. @throws Failure */
  async sync(files: readonly number[]): Promise<void> {
    const before = this.#last.catch(() => {});
    const sync = before.then(async () => {
      const beganMs = this.#clock.monotonicMs();
      await this.#syncNow(files);
      const endedMs = this.#clock.monotonicMs();
      if (endedMs - beganMs > SYNC_TOGETHER_MS_MAX) this.#apartUntilMs = endedMs + SYNC_APART_MS;
    });
    this.#last = sync;
    await sync;
  }

  /** @returns false where there is no such call: each file is synced by itself then. @throws Failure */
  async #syncNow(files: readonly number[]): Promise<boolean> {
    const reply = await this.#run({ kind: "sync-file-systems", files, length: 0 });
    if (reply.kind === "failed") throw failureOfCode("cannot write to the disk", reply.code, reply.message);
    return reply.kind === "synced";
  }
}
