/**
 * Where running downloads learn of their sources: follows each at the tracker in use, once, and hands the sources on.
 *
 * A tracker forgets who follows with the connection, so after a change of trackers all are followed anew.
 */
import type { Clock } from "../base/clock.ts";
import { type Failure, toFailure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { FOLLOW_RETRY_MS } from "../base/limits.ts";
import type { Source } from "../wire/client-tracker.ts";
import type { DownloadJob } from "./download-job.ts";
import type { TrackerCalls } from "./tracker-link.ts";

export interface SourceFollowerDependencies {
  readonly calls: TrackerCalls;
  readonly clock: Clock;
  readonly isTrackerUp: () => boolean;
  /** Of this machine, which is no source for itself. */
  readonly fingerprint: Fingerprint;
  /** The tracker does not let it be followed. */
  readonly refused: (job: DownloadJob, failure: Failure) => void;
}

export class SourceFollower {
  readonly #on: SourceFollowerDependencies;

  constructor(dependencies: SourceFollowerDependencies) {
    this.#on = dependencies;
  }

  /** Harmless when it is followed already, or does not run. */
  follow(job: DownloadJob): void {
    const isWanted = job.place.kind === "active" && job.record.state === "running";
    if (!isWanted || job.followed !== "no" || this.#on.clock.monotonicMs() < job.followAfterMs) return;
    job.followed = "asking";
    void this.#ask(job);
  }

  /** A tracker that misses it learns it when the session ends. */
  unfollow(job: DownloadJob): void {
    const { gid, file } = job.record;
    const isKnown = job.followed !== "no" && this.#on.isTrackerUp();
    job.followed = "no";
    if (isKnown) this.#on.calls.call("unfollow", { gid, fileId: file.fileId }).catch(() => {});
  }

  addSource(job: DownloadJob, source: Source): void {
    if (job.place.kind === "active" && source.fingerprint !== this.#on.fingerprint)
      job.place.download.addSource(source);
  }

  async #ask(job: DownloadJob): Promise<void> {
    const { gid, file } = job.record;
    try {
      const { result } = await this.#on.calls.call("follow", { gid, fileId: file.fileId });
      if (job.followed === "asking") job.followed = "yes";
      job.lastSeenMs = result.lastSeenMs;
      for (const source of result.sources) this.addSource(job, source);
    } catch (error) {
      job.followed = "no";
      job.followAfterMs = this.#on.clock.monotonicMs() + FOLLOW_RETRY_MS;
      this.#on.refused(job, toFailure(error));
    }
  }
}
