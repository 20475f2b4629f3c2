/**
 * The client between the prompt and the rest: one method for each intention of the user, and what happens meanwhile.
 *
 * Owns the parts that live as long as the program (tracker session, transfer, grants) and what lives from login to
 * logout (shares, downloads). Each method hands on to the one that knows.
 */
import { type Address, formatAddress } from "../base/address.ts";
import { Failure, isFailure, toFailure } from "../base/failure.ts";
import { type FileName, type GroupName, sameName, type UserName } from "../base/ids.ts";
import { nameMatcher, pathMatcher } from "../base/name-pattern.ts";
import { forTerminal } from "../base/text.ts";
import type { TransferEngine, TransferEvents } from "../transfer/contract.ts";
import type { Method, News, Params } from "../wire/client-tracker.ts";
import { changeDownloads, stopShares } from "./changes-of-many.ts";
import type { ClientOptions, ClientParts } from "./client-parts.ts";
import { openClientParts } from "./compose.ts";
import type { Departure } from "./download-keeper.ts";
import { EventFeed } from "./event-feed.ts";
import { uploadFolder } from "./folder-upload.ts";
import { GrantWallet } from "./grant-wallet.ts";
import { groupNamed } from "./group-test.ts";
import { lastCopies } from "./last-copies.ts";
import { Login } from "./login.ts";
import { allPages } from "./pages.ts";
import { TrackerNews } from "./tracker-news.ts";
import { TrackerSession } from "./tracker-session.ts";
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

type GroupChange =
  | "create_group"
  | "delete_group"
  | "join_group"
  | "leave_group"
  | "accept_request"
  | "reject_request"
  | "remove_member"
  | "transfer_owner";

/** The parameters of a method by which something changes, less the request id that each call gets. */
type Change<M extends Method> = Omit<Params<M>, "id">;

class Client implements ClientApp {
  readonly #parts: ClientParts;
  readonly #options: ClientOptions;
  readonly #events = new EventFeed();
  readonly #news: TrackerNews;
  readonly #session: TrackerSession;
  readonly #wallet: GrantWallet;
  readonly #engine: TransferEngine;
  #listening: Address;
  #login: Login | undefined;
  /** The log-ins under way. */
  #entering: Promise<void> = Promise.resolve();
  /** The end of the last login, still under way. */
  #leaving: Promise<void> = Promise.resolve();

  constructor(parts: ClientParts, options: ClientOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#listening = options.listen;
    const { clock, dial, fingerprint } = parts;
    this.#engine = parts.createEngine(
      {
        keys: () => this.#session.keys,
        clockAheadMs: () => this.#session.clockAheadMs,
        grant: (gid) => this.#wallet.grant(gid),
        fingerprint,
      },
      this.#transferEvents(),
    );
    this.#news = new TrackerNews({
      events: this.#events,
      login: () => this.#login,
      endLogin: () => this.#endLogin(),
      engine: this.#engine,
      forgetGrant: (gid) => this.#wallet.forget(gid),
    });
    this.#session = new TrackerSession(
      { dial, clock, listening: () => this.#listening, events: this.#news },
      { trackers: options.trackers, program: options.program ?? "p2p" },
    );
    this.#wallet = new GrantWallet({
      calls: this.#session,
      clock,
      clockAheadMs: () => this.#session.clockAheadMs,
    });
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
    await login.restore((error) => this.#events.warn(toFailure(error).message));
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
        emit: (event) => this.#events.emit(event),
      },
      session,
    );
    this.#login = login;
    if (!sameName(session.name, name) && !session.news.some(isOwnName))
      this.#events.warn(`your account is now called ${session.name}: two were made under the name ${name}`);
    for (const news of session.news) this.#news.tell(news);
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
    await this.#depart(group, "deleted", this.#change("delete_group", { group }));
  }

  joinGroup(group: GroupName): Promise<void> {
    return this.#change("join_group", { group });
  }

  async leaveGroup(group: GroupName): Promise<void> {
    await this.#depart(group, "left", this.#change("leave_group", { group }));
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
    return stopShares(this.#member().shares, group, wanted);
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
    return changeDownloads(this.#member().downloads, "pause", group, wanted);
  }

  async resumeDownloads(group: GroupName, wanted: readonly string[]): Promise<ManyEnded> {
    return changeDownloads(this.#member().downloads, "resume", group, wanted);
  }

  async cancelDownloads(group: GroupName, wanted: readonly string[]): Promise<ManyEnded> {
    return changeDownloads(this.#member().downloads, "cancel", group, wanted);
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

  #transferEvents(): TransferEvents {
    return {
      changed: (download) => this.#login?.downloads.changed(download),
      offerBroken: (offer, failure) => this.#events.warnIfFails(this.#login?.shares.broken(offer, failure)),
      notice: (message) => this.#events.warn(message),
    };
  }

  // --- login and logout ---

  #endLogin(): void {
    const login = this.#login;
    if (login === undefined) return;
    this.#login = undefined;
    login.close();
    this.#wallet.clear();
    this.#leaving = this.#engine
      .quiesce()
      .catch((error: unknown) => this.#events.warn(toFailure(error).message));
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

  async #depart(group: GroupName, how: Departure, asked: Promise<void>): Promise<void> {
    await (this.#login?.depart(groupNamed(group), how, asked) ?? asked);
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
      this.#events.warn(`${formatAddress(wanted)} is in use: listening on ${formatAddress(taken)}`);
      return taken;
    }
  }
}

function isOwnName({ kind }: News): boolean {
  return kind === "user-renamed";
}
