/** A client that does nothing but remember what it was asked for; what it answers is set by the test. */
import { Failure } from "../base/failure.ts";
import type { FileName, GroupName, Sha1, UserName } from "../base/ids.ts";
import type {
  ClientEvent,
  ClientIntents,
  Direction,
  DownloadView,
  FileView,
  FolderUpload,
  FollowView,
  GroupView,
  HashProgress,
  ManyDownloads,
  ManyEnded,
  MemberView,
  SearchHit,
  ShareView,
  UploadResult,
  WhoAmI,
} from "../client/views.ts";

export class FakeClient implements ClientIntents {
  /** Each call as one line: the method, then its arguments. */
  readonly calls: string[] = [];
  /** Thrown by the next call. */
  failNext: unknown;
  /** Awaited by each call before it ends. */
  gate: Promise<void> = Promise.resolve();
  /** Resolves `whenIdle`. */
  idle: Promise<void> = Promise.resolve();
  hashing: readonly HashProgress[] = [];
  /** Of the last upload. */
  givingUp: AbortSignal | undefined;
  /** What an upload comes to. */
  uploaded: UploadResult = {
    name: "file" as FileName,
    path: "/file",
    kept: undefined,
    sha1: "0".repeat(40) as Sha1,
    size: 0,
  };
  uploadedFolder: FolderUpload = { shared: 2, standing: 0, leftOut: 0, results: [], remarks: [] };
  many: ManyDownloads = {
    started: ["a", "b"].map((name) => ({ name: name as FileName, path: `/tmp/${name}` })),
    failures: [],
  };
  ended: ManyEnded = { done: ["a", "b"] as FileName[], failures: [] };
  groups: readonly GroupView[] = [];
  requests: readonly UserName[] = [];
  members: readonly MemberView[] = [];
  files: readonly FileView[] = [];
  hits: readonly SearchHit[] = [];
  downloads: readonly DownloadView[] = [];
  follows: readonly FollowView[] = [];
  shares: readonly ShareView[] = [];
  me: WhoAmI = {
    user: undefined,
    listening: "127.0.0.1:6001",
    tracker: "127.0.0.1:5000",
    dataFolder: "/data",
    fingerprint: "ab".repeat(32),
    refusals: new Map(),
    limits: { up: undefined, down: undefined },
  };
  alone: readonly ShareView[] = [];
  readonly #listeners = new Set<(event: ClientEvent) => void>();

  emit(event: ClientEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  async #call(method: string, ...args: readonly unknown[]): Promise<void> {
    this.calls.push([method, ...args.map(String)].join(" "));
    const failure = this.failNext;
    this.failNext = undefined;
    await this.gate;
    if (failure !== undefined) throw failure;
  }

  createUser = (name: UserName, password: string) => this.#call("createUser", name, password);
  login = async (name: UserName, password: string) => {
    await this.#call("login", name, password);
    this.me = { ...this.me, user: name };
  };
  logout = () => this.#call("logout");
  changePassword = (old: string, fresh: string) => this.#call("changePassword", old, fresh);
  createGroup = (group: GroupName) => this.#call("createGroup", group);
  deleteGroup = (group: GroupName) => this.#call("deleteGroup", group);
  joinGroup = (group: GroupName) => this.#call("joinGroup", group);
  leaveGroup = (group: GroupName) => this.#call("leaveGroup", group);
  acceptRequest = (group: GroupName, user: UserName) => this.#call("acceptRequest", group, user);
  rejectRequest = (group: GroupName, user: UserName) => this.#call("rejectRequest", group, user);
  removeMember = (group: GroupName, user: UserName) => this.#call("removeMember", group, user);
  transferOwner = (group: GroupName, user: UserName) => this.#call("transferOwner", group, user);

  async listGroups() {
    await this.#call("listGroups");
    return this.groups;
  }

  async listRequests(group: GroupName) {
    await this.#call("listRequests", group);
    return this.requests;
  }

  async listMembers(group: GroupName) {
    await this.#call("listMembers", group);
    return this.members;
  }

  async listFiles(group: GroupName) {
    await this.#call("listFiles", group);
    return this.files;
  }

  async search(text: string) {
    await this.#call("search", text);
    return this.hits;
  }

  async uploadFile(
    path: string,
    group: GroupName,
    name: FileName | undefined,
    progress: (at: HashProgress) => void,
    signal?: AbortSignal,
  ) {
    this.givingUp = signal;
    for (const at of this.hashing) progress(at);
    await this.#call("uploadFile", path, group, name);
    return this.uploaded;
  }

  async uploadFolder(
    { folder, pattern }: { readonly folder: string; readonly pattern: string | undefined },
    group: GroupName,
    name: FileName | undefined,
    progress: (at: HashProgress) => void,
    signal?: AbortSignal,
  ) {
    this.givingUp = signal;
    for (const at of this.hashing) progress(at);
    await this.#call("uploadFolder", folder, pattern, group, name);
    return this.uploadedFolder;
  }

  stopShare = (group: GroupName, name: FileName) => this.#call("stopShare", group, name);

  async downloadFile(group: GroupName, name: FileName, destination: string) {
    await this.#call("downloadFile", group, name, destination);
    return { path: destination };
  }

  async downloadMatching(group: GroupName, pattern: string, destination: string) {
    await this.#call("downloadMatching", group, pattern, destination);
    return this.many;
  }

  async #many(method: string, group: GroupName, wanted: readonly string[]): Promise<ManyEnded> {
    await this.#call(method, group, ...wanted);
    return this.ended;
  }

  stopShares = (group: GroupName, wanted: readonly string[]) => this.#many("stopShares", group, wanted);
  pauseDownloads = (group: GroupName, wanted: readonly string[]) =>
    this.#many("pauseDownloads", group, wanted);
  resumeDownloads = (group: GroupName, wanted: readonly string[]) =>
    this.#many("resumeDownloads", group, wanted);
  cancelDownloads = (group: GroupName, wanted: readonly string[]) =>
    this.#many("cancelDownloads", group, wanted);
  pauseDownload = (group: GroupName, name: FileName) => this.#call("pauseDownload", group, name);
  resumeDownload = (group: GroupName, name: FileName) => this.#call("resumeDownload", group, name);
  cancelDownload = (group: GroupName, name: FileName) => this.#call("cancelDownload", group, name);
  async follow(group: GroupName, folder: string) {
    await this.#call("follow", group, folder);
    return { group, folder };
  }

  unfollow = (group: GroupName) => this.#call("unfollow", group);
  listFollows = () => this.follows;
  showDownloads = () => this.downloads;
  showShares = () => this.shares;

  async lastCopies() {
    return this.alone;
  }

  async whenIdle() {
    await this.#call("whenIdle");
    await this.idle;
  }

  setLimit = (direction: Direction, rate: number | undefined) => {
    this.calls.push(`setLimit ${direction} ${rate}`);
  };

  whoAmI = () => this.me;

  subscribe(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** What the client throws for what the user did wrong. */
export function refusal(message: string): Failure {
  return new Failure("invalid-input", message);
}
