/**
 * The downloads of one logged-in user on this machine: asked for, queued, started, followed, ended.
 *
 * At most DOWNLOADS_AT_ONCE_MAX are busy at once; one without sources gives its place to the next in line. Of one content, which
 * may be wanted under several names, one is at the transfer at a time, unless it is small: those wait there for the first. A
 * record in the library follows each change, so that what is unfinished goes on at the next login. How bytes come is the
 * transfer's; sharing what is complete is the share keeper's. Lives from login to logout.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { Failure, isFailure, toFailure } from "../base/failure.ts";
import type { FileId, FileName, Fingerprint, Gid, GroupName, ListingId } from "../base/ids.ts";
import {
  DOWNLOAD_WATCH_MS,
  DOWNLOADS_AT_ONCE_MAX,
  PROGRESS_AFTER_MS,
  SMALL_DOWNLOADS_AT_ONCE_MAX,
} from "../base/limits.ts";
import type { Manifest } from "../base/manifest.ts";
import { forTerminal } from "../base/text.ts";
import type { Download, TransferEngine } from "../transfer/contract.ts";
import { partPathOf } from "../transfer/disk/part-file.ts";
import { smallPartPathOf } from "../transfer/disk/small-part.ts";
import type { Source } from "../wire/client-tracker.ts";
import type { GroupRef } from "./blob-transfer.ts";
import { DownloadBook } from "./download-book.ts";
import { DownloadJob } from "./download-job.ts";
import type { UserLibrary } from "./library-of-user.ts";
import type { DownloadRecord } from "./library-rows.ts";
import type { LocalFiles } from "./local-files.ts";
import type { ManifestShelf } from "./manifest-shelf.ts";
import { isPassing } from "./passing.ts";
import type { Downloaded, Renaming } from "./share-keeper.ts";
import { SmallFilesAhead } from "./small-files-ahead.ts";
import { SourceFollower } from "./source-follower.ts";
import type { TrackerCalls } from "./tracker-link.ts";
import type { ClientEvent, DownloadView, FileView, ManyDownloads } from "./views.ts";

export interface DownloadKeeperDependencies {
  readonly calls: TrackerCalls;
  readonly isTrackerUp: () => boolean;
  readonly engine: Pick<TransferEngine, "download" | "discard">;
  readonly files: Pick<LocalFiles, "destination" | "destinations" | "isTaken">;
  readonly manifests: Pick<ManifestShelf, "get">;
  readonly library: UserLibrary;
  /** Shares what is complete. @throws Failure */
  readonly addShare: (downloaded: Downloaded) => Promise<void>;
  readonly journalPath: (gid: Gid, listingId: ListingId) => string;
  readonly clock: Clock;
  readonly fingerprint: Fingerprint;
  readonly emit: (event: ClientEvent) => void;
  /** One has ended, or one in line has begun. */
  readonly moved?: () => void;
}

type Wanted = Downloaded & Pick<DownloadRecord, "base" | "attributes">;

/** What a list says of a file, as far as fetching it goes. */
export type ListedFile = Omit<FileView, "sources" | "addedMs">;

/** How this user has ceased to be a member of a group. */
export type Departure = "left" | "removed" | "deleted";

export class DownloadKeeper {
  readonly #on: DownloadKeeperDependencies;
  readonly #book = new DownloadBook();
  readonly #ahead: SmallFilesAhead;
  readonly #follower: SourceFollower;
  #idle: PromiseWithResolvers<void> | undefined;
  #cancelWatch = () => {};
  readonly #makingWay = new WeakSet<Download>();
  #isMovingOn = false;
  #closed = false;

  constructor(dependencies: DownloadKeeperDependencies) {
    this.#on = dependencies;
    this.#ahead = new SmallFilesAhead(dependencies.calls, dependencies.clock);
    this.#follower = new SourceFollower({
      ...dependencies,
      called: (renaming) => {
        if (!this.#closed && this.#isNews(renaming)) this.renamed(renaming);
      },
      refused: (job, failure) => {
        if (isPassing(failure) || job.record.state !== "running") return;
        const reason = failure.code === "not-member" ? departed("removed", job.record.group) : failure;
        this.#behind(this.#halt(job, "paused", reason));
      },
    });
    for (const record of dependencies.library.downloads()) {
      const place = { kind: record.state === "running" ? "queued" : "resting" } as const;
      this.#book.add(new DownloadJob(record, place, record.state !== "complete"));
    }
  }

  /** Goes on with what an earlier login left unfinished. */
  restore(): void {
    this.#moveOn();
  }

  views(): DownloadView[] {
    const trackerUp = this.#on.isTrackerUp();
    return this.#book.all().map((job) => job.view(trackerUp));
  }

  has(gid: Gid, listingId: ListingId): boolean {
    return this.#book.find(gid, listingId) !== undefined;
  }

  /** How many run or wait for a place; those that wait for a source have given theirs up. */
  get inLine(): number {
    return this.#book.inLine(this.#nowMs());
  }

  /** Resolves when none is running, queued or waiting. */
  whenIdle(): Promise<void> {
    if (this.#closed || !this.#book.hasRunning) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  /** Begins nothing more; what runs is the transfer's to suspend. */
  close(): void {
    this.#cancelWatch();
    this.#idle?.resolve();
    for (const job of this.#book.all()) {
      job.opening?.resolve();
      if (job.place.kind === "active") this.#update(job, {});
    }
    this.#on.library.flush();
    this.#closed = true;
  }

  // --- what the user wants ---

  /** Resolves once it is under way, queued, or complete because the file is there already. @throws Failure */
  async request(group: GroupName, name: FileName, typed: string): Promise<{ path: string }> {
    const { result: found } = await this.#on.calls.call("find_file", { group, name });
    const { gid, listingId, file, attributes } = found;
    const { path, base } = await this.#on.files.destination(typed, found.name);
    const isTaken = await this.#on.files.isTaken(path);
    this.#book.refuseSecond(gid, listingId, path);
    const manifest = await this.#on.manifests.get({ group, gid }, file);
    const begun = await this.#clearEarlier(gid, listingId, path);
    const job = this.#add({ gid, listingId, group, name: found.name, path, base, file, attributes }, begun);
    // What may be there already is only looked at: that needs no place in the line.
    const isFree = this.#book.inTheWayOf(job) === undefined;
    if (isFree && (isTaken || this.#freePlaces()[job.size] > 0)) await this.#begin(job, manifest);
    this.#moveOn();
    return { path };
  }

  /** Each into the folder, in line behind what runs. Those that cannot be begun stop no other. @throws Failure */
  async requestAll(
    { group, gid }: Required<GroupRef>,
    files: readonly ListedFile[],
    typed: string,
  ): Promise<ManyDownloads> {
    const failures: { name: FileName; failure: Failure }[] = [];
    const wanted: { what: Wanted; begun: boolean }[] = [];
    const destination = await this.#on.files.destinations(typed);
    for (const { name, attributes, listingId, fileId, size, sha1, digest } of files) {
      try {
        const file = { fileId, size, sha1, digest };
        const { path, base } = destination(name);
        this.#book.refuseSecond(gid, listingId, path);
        const begun = await this.#clearEarlier(gid, listingId, path);
        wanted.push({ what: { gid, listingId, group, name, path, base, file, attributes }, begun });
      } catch (error) {
        failures.push({ name, failure: toFailure(error) });
      }
    }
    this.#on.library.together(() => {
      for (const { what, begun } of wanted) this.#add(what, begun);
    });
    this.#moveOn();
    return { started: wanted.map(({ what: { name, path } }) => ({ name, path })), failures };
  }

  /** Of those that are not complete. */
  partPaths(): string[] {
    return this.#book
      .all()
      .filter(({ record }) => record.state !== "complete")
      .flatMap(({ record }) => [partPathOf(record.path), smallPartPathOf(record)]);
  }

  async pause(group: GroupName, name: FileName): Promise<void> {
    const job = this.#book.named(group, name);
    if (job.record.state !== "running") throw isAlready(job.record);
    this.#update(job, { state: "paused", failure: undefined });
    this.#follower.unfollow(job);
    if (job.place.kind === "active") {
      const { download } = job.place;
      await download.pause();
      if (this.#book.hasRunningTwin(job)) this.#behind(this.#makeWay(job, download));
    } else job.place = { kind: "resting" };
    this.#moveOn();
  }

  async resume(group: GroupName, name: FileName): Promise<void> {
    const job = this.#book.named(group, name);
    if (job.record.state === "complete" || job.record.state === "running") throw isAlready(job.record);
    await this.#refuseStranger(job.record);
    this.#update(job, { state: "running", failure: undefined });
    if (job.place.kind === "active") {
      job.place.download.resume();
      this.#follower.follow(job);
    } else job.place = { kind: "queued" };
    this.#moveOn();
  }

  async cancel(group: GroupName, name: FileName): Promise<void> {
    const job = this.#book.named(group, name);
    if (job.record.state === "complete") throw isAlready(job.record);
    this.#follower.unfollow(job);
    await this.#discard(job);
    this.#moveOn();
  }

  /** Who is no member learns it at once, if a tracker can be asked. @throws Failure "not-member", "unknown-group" */
  async #refuseStranger({ group, gid, name }: DownloadRecord): Promise<void> {
    if (!this.#on.isTrackerUp()) return;
    try {
      await this.#on.calls.call("find_file", { group, gid, name });
    } catch (error) {
      if (isFailure(error) && (error.code === "not-member" || error.code === "unknown-group")) throw error;
    }
  }

  // --- what happens ---

  /** A source of a followed file came up, or has more. */
  sourceFound(gid: Gid, fileId: FileId, source: Source): void {
    for (const job of this.#book.ofContent(gid, fileId)) this.#follower.addSource(job, source);
  }

  /** Of the transfer: the phase of a download changed. */
  changed(download: Download): void {
    const { kind } = download.snapshot().phase;
    // How it ended is told by `ended`.
    if (kind !== "opening" && kind !== "failed") this.#book.holding(download)?.opening?.resolve();
    if (kind === "finishing") this.#lookSoon();
  }

  /** Another tracker answers, or the same one again: it knows of no follower. */
  trackerUp(): void {
    for (const job of this.#book.all()) job.unfollowed();
    this.#moveOn();
  }

  /** This user is no longer in that group: its downloads pause, with what they have, or fail with the group itself. */
  async leaveGroup(
    isThat: (share: { gid: Gid; group: GroupName }) => boolean,
    how: Departure,
  ): Promise<void> {
    const end = how === "deleted" ? "failed" : "paused";
    const isConcerned = ({ state }: DownloadRecord) =>
      state === "running" || (state === "paused" && end === "failed");
    const jobs = this.#book.all().filter(({ record }) => isConcerned(record) && isThat(record));
    await Promise.all(jobs.map((job) => this.#halt(job, end, departed(how, job.record.group))));
    this.#moveOn();
  }

  #isNews({ gid, group, file }: Renaming): boolean {
    const job = file === undefined ? undefined : this.#book.find(gid, file.listingId);
    return job?.record.group !== group || job.record.name !== file?.name;
  }

  /** What the group, or the file if one is named, is called now. */
  renamed({ gid, group, file }: Renaming): void {
    for (const job of this.#book.all()) {
      const { record } = job;
      if (record.gid !== gid) continue;
      const name = record.listingId === file?.listingId ? file.name : record.name;
      if (record.group !== group || record.name !== name) this.#update(job, { group, name });
    }
  }

  // --- starting ---

  #add(what: Wanted, begun: boolean): DownloadJob {
    const record: DownloadRecord = {
      ...what,
      journalPath: this.#on.journalPath(what.gid, what.listingId),
      order: this.#on.library.nextOrder(),
      state: "running",
      failure: undefined,
      doneBytes: 0,
    };
    const job = new DownloadJob(record, { kind: "queued" }, begun);
    this.#on.library.putDownload(record);
    this.#book.add(job);
    return job;
  }

  /** Hands it to the transfer and waits for its first word. @throws Failure why it cannot begin */
  async #begin(job: DownloadJob, manifest: Manifest): Promise<void> {
    const leftEarlier = job.begun;
    job.opening = Promise.withResolvers();
    this.#start(job, manifest);
    try {
      await job.opening.promise;
    } catch (error) {
      if (leftEarlier) this.#update(job, { state: "failed", failure: toFailure(error) });
      else this.#drop(job);
      throw error;
    } finally {
      job.opening = undefined;
    }
  }

  #start(job: DownloadJob, manifest: Manifest): void {
    const { gid, path, base, attributes, journalPath } = job.record;
    const download = this.#on.engine.download({ gid, manifest, path, base, attributes, journalPath });
    job.place = { kind: "active", download, sinceMs: this.#nowMs() };
    job.begun = true;
    this.#behind(download.ended.then((outcome) => this.#ended(job, download, outcome)));
    this.#follower.follow(job);
  }

  /** Lets the next in line begin, asks again what was not answered, and keeps watching while anything runs. */
  #moveOn(): void {
    if (this.#closed) return;
    const places = this.#freePlaces();
    for (const job of this.#nextInLine(places)) this.#behind(this.#prepare(job));
    if (this.#on.isTrackerUp()) for (const job of this.#book.live()) this.#follower.follow(job);
    this.#tellWaits();
    this.#watch();
    this.#on.moved?.();
  }

  /** Many end with one answer of the tracker: one look serves all of them. */
  #moveOnSoon(): void {
    if (this.#isMovingOn) return;
    this.#isMovingOn = true;
    queueMicrotask(() => {
      this.#isMovingOn = false;
      this.#moveOn();
    });
  }

  #nextInLine(places: { small: number; large: number }): DownloadJob[] {
    const next: DownloadJob[] = [];
    const ways = new Map<string, boolean>();
    for (const job of this.#book.queued()) {
      if (places.small + places.large === 0) break;
      if (job.record.state !== "running" || places[job.size] === 0) continue;
      const content = `${job.record.gid} ${job.record.file.fileId}`;
      const isFree = ways.get(content) ?? this.#hasTheWay(job);
      ways.set(content, isFree && job.size === "small");
      if (!isFree) continue;
      places[job.size]--;
      next.push(job);
    }
    return next;
  }

  /** One that is paused makes way, and goes on later from what it has. Small ones wait for each other at the transfer. */
  #hasTheWay(job: DownloadJob): boolean {
    const other = this.#book.inTheWayOf(job);
    if (other?.place.kind === "active" && other.record.state !== "running") {
      this.#behind(this.#makeWay(other, other.place.download));
      return false;
    }
    return other === undefined || job.size === "small";
  }

  async #makeWay(job: DownloadJob, download: Download): Promise<void> {
    if (this.#makingWay.has(download)) return;
    this.#makingWay.add(download);
    await download.suspend();
    if (this.#book.holding(download) !== job) return;
    job.place = { kind: job.record.state === "running" ? "queued" : "resting" };
    this.#moveOnSoon();
  }

  #watch(): void {
    this.#cancelWatch();
    if (this.#book.hasRunning) {
      this.#cancelWatch = this.#on.clock.after(DOWNLOAD_WATCH_MS, () => {
        this.#on.library.flush();
        this.#moveOn();
      });
      return;
    }
    this.#on.library.flush();
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Verifying that takes long is told; the next look may be too late to see it begin. */
  #lookSoon(): void {
    if (this.#closed) return;
    this.#tellWaits();
    this.#cancelWatch();
    this.#cancelWatch = this.#on.clock.after(PROGRESS_AFTER_MS, () => this.#moveOn());
  }

  #tellWaits(): void {
    for (const job of this.#book.live()) {
      if (job.place.kind === "over") continue;
      const waiting = job.waitToTell(this.#on.isTrackerUp(), this.#nowMs());
      if (waiting !== undefined) this.#on.emit({ kind: "download-waits", view: waiting });
    }
  }

  async #prepare(job: DownloadJob): Promise<void> {
    const place = { kind: "preparing" } as const;
    job.place = place;
    try {
      const { group, gid, file } = job.record;
      const found =
        job.size === "small" ? await this.#ahead.find(job.record, () => this.#smallInLine()) : undefined;
      const manifest = found?.manifest ?? (await this.#on.manifests.get({ group, gid }, file));
      if (job.place !== place || this.#closed) return;
      job.isToldOfSources = found !== undefined;
      this.#start(job, manifest);
      for (const source of found?.sources ?? []) this.#follower.addSource(job, source);
    } catch (error) {
      const failure = toFailure(error);
      if (job.place !== place || this.#closed) return;
      job.place = { kind: isPassing(failure) ? "queued" : "resting" };
      if (job.place.kind === "resting") this.#fail(job, failure);
    }
  }

  *#smallInLine(): Generator<DownloadRecord> {
    for (const { size, record } of this.#book.queued())
      if (size === "small" && record.state === "running") yield record;
  }

  #freePlaces(): { small: number; large: number } {
    const { small, large } = this.#book.busy(this.#nowMs());
    return {
      small: Math.max(0, SMALL_DOWNLOADS_AT_ONCE_MAX - small),
      large: Math.max(0, DOWNLOADS_AT_ONCE_MAX - large),
    };
  }

  // --- ending ---

  async #ended(job: DownloadJob, download: Download, outcome: Awaited<Download["ended"]>): Promise<void> {
    if (this.#closed || job.place.kind !== "active" || job.place.download !== download) return;
    const snapshot = download.snapshot();
    if (outcome === "ended") return;
    job.place = { kind: "over", snapshot };
    this.#follower.unfollow(job);
    if (outcome === "complete") return this.#completed(job);
    const { phase } = snapshot;
    assert(phase.kind === "failed", "a download that has failed says why");
    if (job.opening === undefined) this.#fail(job, phase.failure);
    else job.opening.reject(phase.failure);
  }

  async #completed(job: DownloadJob): Promise<void> {
    job.record = { ...job.record, state: "complete", failure: undefined };
    job.settling = true;
    job.opening?.resolve();
    const shared = this.#shareComplete(job);
    if (this.#on.isTrackerUp()) await shared;
    job.settling = false;
    this.#on.emit({ kind: "download-complete", view: job.view(true) });
    this.#moveOnSoon();
  }

  /** Recorded as complete only when the share is known or remembered: until then a next run does it again. */
  async #shareComplete(job: DownloadJob): Promise<void> {
    const { gid, listingId, group, name, path, file } = job.record;
    try {
      await this.#on.addShare({ gid, listingId, group, name, path, file, placed: job.placed });
      if (this.#closed) return;
      if (job.size === "small") this.#on.library.putDownloadSoon(job.record);
      else this.#on.library.putDownload(job.record);
    } catch (error) {
      if (this.#closed) return;
      const why = toFailure(error).message;
      this.#on.emit({ kind: "warning", message: `${forTerminal(name)} is not shared in ${group}: ${why}` });
    }
  }

  #fail(job: DownloadJob, failure: Failure): void {
    this.#update(job, { state: "failed", failure });
    this.#on.emit({ kind: "download-failed", view: job.view(this.#on.isTrackerUp()) });
    this.#moveOn();
  }

  /** Stops it with what it has. Told once: a deleted group takes the membership away before it says that it is gone. */
  async #halt(job: DownloadJob, end: "paused" | "failed", reason: Failure): Promise<void> {
    const { place, opening } = job;
    this.#follower.unfollow(job);
    this.#update(job, { state: end, failure: reason });
    job.place = { kind: "resting" };
    await (place.kind === "active" ? place.download.suspend() : undefined);
    if (opening !== undefined) opening.reject(reason);
    else if (job.record.failure === reason)
      this.#on.emit({ kind: `download-${end}`, view: job.view(this.#on.isTrackerUp()) });
  }

  /** Removes the part file, the journal and the record. */
  async #discard(job: DownloadJob): Promise<void> {
    const { place, record } = job;
    job.place = { kind: "resting" };
    if (place.kind === "active") await place.download.cancel();
    else if (job.begun) await this.#on.engine.discard({ ...record, fileId: record.file.fileId });
    this.#drop(job);
  }

  #drop(job: DownloadJob): void {
    this.#book.remove(job);
    this.#on.library.removeDownload(job.record.gid, job.record.listingId);
  }

  /** @returns whether a failed one left something at this place, to be gone on with; elsewhere it is removed */
  async #clearEarlier(gid: Gid, listingId: ListingId, path: string): Promise<boolean> {
    const job = this.#book.find(gid, listingId);
    if (job === undefined) return false;
    const isLeft = job.record.state === "failed" && job.begun;
    if (isLeft && job.record.path !== path) await this.#discard(job);
    this.#book.remove(job);
    return isLeft && job.record.path === path;
  }

  // --- small things that many of them need ---

  #update(
    job: DownloadJob,
    change: Partial<Pick<DownloadRecord, "state" | "failure" | "group" | "name">>,
  ): void {
    job.record = { ...job.record, ...change, doneBytes: job.doneBytes };
    this.#on.library.putDownload(job.record);
  }

  #nowMs(): number {
    return this.#on.clock.monotonicMs();
  }

  /** For what nobody waits for: a failure of it is told. */
  #behind(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#closed) this.#on.emit({ kind: "warning", message: toFailure(error).message });
    });
  }
}

function departed(how: Departure, group: GroupName): Failure {
  switch (how) {
    case "left":
      return new Failure("not-member", `you have left group ${group}`);
    case "removed":
      return new Failure("not-member", `you are no longer a member of group ${group}`);
    case "deleted":
      return new Failure("unknown-group", "the group was deleted");
  }
}

function isAlready({ name, group, state, path }: DownloadRecord): Failure {
  return new Failure(
    "no-download",
    `the download of ${forTerminal(name)} in ${group} is ${state} already: ${forTerminal(path)}`,
  );
}
