/**
 * The client between the prompt and the rest: one method for each intention of the user, and what happens meanwhile.
 *
 * Owns the parts that live as long as the program (tracker session, transfer, grants) and what lives from login to
 * logout (shares, downloads). Each method hands on to the one that knows; what a notice of the tracker means for the
 * others is decided here.
 */
import { type Address, formatAddress } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import { Failure, isFailure, toFailure } from "../base/failure.ts";
import { type FileName, type GroupName, sameName, type UserName } from "../base/ids.ts";
import { nameMatcher, pathMatcher } from "../base/name-pattern.ts";
import { forTerminal } from "../base/text.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import type { TransferEngine, TransferEvents } from "../transfer/contract.ts";
import type { Method, News, Params } from "../wire/client-tracker.ts";
import type { ClientOptions, ClientParts } from "./client-parts.ts";
import { openClientParts } from "./compose.ts";
import type { DownloadKeeper } from "./download-keeper.ts";
import { eachMeant } from "./each-meant.ts";
import { EventFeed } from "./event-feed.ts";
import { uploadFolder } from "./folder-upload.ts";
import { GrantWallet } from "./grant-wallet.ts";
import { lastCopies } from "./last-copies.ts";
import { groupNamed, groupOf, Login } from "./login.ts";
import { allPages } from "./pages.ts";
import { type Resumed, type StandingNotice, TrackerSession } from "./tracker-session.ts";
import type {
  ClientEvent,
  ClientIntents,
  Direction,
  DownloadView,
  FileView,
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
} from "./views.ts";

export interface ClientApp extends ClientIntents {
  /** Where peers reach this client: not what was asked for if that was not to be had. */
  readonly listening: Address;
  /** Suspends what runs and ends everything. */
  close(): Promise<void>;
}

/** Starts without any tracker too. @throws Failure */
export async function openClientApp(options: ClientOptions, handedIn?: ClientParts): Promise<ClientApp> {
  const parts = handedIn ?? (await openClientParts(options));
  const client = new Client(parts, options);
  try {
    await client.open();
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** The methods by which something changes, less the request id that each call gets. */
type Change<M extends Method> = Omit<Params<M>, "id">;

class Client implements ClientApp {
  readonly #parts: ClientParts;
  readonly #options: ClientOptions;
  readonly #events = new EventFeed();
  readonly #session: TrackerSession;
  readonly #wallet: GrantWallet;
  readonly #engine: TransferEngine;
  #listening: Address;
  #login: Login | undefined;
  /** The log-ins under way. */
  #entering: Promise<void> = Promise.resolve();
  /** The end of the last login, still under way. */
  #leaving: Promise<void> = Promise.resolve();
  /** The tracker that people know to be in use; undefined at the start and when none was. */
  #told: TrackerEntry | "none" | undefined;
  /** Whether people know that what they change stands on one tracker only. */
  #alone = false;

  constructor(parts: ClientParts, options: ClientOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#listening = options.listen;
    const { clock, dial, fingerprint } = parts;
    this.#session = new TrackerSession(
      {
        dial,
        clock,
        listening: () => this.#listening,
        events: {
          up: (tracker, session) => this.#trackerUp(tracker, session),
          down: (tried) => this.#trackerDown(tried),
          distrusted: ({ message }) => this.#warn(message),
          notice: (notice) => this.#noticed(notice),
          ended: (message) => this.#sessionEnded(message),
        },
      },
      { trackers: options.trackers, program: options.program ?? "p2p" },
    );
    this.#wallet = new GrantWallet({
      calls: this.#session,
      clock,
      clockAheadMs: () => this.#session.clockAheadMs,
    });
    this.#engine = parts.createEngine(
      {
        keys: () => this.#session.keys,
        clockAheadMs: () => this.#session.clockAheadMs,
        grant: (gid) => this.#wallet.grant(gid),
        fingerprint,
      },
      this.#transferEvents(),
    );
  }

  async open(): Promise<void> {
    this.#listening = await this.#listen(this.#options.listen);
    this.#session.start();
  }

  get listening(): Address {
    return this.#listening;
  }

  async close(): Promise<void> {
    this.#endLogin();
    await this.#leaving;
    this.#events.close();
    this.#session.close();
    await this.#engine.close();
    await this.#parts.close();
  }

  // --- accounts ---

  async createUser(name: UserName, password: string): Promise<void> {
    const id = this.#parts.newRequestId();
    await this.#session.call("create_user", { id, name, password });
  }

  async login(name: UserName, password: string): Promise<void> {
    // Of two at once each would find nobody logged in.
    const entering = this.#entering.then(() => this.#enter(name, password));
    this.#entering = entering.then(
      () => {},
      () => {},
    );
    const login = await entering;
    await login.restore((error) => this.#warn(toFailure(error).message));
  }

  async #enter(name: UserName, password: string): Promise<Login> {
    if (this.#login !== undefined)
      throw new Failure("already-logged-in", `already logged in as ${this.#login.user}: logout first`);
    await this.#leaving;
    const session = await this.#session.login(name, password);
    const login = new Login(
      {
        parts: this.#parts,
        engine: this.#engine,
        session: this.#session,
        emit: (event) => this.#emit(event),
      },
      session,
    );
    this.#login = login;
    if (!sameName(session.name, name) && !session.news.some(isOwnName))
      this.#warn(`your account is now called ${session.name}: two were made under the name ${name}`);
    for (const news of session.news) this.#tell(news);
    login.userRenamed(session.name);
    return login;
  }

  async logout(): Promise<void> {
    this.#member();
    this.#endLogin();
    await this.#leaving;
    await this.#session.logout();
  }

  async changePassword(old: string, fresh: string): Promise<void> {
    this.#member();
    await this.#session.changePassword({ id: this.#parts.newRequestId(), old, new: fresh });
  }

  // --- groups ---

  createGroup(group: GroupName): Promise<void> {
    return this.#change("create_group", { group });
  }

  async deleteGroup(group: GroupName): Promise<void> {
    await this.#change("delete_group", { group });
    await this.#login?.leftGroup(groupNamed(group), "deleted");
  }

  joinGroup(group: GroupName): Promise<void> {
    return this.#change("join_group", { group });
  }

  async leaveGroup(group: GroupName): Promise<void> {
    await this.#change("leave_group", { group });
    await this.#login?.leftGroup(groupNamed(group), "left");
  }

  acceptRequest(group: GroupName, user: UserName): Promise<void> {
    return this.#change("accept_request", { group, user });
  }

  rejectRequest(group: GroupName, user: UserName): Promise<void> {
    return this.#change("reject_request", { group, user });
  }

  removeMember(group: GroupName, user: UserName): Promise<void> {
    return this.#change("remove_member", { group, user });
  }

  transferOwner(group: GroupName, user: UserName): Promise<void> {
    return this.#change("transfer_owner", { group, user });
  }

  // --- lists ---

  listGroups(): Promise<readonly GroupView[]> {
    return this.#list((page) => this.#session.call("list_groups", page));
  }

  listRequests(group: GroupName): Promise<readonly UserName[]> {
    return this.#list((page) => this.#session.call("list_requests", { group, ...page }));
  }

  listMembers(group: GroupName): Promise<readonly MemberView[]> {
    return this.#list((page) => this.#session.call("list_members", { group, ...page }));
  }

  listFiles(group: GroupName): Promise<readonly FileView[]> {
    return this.#list((page) => this.#session.call("list_files", { group, ...page }));
  }

  search(text: string): Promise<readonly SearchHit[]> {
    return this.#list((page) => this.#session.call("search", { text, ...page }));
  }

  // --- files ---

  async uploadFile(
    path: string,
    group: GroupName,
    name: FileName | undefined,
    progress: (at: HashProgress) => void,
    signal?: AbortSignal,
  ): Promise<UploadResult> {
    return this.#member().uploads.upload({ path, group, name, progress, signal });
  }

  async uploadFolder(...[of, group, name, progress, signal]: Parameters<ClientIntents["uploadFolder"]>) {
    const { uploads, downloads } = this.#member();
    const matches = of.pattern === undefined ? () => true : pathMatcher(of.pattern);
    try {
      return await uploadFolder(
        {
          files: this.#parts.files,
          upload: (path, name, progress) =>
            uploads.upload({ path, group, name, progress, signal, isOneOfMany: true }),
          parts: () => downloads.partPaths(),
        },
        { ...of, matches, group, as: name, progress, signal },
      );
    } finally {
      uploads.settle();
    }
  }

  async stopShare(group: GroupName, name: FileName): Promise<void> {
    await this.#member().shares.stop(group, name);
  }

  async stopShares(group: GroupName, wanted: readonly string[]): Promise<ManyEnded> {
    const { shares } = this.#member();
    const there = shares.views().filter(isIn(group));
    const none = (word: string) =>
      new Failure("not-shared", `this machine shares no file in ${group} that ${forTerminal(word)} means`);
    return eachMeant(wanted, there, none, (name) => shares.stop(group, name));
  }

  async downloadFile(group: GroupName, name: FileName, destination: string): Promise<{ path: string }> {
    return this.#member().downloads.request(group, name, destination);
  }

  async downloadMatching(group: GroupName, pattern: string, destination: string): Promise<ManyDownloads> {
    const { downloads } = this.#member();
    const matches = nameMatcher(pattern);
    const files = (await this.listFiles(group)).filter(({ name }) => matches(name));
    const [first] = files;
    if (first === undefined)
      throw new Failure(
        "unknown-file",
        `no file in ${group} is meant by ${forTerminal(pattern)}; list_files ${group} shows all there are`,
      );
    const { result } = await this.#session.call("find_file", { group, name: first.name });
    return downloads.requestAll({ group, gid: result.gid }, files, destination);
  }

  async pauseDownload(group: GroupName, name: FileName): Promise<void> {
    await this.#member().downloads.pause(group, name);
  }

  async resumeDownload(group: GroupName, name: FileName): Promise<void> {
    await this.#member().downloads.resume(group, name);
  }

  async cancelDownload(group: GroupName, name: FileName): Promise<void> {
    await this.#member().downloads.cancel(group, name);
  }

  async pauseDownloads(group: GroupName, wanted: readonly string[]): Promise<ManyEnded> {
    const isMeant = ({ state }: DownloadView) => state === "downloading";
    return this.#eachDownload(group, wanted, isMeant, (downloads, name) => downloads.pause(group, name));
  }

  async resumeDownloads(group: GroupName, wanted: readonly string[]): Promise<ManyEnded> {
    const isMeant = ({ state }: DownloadView) => state === "paused" || state === "failed";
    return this.#eachDownload(group, wanted, isMeant, (downloads, name) => downloads.resume(group, name));
  }

  async cancelDownloads(group: GroupName, wanted: readonly string[]): Promise<ManyEnded> {
    const isMeant = ({ state }: DownloadView) => state !== "complete";
    return this.#eachDownload(group, wanted, isMeant, (downloads, name) => downloads.cancel(group, name));
  }

  #eachDownload(
    group: GroupName,
    wanted: readonly string[],
    isMeant: (view: DownloadView) => boolean,
    act: (downloads: DownloadKeeper, name: FileName) => Promise<void>,
  ): Promise<ManyEnded> {
    const { downloads } = this.#member();
    // The last first: those in line do not begin when one before them ends.
    const there = downloads.views().filter(isIn(group)).filter(isMeant).reverse();
    const none = (word: string) =>
      new Failure(
        "no-download",
        `no download in ${group} of which that can be done is meant by ${forTerminal(word)}`,
      );
    return eachMeant(wanted, there, none, (name) => act(downloads, name));
  }

  showDownloads(): readonly DownloadView[] {
    return this.#member().downloads.views();
  }

  showShares(): readonly ShareView[] {
    return this.#member().shares.views();
  }

  async lastCopies(): Promise<readonly ShareView[]> {
    const shares = this.#member().shares.views();
    return lastCopies(shares, { listFiles: (group) => this.listFiles(group), clock: this.#parts.clock });
  }

  async follow(group: GroupName, folder: string): Promise<FollowView> {
    return this.#member().follows.follow(group, folder);
  }

  async unfollow(group: GroupName): Promise<void> {
    this.#member().follows.unfollow(group);
  }

  listFollows(): readonly FollowView[] {
    return this.#member().follows.views();
  }

  whenIdle(): Promise<void> {
    return this.#login?.whenIdle() ?? Promise.resolve();
  }

  setLimit(direction: Direction, bytesPerSecond: number | undefined): void {
    this.#engine.limit(direction, bytesPerSecond);
  }

  whoAmI(): WhoAmI {
    const { tracker } = this.#session;
    return {
      user: this.#login?.user,
      listening: formatAddress(this.#listening),
      tracker: tracker === undefined ? undefined : formatAddress(tracker.address),
      dataFolder: this.#options.dataFolder,
      fingerprint: this.#parts.fingerprint,
      refusals: this.#engine.refusals(),
      limits: this.#engine.limits(),
    };
  }

  subscribe(listener: (event: ClientEvent) => void): () => void {
    return this.#events.subscribe(listener);
  }

  // --- what happens ---

  #trackerUp(tracker: TrackerEntry, session: Resumed | undefined): void {
    if (this.#told !== undefined && this.#told !== tracker)
      this.#emit({ kind: "tracker-changed", tracker: formatAddress(tracker.address) });
    this.#told = tracker;
    const login = this.#login;
    if (session === undefined || login === undefined) return;
    for (const each of session.news) this.#tell(each);
    if (login.user !== session.name) this.#warn(`your account is now called ${session.name}`);
    login.userRenamed(session.name);
    this.#behind(login.trackerUp());
  }

  #trackerDown(tried: string): void {
    this.#told = "none";
    this.#emit({ kind: "tracker-lost", tried });
  }

  #noticed(notice: StandingNotice): void {
    switch (notice.kind) {
      case "news":
        this.#tell(notice.news);
        break;
      case "source":
        this.#login?.downloads.sourceFound(notice.gid, notice.fileId, notice.source);
        break;
      case "revoked":
        this.#revoked(notice);
        break;
      case "readmitted":
        this.#engine.readmit(notice.gid, notice.uid);
        break;
      case "alone":
        if (!this.#alone) this.#emit({ kind: "alone", others: notice.of - 1 });
        this.#alone = true;
        break;
      case "together":
        if (this.#alone) this.#emit({ kind: "together" });
        this.#alone = false;
        break;
      default:
        unreachable(notice);
    }
  }

  /** Names come first, so that whatever shows the news shows them already. */
  #tell(news: News): void {
    const login = this.#login;
    if (login !== undefined) this.#behind(followNames(login, news));
    this.#emit({ kind: "news", news });
    if (news.kind === "new-file") login?.follows.newFile(news.group, news.name);
    if (news.kind === "removed" || news.kind === "accept-void")
      this.#behind(login?.leftGroup(groupOf(news.gid), "removed"));
    if (news.kind === "group-deleted") this.#behind(login?.leftGroup(groupOf(news.gid), "deleted"));
  }

  #revoked({ gid, uid, except }: Extract<StandingNotice, { kind: "revoked" }>): void {
    this.#engine.revoke(gid, uid, except);
    if (uid !== this.#login?.uid || except !== undefined) return;
    // At once: to end each download and share takes the disk and the tracker.
    this.#engine.withdrawGroup(gid);
    this.#wallet.forget(gid);
    this.#behind(this.#login.leftGroup(groupOf(gid), "removed"));
  }

  #sessionEnded(message: string): void {
    if (this.#login === undefined) return;
    this.#endLogin();
    this.#emit({ kind: "session-ended", message });
  }

  #transferEvents(): TransferEvents {
    return {
      changed: (download) => this.#login?.downloads.changed(download),
      offerBroken: (offer, failure) => this.#behind(this.#login?.shares.broken(offer, failure)),
      notice: (message) => this.#warn(message),
    };
  }

  // --- login and logout ---

  #endLogin(): void {
    const login = this.#login;
    if (login === undefined) return;
    this.#login = undefined;
    login.close();
    this.#wallet.clear();
    this.#leaving = this.#engine.quiesce().catch((error: unknown) => this.#warn(toFailure(error).message));
  }

  /** @throws Failure "not-logged-in" */
  #member(): Login {
    if (this.#login !== undefined) return this.#login;
    throw new Failure(
      "not-logged-in",
      "log in first: login <user_id> <passwd>; without an account yet: create_user <user_id> <passwd>",
    );
  }

  // --- small things that many of them need ---

  async #change<M extends GroupChange>(method: M, change: Change<M>): Promise<void> {
    this.#member();
    const params = { ...change, id: this.#parts.newRequestId() } as Params<M>;
    await this.#session.call(method, params);
  }

  async #list<Row>(ask: Parameters<typeof allPages<Row>>[0]): Promise<Row[]> {
    this.#member();
    return allPages(ask);
  }

  /** Takes the address that is wanted, or else any free port there. */
  async #listen(wanted: Address): Promise<Address> {
    try {
      return await this.#engine.listen(wanted);
    } catch (error) {
      if (!isFailure(error) || error.code !== "address-in-use" || wanted.port === 0) throw error;
      const taken = await this.#engine.listen({ host: wanted.host, port: 0 });
      this.#warn(`${formatAddress(wanted)} is in use: listening on ${formatAddress(taken)}`);
      return taken;
    }
  }

  /** For what nobody waits for: a failure of it is told. */
  #behind(work: Promise<void> | undefined): void {
    work?.catch((error: unknown) => this.#warn(toFailure(error).message));
  }

  #warn(message: string): void {
    this.#emit({ kind: "warning", message });
  }

  #emit(event: ClientEvent): void {
    this.#events.emit(event);
  }
}

function isOwnName({ kind }: News): boolean {
  return kind === "user-renamed";
}

/** @throws Failure of the library */
async function followNames(login: Login, news: News): Promise<void> {
  if (news.kind === "user-renamed") login.userRenamed(news.name);
  if (news.kind === "group-renamed") login.renamed(news);
  if (news.kind !== "file-renamed") return;
  const { gid, group, fileId, name } = news;
  login.renamed({ gid, group, file: { fileId, name } });
}

type GroupChange =
  | "create_group"
  | "delete_group"
  | "join_group"
  | "leave_group"
  | "accept_request"
  | "reject_request"
  | "remove_member"
  | "transfer_owner";

function isIn(group: GroupName): (one: { readonly group: GroupName }) => boolean {
  return (one) => sameName(one.group, group);
}
