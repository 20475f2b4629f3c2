/**
 * What the prompt may know of the client: plain values, made for showing, and events, told as they happen.
 *
 * Owned here so that `repl/` needs nothing else of `client/` than these and the methods of `client-app`.
 */
import type { Failure } from "../base/failure.ts";
import type { FileName, GroupName, Sha1, UserName } from "../base/ids.ts";
import type { Direction, RateLimits } from "../transfer/contract.ts";
import type { FileView, GroupView, MemberView, News } from "../wire/client-tracker.ts";
import type { GrantRefusal } from "../wire/signed.ts";

export type { Direction, FileView, GrantRefusal, GroupView, MemberView, News, RateLimits };

/** What keeps a download from going faster or at all. */
export type WaitReason =
  | { readonly kind: "queued" } // too many downloads run already
  | { readonly kind: "no-source"; readonly lastSeenMs: number } // nobody online shares it; 0: never seen
  | { readonly kind: "unreachable"; readonly addresses: readonly string[] }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "no-tracker" }
  | { readonly kind: "disk"; readonly message: string }
  | { readonly kind: "verifying" }; // the whole-file SHA-1 or the claims of a journal

export type DownloadState = "downloading" | "paused" | "complete" | "failed";

/** What keeps more, or anything, from coming from one source. */
export type SourceLimit =
  | { readonly kind: "busy" } // it serves others first
  | { readonly kind: "slow" } // it let requests time out
  | { readonly kind: "nothing-missing" } // it has nothing that is missing here
  | { readonly kind: "unreachable"; readonly message: string }
  | { readonly kind: "refused"; readonly message: string };

export interface SourceShare {
  readonly user: UserName;
  readonly address: string;
  /** Bytes of verified pieces that came from this source. */
  readonly bytes: number;
  /** Pieces from it that had a wrong hash. */
  readonly wrongPieces: number;
  /** `gone`: not connected, for whatever reason; `dropped`: for ever. */
  readonly state: "connected" | "connecting" | "gone" | "dropped";
  /** Absent if nothing but the speed of the line. */
  readonly limit?: SourceLimit;
}

export interface DownloadView {
  readonly group: GroupName;
  readonly name: FileName;
  /** Where it will be, as an absolute path. */
  readonly path: string;
  readonly state: DownloadState;
  readonly size: number;
  /** Verified bytes on disk, resumed ones too. */
  readonly doneBytes: number;
  /** Bytes a second over the last seconds, of this run alone; 0 while it waits. */
  readonly rate: number;
  readonly sources: readonly SourceShare[];
  /** Bytes fetched and thrown away: wrong, or a second copy. */
  readonly wastedBytes: number;
  readonly waits: WaitReason | undefined;
  /** What keeps one that runs from going faster, where it is known; absent: the line. */
  readonly limit?: "disk" | "rate" | "sources-busy";
  /** Why it failed, or was paused without being asked. */
  readonly failure: Failure | undefined;
}

export interface ShareView {
  readonly group: GroupName;
  readonly name: FileName;
  readonly path: string;
  readonly size: number;
}

/** A group of which every file is fetched into that folder. */
export interface FollowView {
  readonly group: GroupName;
  /** Absolute. */
  readonly folder: string;
}

/** What happens without having been asked for; the prompt shows each as a line when it may. */
export type ClientEvent =
  | { readonly kind: "news"; readonly news: News }
  | { readonly kind: "download-complete"; readonly view: DownloadView }
  | { readonly kind: "download-failed"; readonly view: DownloadView }
  | { readonly kind: "download-waits"; readonly view: DownloadView }
  | { readonly kind: "download-paused"; readonly view: DownloadView } // not by the user
  | { readonly kind: "share-broken"; readonly share: ShareView; readonly why: string }
  | { readonly kind: "follow-ended"; readonly group: GroupName; readonly how: "left" | "removed" | "deleted" } // the group
  | { readonly kind: "follow-none-new"; readonly group: GroupName; readonly files: number } // all it has were here before
  | { readonly kind: "tracker-changed"; readonly tracker: string } // another one answers now
  | { readonly kind: "tracker-lost"; readonly tried: string } // none answers; tried again
  | { readonly kind: "alone"; readonly others: number } // what is changed stands on one tracker only
  | { readonly kind: "together" } // no longer so
  | { readonly kind: "session-ended"; readonly message: string }
  | { readonly kind: "warning"; readonly message: string };

/** Of hashing a file to share; bytes rise to `total`. */
export interface HashProgress {
  readonly name: string;
  readonly doneBytes: number;
  readonly total: number;
  /** Which of how many, where several are shared in one step; 0 while their folder is looked through: of how many so far. */
  readonly file?: { readonly number: number; readonly of: number };
}

/** Who and where. */
export interface WhoAmI {
  readonly user: UserName | undefined;
  readonly listening: string;
  readonly tracker: string | undefined;
  readonly dataFolder: string;
  readonly fingerprint: string;
  /** How often somebody who asked for files here was refused or cut off since the start, by reason. */
  readonly refusals: ReadonlyMap<GrantRefusal, number>;
  readonly limits: RateLimits;
}

export interface SearchHit {
  readonly group: GroupName;
  readonly file: FileView;
}

export interface UploadResult {
  /** Under which the group has this content. */
  readonly name: FileName;
  /** From where this machine shares it. */
  readonly path: string;
  /**
   * Which of them stood already, and is not the one given: the path, with or without the name, or the name alone. "same":
   * it was shared just so before; only of a folder's files.
   */
  readonly kept: "name" | "path" | "same" | undefined;
  readonly sha1: Sha1;
  readonly size: number;
}

/** What became of one file of a folder, if it is not simply shared. */
export type UploadRemark =
  | {
      readonly kind: "kept";
      readonly name: string;
      readonly group: GroupName;
      readonly result: UploadResult;
    }
  | { readonly kind: "failed"; readonly name: string; readonly failure: Failure };

export interface FolderUpload {
  /** Shared by this. */
  readonly shared: number;
  /** Shared just so before. */
  readonly standing: number;
  /** Links, sockets, devices. */
  readonly leftOut: number;
  /** Of all that did not fail. */
  readonly results: readonly UploadResult[];
  readonly remarks: readonly UploadRemark[];
}

export interface ManyDownloads {
  /** Begun or in line, each to its place. */
  readonly started: readonly { readonly name: FileName; readonly path: string }[];
  /** Why others are not. */
  readonly failures: readonly { readonly name: FileName; readonly failure: Failure }[];
}

/** What became of several shares or downloads that were meant at once. */
export interface ManyEnded {
  readonly done: readonly FileName[];
  readonly failures: readonly { readonly name: string; readonly failure: Failure }[];
}

/**
 * One method per intention of the user. Each resolves when it has happened, or throws a Failure whose message is the
 * line to show. Arguments are what was typed, checked for form only.
 */
export interface ClientIntents {
  createUser(name: UserName, password: string): Promise<void>;
  login(name: UserName, password: string): Promise<void>;
  logout(): Promise<void>;
  changePassword(old: string, fresh: string): Promise<void>;

  createGroup(group: GroupName): Promise<void>;
  deleteGroup(group: GroupName): Promise<void>;
  joinGroup(group: GroupName): Promise<void>;
  leaveGroup(group: GroupName): Promise<void>;
  acceptRequest(group: GroupName, user: UserName): Promise<void>;
  rejectRequest(group: GroupName, user: UserName): Promise<void>;
  removeMember(group: GroupName, user: UserName): Promise<void>;
  transferOwner(group: GroupName, user: UserName): Promise<void>;

  listGroups(): Promise<readonly GroupView[]>;
  listRequests(group: GroupName): Promise<readonly UserName[]>;
  listMembers(group: GroupName): Promise<readonly MemberView[]>;
  listFiles(group: GroupName): Promise<readonly FileView[]>;
  search(text: string): Promise<readonly SearchHit[]>;

  /**
   * @param name under which it is shared; undefined: the file's own
   * @param signal gives it up: what is hashed by then is kept for the next try
   */
  uploadFile(
    path: string,
    group: GroupName,
    name: FileName | undefined,
    progress: (at: HashProgress) => void,
    signal?: AbortSignal,
  ): Promise<UploadResult>;
  /**
   * Shares all files below a folder, or those that a pattern for what is below it means.
   * @param name in place of the folder's own, in front of their names
   * @param signal gives it up: what is shared by then stays so
   */
  uploadFolder(
    of: { readonly folder: string; readonly pattern: string | undefined },
    group: GroupName,
    name: FileName | undefined,
    progress: (at: HashProgress) => void,
    signal?: AbortSignal,
  ): Promise<FolderUpload>;
  stopShare(group: GroupName, name: FileName): Promise<void>;
  /** Those of this machine's shares that are meant: see `meantNames`. */
  stopShares(group: GroupName, wanted: readonly string[]): Promise<ManyEnded>;

  /** Resolves once the download is under way (or queued, or waiting for a source). @returns where it will be */
  downloadFile(group: GroupName, name: FileName, destination: string): Promise<{ path: string }>;
  /** All files of the group that the pattern means (see `base/name-pattern`), each a download of its own. */
  downloadMatching(group: GroupName, pattern: string, destination: string): Promise<ManyDownloads>;
  pauseDownload(group: GroupName, name: FileName): Promise<void>;
  resumeDownload(group: GroupName, name: FileName): Promise<void>;
  cancelDownload(group: GroupName, name: FileName): Promise<void>;
  /** All of this user's downloads there that are meant and of which it can be done: see `meantNames`. */
  pauseDownloads(group: GroupName, wanted: readonly string[]): Promise<ManyEnded>;
  resumeDownloads(group: GroupName, wanted: readonly string[]): Promise<ManyEnded>;
  cancelDownloads(group: GroupName, wanted: readonly string[]): Promise<ManyEnded>;
  showDownloads(): readonly DownloadView[];
  showShares(): readonly ShareView[];
  /** Shares of this machine that nobody else has online; none if no tracker says so at once. */
  lastCopies(): Promise<readonly ShareView[]>;
  /** Fetches all files of the group into an existing folder, and new ones as they come, until `unfollow`. */
  follow(group: GroupName, folder: string): Promise<FollowView>;
  /** Downloads under way go on. */
  unfollow(group: GroupName): Promise<void>;
  listFollows(): readonly FollowView[];
  /** Resolves when no download is running (paused and failed ones do not count as running). */
  whenIdle(): Promise<void>;

  /** Holds all transfers of that direction together to so many bytes a second; undefined: no limit. */
  setLimit(direction: Direction, bytesPerSecond: number | undefined): void;

  whoAmI(): WhoAmI;
  /** @returns a function that ends it */
  subscribe(listener: (event: ClientEvent) => void): () => void;
}
