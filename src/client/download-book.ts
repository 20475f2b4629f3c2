/** All downloads of a user, by content and by name, and what their being there forbids. No I/O. */
import { Failure } from "../base/failure.ts";
import { type FileId, type FileName, type Gid, type GroupName, nameKey } from "../base/ids.ts";
import { HERE, type Platform, placeKey } from "../base/platform.ts";
import { forTerminal } from "../base/text.ts";
import type { Download } from "../transfer/contract.ts";
import type { DownloadJob } from "./download-job.ts";
import { shareKey } from "./share-plan.ts";

export class DownloadBook {
  readonly #jobs = new Map<string, DownloadJob>();
  /** Where each leads to, made once: there may be thousands to be held against one. */
  readonly #places = new Map<DownloadJob, string>();
  readonly #platform: Platform;

  constructor(platform = HERE) {
    this.#platform = platform;
  }

  add(job: DownloadJob): void {
    const key = keyOf(job);
    const earlier = this.#jobs.get(key);
    if (earlier !== undefined) this.#places.delete(earlier);
    this.#jobs.set(key, job);
    this.#places.set(job, placeKey(job.record.path, this.#platform));
  }

  remove(job: DownloadJob): void {
    this.#jobs.delete(keyOf(job));
    this.#places.delete(job);
  }

  /** In the order in which they were asked for. */
  all(): DownloadJob[] {
    // They are added in that order, whether they are new or of an earlier run.
    return [...this.#jobs.values()];
  }

  get hasRunning(): boolean {
    for (const job of this.#jobs.values()) if (job.isRunning) return true;
    return false;
  }

  /** Those that take a place of the ones that run at once, of small files or of others. */
  busy(nowMs: number): { small: number; large: number } {
    const busy = { small: 0, large: 0 };
    for (const job of this.#jobs.values()) if (job.isBusy(nowMs)) busy[job.size]++;
    return busy;
  }

  /** Those, and the ones that wait for such a place. */
  inLine(nowMs: number): number {
    const isQueued = ({ place, isRunning }: DownloadJob) => place.kind === "queued" && isRunning;
    return [...this.#jobs.values()].filter((job) => isQueued(job) || job.isBusy(nowMs)).length;
  }

  find(gid: Gid, fileId: FileId): DownloadJob | undefined {
    return this.#jobs.get(shareKey(gid, fileId));
  }

  holding(download: Download): DownloadJob | undefined {
    for (const job of this.#jobs.values())
      if (job.place.kind === "active" && job.place.download === download) return job;
    return undefined;
  }

  /** The one of that name, an unfinished one before a complete one. @throws Failure "no-download" */
  named(group: GroupName, name: FileName): DownloadJob {
    const jobs = this.all().filter(
      ({ record }) => nameKey(record.group) === nameKey(group) && nameKey(record.name) === nameKey(name),
    );
    const job = jobs.find(({ record }) => record.state !== "complete") ?? jobs[0];
    if (job !== undefined) return job;
    throw new Failure(
      "no-download",
      `no download of ${forTerminal(name)} in ${group}; show_downloads shows all there are`,
    );
  }

  /** One content is downloaded once at a time, and to one place goes one download. @throws Failure "download-exists" */
  refuseSecond(gid: Gid, fileId: FileId, path: string): void {
    const same = this.find(gid, fileId);
    const place = placeKey(path, this.#platform);
    for (const job of this.#jobs.values()) {
      const { state, name, group, path: taken } = job.record;
      if ((state !== "running" && state !== "paused") || (job !== same && this.#places.get(job) !== place))
        continue;
      throw new Failure(
        "download-exists",
        `${forTerminal(name)} of ${group} is being downloaded to ${forTerminal(taken)} already; show_downloads shows how far it is`,
      );
    }
  }
}

function keyOf({ record }: DownloadJob): string {
  return shareKey(record.gid, record.file.fileId);
}
