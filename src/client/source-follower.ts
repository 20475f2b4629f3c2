/**
 * Where running downloads learn of their sources: follows each at the tracker in use and hands the sources on.
 *
 * A tracker forgets who follows with the connection, so after a change of trackers all are followed anew. It tells who
 * comes, not who goes: a download left without a source asks again who is there, at a bounded rate.
 */
import { sameAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { type Failure, toFailure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { FOLLOW_RETRY_MS } from "../base/limits.ts";
import type { Source } from "../wire/client-tracker.ts";
import type { DownloadJob } from "./download-job.ts";
import type { Renaming } from "./share-keeper.ts";
import type { TrackerCalls } from "./tracker-link.ts";

export interface SourceFollowerDependencies {
  readonly calls: TrackerCalls;
  readonly clock: Clock;
  readonly isTrackerUp: () => boolean;
  /** Of this machine, which is no source for itself. */
  readonly fingerprint: Fingerprint;
  /** What group and file are called there. */
  readonly called: (renaming: Renaming) => void;
  /** The tracker does not let it be followed. */
  readonly refused: (job: DownloadJob, failure: Failure) => void;
}

export class SourceFollower {
  readonly #on: SourceFollowerDependencies;

  constructor(dependencies: SourceFollowerDependencies) {
    this.#on = dependencies;
  }

  /** To be called now and then. Harmless when there is nothing to ask, or when it does not run. */
  follow(job: DownloadJob): void {
    if (job.place.kind !== "active" || job.record.state !== "running") return;
    const nowMs = this.#on.clock.monotonicMs();
    const isLacking = job.lacksSources(nowMs);
    const isNew = job.followed === "no" && !job.isToldOfSources;
    const isWanted = isNew || (job.followed !== "asking" && isLacking);
    if (!isWanted || nowMs < job.followAfterMs) return;
    job.followAfterMs = nowMs + FOLLOW_RETRY_MS;
    const isFirst = job.followed === "no";
    job.followed = "asking";
    void this.#ask(job, isFirst);
  }

  /** A tracker that misses it learns it when the session ends. */
  unfollow(job: DownloadJob): void {
    const { gid, file } = job.record;
    const isKnown = job.followed !== "no" && this.#on.isTrackerUp();
    job.unfollowed();
    if (isKnown) this.#on.calls.call("unfollow", { gid, fileId: file.fileId }).catch(() => {});
  }

  addSource(job: DownloadJob, source: Source): void {
    if (job.place.kind !== "active" || source.fingerprint === this.#on.fingerprint) return;
    job.listed?.add(source.fingerprint);
    job.place.download.addSource(source);
  }

  /** What is known already is dialled again in its own time: only the first answer is a fresh start for all. */
  async #ask(job: DownloadJob, isFirst: boolean): Promise<void> {
    const { gid, listingId, file } = job.record;
    try {
      const { result } = await this.#on.calls.call("follow", { gid, fileId: file.fileId, listingId });
      if (job.followed !== "asking") return;
      job.followed = "yes";
      job.lastSeenMs = result.lastSeenMs;
      this.#on.called({ gid, group: result.group, file: { listingId, name: result.name } });
      job.listed = new Set(result.sources.map(({ fingerprint }) => fingerprint));
      for (const source of result.sources) if (isFirst || !isKnown(job, source)) this.addSource(job, source);
    } catch (error) {
      if (job.followed === "asking") job.followed = "no";
      this.#on.refused(job, toFailure(error));
    }
  }
}

function isKnown({ place }: DownloadJob, { fingerprint, address }: Source): boolean {
  if (place.kind !== "active") return false;
  return place.download
    .snapshot()
    .sources.some(({ source }) => source.fingerprint === fingerprint && sameAddress(source.address, address));
}
