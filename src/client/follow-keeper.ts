/**
 * The groups that one logged-in user follows on this machine: every file of them is fetched into a folder, new ones as they come.
 *
 * One walk at a time goes through what may be new: names that the tracker told, or the whole list, page by page, when news may have
 * been missed. It begins downloads as long as FOLLOW_AHEAD_MAX are in line at most, and goes on where it stood when there is
 * room, so that a group of any size takes bounded memory. How downloads go is the download keeper's. Lives from login to logout.
 */
import { sep } from "node:path";
import type { Clock } from "../base/clock.ts";
import { Failure, type FailureCode, toFailure } from "../base/failure.ts";
import { type FileName, type Gid, type GroupName, sameName } from "../base/ids.ts";
import {
  FOLLOW_AHEAD_MAX,
  FOLLOW_RETRY_MS,
  FOLLOWED_NAMES_AT_ONCE,
  FOLLOWED_NAMES_MAX,
  FOLLOWS_MAX,
} from "../base/limits.ts";
import { forTerminal } from "../base/text.ts";
import type { Departure, DownloadKeeper, ListedFile } from "./download-keeper.ts";
import { planFollow } from "./follow-plan.ts";
import type { GroupTest } from "./group-test.ts";
import type { UserLibrary } from "./library-of-user.ts";
import type { FollowRecord } from "./library-rows.ts";
import type { LocalFiles } from "./local-files.ts";
import { isPassing } from "./passing.ts";
import type { Renaming, ShareKeeper } from "./share-keeper.ts";
import type { TrackerCalls } from "./tracker-link.ts";
import type { ClientEvent, FollowView } from "./views.ts";

export interface FollowKeeperDependencies {
  readonly calls: TrackerCalls;
  readonly clock: Clock;
  readonly isTrackerUp: () => boolean;
  readonly files: Pick<LocalFiles, "folder" | "destinations" | "isTaken">;
  readonly library: UserLibrary;
  readonly downloads: Pick<DownloadKeeper, "request" | "requestAll" | "has" | "inLine">;
  readonly shares: Pick<ShareKeeper, "has">;
  readonly emit: (event: ClientEvent) => void;
}

/** What is still to be looked at of one group. */
interface Follow {
  record: FollowRecord;
  /** The list from that page on; undefined: nothing but `names`. */
  page: { after?: string } | undefined;
  /** Told by the tracker since. */
  readonly names: Set<FileName>;
  /** After a failure; 0: not at all. */
  restsUntilMs: number;
  /** What keeps its files from coming, as people know it. */
  trouble: FailureCode | undefined;
  /** Of the first walk after the user's wish: files that were listed, and whether any was fetched. */
  first: { listed: number; isAnyNew: boolean } | undefined;
}

export class FollowKeeper {
  readonly #on: FollowKeeperDependencies;
  readonly #follows = new Map<Gid, Follow>();
  #walking: Promise<void> | undefined;
  #cancelRetry = () => {};
  #isFull = false;
  #closed = false;

  constructor(dependencies: FollowKeeperDependencies) {
    this.#on = dependencies;
    for (const record of dependencies.library.follows()) this.#follows.set(record.gid, followOf(record));
  }

  views(): FollowView[] {
    return [...this.#follows.values()].map(({ record: { group, folder } }) => ({ group, folder }));
  }

  /** Something may be new, and is being looked at or waits for room. */
  get isBusy(): boolean {
    return this.#walking !== undefined;
  }

  /** Resolves when what may be new was looked at, as far as there is room. */
  async whenWalked(): Promise<void> {
    await this.#walking;
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry();
  }

  // --- what the user wants ---

  /** A second time: into that folder from now on. @returns the folder's absolute path @throws Failure */
  async follow(group: GroupName, typed: string): Promise<FollowView> {
    const folder = await this.#on.files.folder(typed);
    const { result } = await this.#on.calls.call("list_files", { group });
    const { gid } = result;
    if (gid === undefined)
      throw new Failure(
        "tracker-refused",
        "this tracker is of an older version, which groups cannot be followed at",
      );
    if (!this.#follows.has(gid) && this.#follows.size >= FOLLOWS_MAX)
      throw new Failure("too-many", `${FOLLOWS_MAX} groups are followed already; unfollow one first`);
    const record = { gid, group, folder };
    this.#on.library.putFollow(record);
    this.#follows.set(gid, { ...followOf(record), first: { listed: 0, isAnyNew: false } });
    this.#walk();
    return { group, folder };
  }

  /** What is under way goes on. @throws Failure "not-followed" */
  unfollow(group: GroupName): void {
    const follow = this.#named(group);
    if (follow === undefined)
      throw new Failure("not-followed", `${group} is not followed here; list_follows shows what is`);
    this.#end(follow);
  }

  // --- what happens ---

  /** Another tracker answers, or the same one again: what came meanwhile was not told. */
  lookAgain(): void {
    for (const follow of this.#follows.values()) {
      follow.page = {};
      follow.restsUntilMs = 0;
    }
    this.#walk();
  }

  /** Too many at once, and the whole list is looked at instead. */
  newFile(group: GroupName, name: FileName): void {
    const follow = this.#named(group);
    if (follow === undefined) return;
    if (follow.names.size < FOLLOWED_NAMES_MAX) follow.names.add(name);
    else follow.page = {};
    this.#walk();
  }

  /** A download has ended or has been given a place. */
  moved(): void {
    this.#walk();
  }

  renamed({ gid, group }: Renaming): void {
    const follow = this.#follows.get(gid);
    if (follow === undefined || follow.record.group === group) return;
    follow.record = { ...follow.record, group };
    this.#on.library.putFollow(follow.record);
  }

  leaveGroup(isThat: GroupTest, how: Departure): void {
    for (const follow of this.#follows.values()) if (isThat(follow.record)) this.#depart(follow, how);
  }

  // --- walking ---

  #walk(): void {
    if (this.#closed || this.#walking !== undefined || this.#next() === undefined) return;
    this.#walking = this.#walkAll().finally(() => {
      this.#walking = undefined;
      this.#rearm();
    });
  }

  async #walkAll(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      try {
        await (next.names.size > 0 ? this.#lookForNames(next) : this.#lookAtPage(next));
      } catch (error) {
        this.#failed(next, toFailure(error));
      }
    }
  }

  /** The first that there is something to look at of, if that may be now. */
  #next(): Follow | undefined {
    if (this.#closed || !this.#on.isTrackerUp() || !this.#hasRoom()) return undefined;
    const nowMs = this.#on.clock.monotonicMs();
    return [...this.#follows.values()].find((each) => isOpen(each) && each.restsUntilMs <= nowMs);
  }

  /** Once full, there is room again when half of the line has gone: a page is asked for again each time. */
  #hasRoom(): boolean {
    const { inLine } = this.#on.downloads;
    if (inLine >= FOLLOW_AHEAD_MAX) this.#isFull = true;
    else if (inLine <= FOLLOW_AHEAD_MAX / 2) this.#isFull = false;
    return !this.#isFull;
  }

  #rearm(): void {
    this.#cancelRetry();
    const resting = [...this.#follows.values()].filter(isOpen).map(({ restsUntilMs }) => restsUntilMs);
    const soonestMs = Math.min(...resting.filter((ms) => ms > 0));
    if (this.#closed || !Number.isFinite(soonestMs)) return;
    const waitMs = Math.max(1, soonestMs - this.#on.clock.monotonicMs());
    this.#cancelRetry = this.#on.clock.after(waitMs, () => this.#walk());
  }

  async #lookForNames(follow: Follow): Promise<void> {
    const names = [...follow.names].slice(0, FOLLOWED_NAMES_AT_ONCE);
    const found = await Promise.all(names.map((name) => this.#find(follow, name)));
    const isDone = await this.#fetchNew(
      follow,
      found.flatMap((file) => file ?? []),
    );
    if (isDone) for (const name of names) follow.names.delete(name);
  }

  /** @returns undefined if it is not there any more. @throws Failure */
  async #find({ record: { group, gid } }: Follow, name: FileName): Promise<ListedFile | undefined> {
    try {
      const { result } = await this.#on.calls.call("find_file", { group, gid, name });
      return {
        ...result.file,
        name: result.name,
        listingId: result.listingId,
        attributes: result.attributes,
      };
    } catch (error) {
      const failure = toFailure(error);
      if (failure.code === "unknown-file") return undefined;
      throw failure;
    }
  }

  async #lookAtPage(follow: Follow): Promise<void> {
    const { page } = follow;
    const { group, gid } = follow.record;
    const { result } = await this.#on.calls.call("list_files", { group, gid, ...page });
    const isDone = await this.#fetchNew(follow, result.rows);
    // It may have been told to begin anew meanwhile.
    if (!isDone || follow.page !== page) return;
    follow.page = result.next === undefined ? undefined : { after: result.next };
    if (follow.page === undefined) this.#tellIfNoneIsNew(follow);
  }

  /** Who follows a group and sees nothing come would wonder why. */
  #tellIfNoneIsNew(follow: Follow): void {
    const { first, record } = follow;
    follow.first = undefined;
    if (first === undefined || first.isAnyNew || first.listed === 0 || !this.#isCurrent(follow)) return;
    this.#on.emit({ kind: "follow-none-new", group: record.group, files: first.listed });
  }

  /** @returns whether there was room for all */
  async #fetchNew(follow: Follow, listed: readonly ListedFile[]): Promise<boolean> {
    const { gid } = follow.record;
    const { library, shares, downloads } = this.#on;
    const plan = planFollow(listed, {
      isSettled: (listingId) => library.isSettled(gid, listingId),
      isHere: (listingId) => shares.has(gid, listingId) || downloads.has(gid, listingId),
    });
    this.#settle(follow, plan.settle);
    if (follow.first !== undefined) {
      follow.first.listed += listed.length;
      follow.first.isAnyNew ||= plan.fetch.length > 0;
    }
    const fetched = plan.fetch.slice(0, Math.max(0, FOLLOW_AHEAD_MAX - downloads.inLine));
    if (fetched.length > 0 && this.#isCurrent(follow)) await this.#fetch(follow, fetched);
    if (fetched.length < plan.fetch.length) return !this.#isCurrent(follow);
    follow.trouble = undefined;
    return true;
  }

  /** In line together, so that small ones go together; where something is there already, that is looked at by itself. */
  async #fetch(follow: Follow, files: readonly ListedFile[]): Promise<void> {
    const { group, gid, folder } = follow.record;
    const { downloads } = this.#on;
    const taken = await this.#taken(folder, files);
    const free = files.filter((file) => !taken.has(file));
    const { failures } = await downloads.requestAll({ group, gid }, free, folder);
    for (const { name, failure } of failures) this.#passOver(follow, name, failure);
    this.#settle(follow, free);
    for (const file of taken) {
      if (!this.#isCurrent(follow)) return;
      try {
        await downloads.request(group, file.name, `${folder}${sep}`);
      } catch (error) {
        const failure = toFailure(error);
        if (failure.code === "unknown-file") continue;
        this.#passOver(follow, file.name, failure);
      }
      this.#settle(follow, [file]);
    }
  }

  /** Those of them that have something at their place. @throws Failure if the folder is gone */
  async #taken(folder: string, files: readonly ListedFile[]): Promise<ReadonlySet<ListedFile>> {
    const destination = await this.#on.files.destinations(folder);
    const taken = new Set<ListedFile>();
    const look = async (file: ListedFile) => {
      if (await this.#on.files.isTaken(destination(file.name).path)) taken.add(file);
    };
    // What cannot be looked at has no place: who orders it says why.
    await Promise.all(files.map((file) => look(file).catch(() => {})));
    return taken;
  }

  /** @throws the failure, if it is not that of the one file */
  #passOver({ record: { group } }: Follow, name: FileName, failure: Failure): void {
    if (isOfGroup(failure)) throw failure;
    if (failure.code !== "download-exists")
      this.#warn(`${forTerminal(name)} of ${group} is not fetched: ${failure.message}`);
  }

  #settle(follow: Follow, files: readonly ListedFile[]): void {
    const listingIds = files.map(({ listingId }) => listingId);
    if (this.#isCurrent(follow)) this.#on.library.settle(follow.record.gid, listingIds);
  }

  #failed(follow: Follow, failure: Failure): void {
    if (!this.#isCurrent(follow)) return;
    const { group } = follow.record;
    const how = DEPARTURES.get(failure.code);
    if (how !== undefined) {
      this.#depart(follow, how);
      return;
    }
    follow.restsUntilMs = this.#on.clock.monotonicMs() + FOLLOW_RETRY_MS;
    if (follow.trouble === failure.code || !TOLD.has(failure.code)) return;
    follow.trouble = failure.code;
    this.#warn(`group ${group} is followed in vain: ${failure.message}`);
  }

  // --- small things that many of them need ---

  #named(group: GroupName): Follow | undefined {
    return [...this.#follows.values()].find(({ record }) => sameName(record.group, group));
  }

  #isCurrent(follow: Follow): boolean {
    return !this.#closed && this.#follows.get(follow.record.gid) === follow;
  }

  #depart(follow: Follow, how: Departure): void {
    this.#end(follow);
    this.#on.emit({ kind: "follow-ended", group: follow.record.group, how });
  }

  #end({ record: { gid } }: Follow): void {
    this.#follows.delete(gid);
    this.#on.library.removeFollow(gid);
  }

  #warn(message: string): void {
    this.#on.emit({ kind: "warning", message });
  }
}

/** What ends a follow. A tracker that has not heard of a membership yet says "try-later". */
const DEPARTURES: ReadonlyMap<FailureCode, Departure> = new Map([
  ["not-member", "removed"],
  ["unknown-group", "deleted"],
]);

/** Of this machine, and for its user to mend: what trackers lack is told elsewhere. */
const TOLD: ReadonlySet<FailureCode> = new Set<FailureCode>(["file-missing", "disk-full", "disk-error"]);

/** Says nothing of the one file. */
function isOfGroup(failure: Failure): boolean {
  return DEPARTURES.has(failure.code) || TOLD.has(failure.code) || isPassing(failure);
}

function followOf(record: FollowRecord): Follow {
  return { record, page: {}, names: new Set(), restsUntilMs: 0, trouble: undefined, first: undefined };
}

function isOpen({ page, names }: Follow): boolean {
  return page !== undefined || names.size > 0;
}
