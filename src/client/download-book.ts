/**
 * All downloads of a user, by listing and by name, and what their being there forbids. No I/O.
 *
 * There may be many thousands, most of them in line or over: those in line and those that may need something are kept
 * apart, as each job says where it is, so that what happens to one walks over no others.
 */
import { Failure } from "../base/failure.ts";
import {
  type FileId,
  type FileName,
  type Gid,
  type GroupName,
  type ListingId,
  nameKey,
} from "../base/ids.ts";
import { HERE, type Platform, placeKey } from "../base/platform.ts";
import { forTerminal } from "../base/text.ts";
import type { Download } from "../transfer/contract.ts";
import type { DownloadJob } from "./download-job.ts";
import { shareKey } from "./share-plan.ts";

export class DownloadBook {
  readonly #jobs = new Map<string, DownloadJob>();
  /** Derived: in the order in which they were asked for. */
  #queued = new Set<DownloadJob>();
  /** Derived: neither in line nor over, or over and being made known. */
  readonly #live = new Set<DownloadJob>();
  /** Derived: by what the transfer has of it, or had. */
  readonly #byDownload = new WeakMap<Download, DownloadJob>();
  /** Derived: by group and content, which may have several names. */
  readonly #byContent = new Map<string, Set<DownloadJob>>();
  /** Derived: by where each leads to. */
  readonly #byPlace = new Map<string, Set<DownloadJob>>();
  readonly #platform: Platform;

  constructor(platform = HERE) {
    this.#platform = platform;
  }

  add(job: DownloadJob): void {
    const before = this.#jobs.get(keyOf(job));
    if (before !== undefined) this.remove(before);
    this.#jobs.set(keyOf(job), job);
    within(this.#byContent, contentKey(job.record.gid, job.record.file.fileId)).add(job);
    within(this.#byPlace, this.#placeOf(job)).add(job);
    job.whenMoved = (moved) => this.#moved(moved);
    if (job.place.kind === "queued") this.#queued.add(job);
    else this.#moved(job);
  }

  remove(job: DownloadJob): void {
    if (this.#jobs.get(keyOf(job)) !== job) return;
    this.#jobs.delete(keyOf(job));
    this.#queued.delete(job);
    this.#live.delete(job);
    without(this.#byContent, contentKey(job.record.gid, job.record.file.fileId), job);
    without(this.#byPlace, this.#placeOf(job), job);
  }

  #placeOf({ record }: DownloadJob): string {
    return placeKey(record.path, this.#platform);
  }

  #moved(job: DownloadJob): void {
    if (this.#jobs.get(keyOf(job)) !== job) return;
    const { kind } = job.place;
    if (job.place.kind === "active") this.#byDownload.set(job.place.download, job);
    if (kind !== "queued") this.#queued.delete(job);
    // One that comes back to the line takes the place in it that it had.
    else if (!this.#queued.has(job))
      this.#queued = new Set(this.all().filter(({ place }) => place.kind === "queued"));
    if (kind === "queued" || (kind === "over" && !job.settling)) this.#live.delete(job);
    else this.#live.add(job);
  }

  /** In line, in order. */
  queued(): Iterable<DownloadJob> {
    return this.#queued;
  }

  /** Neither in line nor over for good. */
  live(): DownloadJob[] {
    return [...this.#live];
  }

  /** In the order in which they were asked for. */
  all(): DownloadJob[] {
    // They are added in that order, whether they are new or of an earlier run.
    return [...this.#jobs.values()];
  }

  get hasRunning(): boolean {
    for (const job of this.#live) if (job.isRunning) return true;
    for (const job of this.#queued) if (job.isRunning) return true;
    return false;
  }

  /** Those that take a place of the ones that run at once, of small files or of others. */
  busy(nowMs: number): { small: number; large: number } {
    const busy = { small: 0, large: 0 };
    for (const job of this.#live) if (job.isBusy(nowMs)) busy[job.size]++;
    return busy;
  }

  /** Those, and the ones that wait for such a place. */
  inLine(nowMs: number): number {
    const { small, large } = this.busy(nowMs);
    return this.#queued.size + small + large;
  }

  find(gid: Gid, listingId: ListingId): DownloadJob | undefined {
    return this.#jobs.get(shareKey(gid, listingId));
  }

  /** Under whatever name. */
  ofContent(gid: Gid, fileId: FileId): Iterable<DownloadJob> {
    return this.#byContent.get(contentKey(gid, fileId)) ?? [];
  }

  /** The one that has the transfer's one download of the content, which this one would need. */
  inTheWayOf(job: DownloadJob): DownloadJob | undefined {
    for (const other of this.ofContent(job.record.gid, job.record.file.fileId))
      if (other !== job && other.isAtTransfer) return other;
    return undefined;
  }

  /** Whether the content is wanted on under another name, which is at the transfer or about to be. */
  hasRunningTwin(job: DownloadJob): boolean {
    for (const other of this.ofContent(job.record.gid, job.record.file.fileId))
      if (other !== job && other.isAtTransfer && other.record.state === "running") return true;
    return false;
  }

  holding(download: Download): DownloadJob | undefined {
    const job = this.#byDownload.get(download);
    return job?.place.kind === "active" && job.place.download === download ? job : undefined;
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

  /** One file is downloaded once at a time, and to one place goes one download. @throws Failure "download-exists" */
  refuseSecond(gid: Gid, listingId: ListingId, path: string): void {
    const same = this.find(gid, listingId);
    for (const job of [
      ...(same === undefined ? [] : [same]),
      ...(this.#byPlace.get(placeKey(path, this.#platform)) ?? []),
    ]) {
      const { state, name, group, path: taken } = job.record;
      if (state !== "running" && state !== "paused") continue;
      throw new Failure(
        "download-exists",
        `${forTerminal(name)} of ${group} is being downloaded to ${forTerminal(taken)} already; show_downloads shows how far it is`,
      );
    }
  }
}

function keyOf({ record }: DownloadJob): string {
  return shareKey(record.gid, record.listingId);
}

function contentKey(gid: Gid, fileId: FileId): string {
  return `${gid} ${fileId}`;
}

function within(index: Map<string, Set<DownloadJob>>, key: string): Set<DownloadJob> {
  const jobs = index.get(key) ?? new Set();
  index.set(key, jobs);
  return jobs;
}

function without(index: Map<string, Set<DownloadJob>>, key: string, job: DownloadJob): void {
  const jobs = index.get(key);
  jobs?.delete(job);
  if (jobs?.size === 0) index.delete(key);
}
