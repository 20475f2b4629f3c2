/**
 * What trackers say without being asked, and that they come and go: what it means for the login, the transfer and the
 * grants, and what of it the user is told.
 *
 * Owns what people know: which tracker is in use, and whether what they change stands on one only. Each is told once until it
 * changes. Names come before all else, so that whatever shows the news shows them already.
 */
import { formatAddress } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import type { Failure } from "../base/failure.ts";
import type { Gid } from "../base/ids.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import type { TransferEngine } from "../transfer/contract.ts";
import type { News } from "../wire/client-tracker.ts";
import type { EventFeed } from "./event-feed.ts";
import { groupOf } from "./group-test.ts";
import type { Login } from "./login.ts";
import type { Resumed, StandingNotice, TrackerSessionEvents } from "./tracker-session.ts";

export interface TrackerNewsDependencies {
  readonly events: EventFeed;
  /** The one that lasts now. */
  readonly login: () => Login | undefined;
  readonly endLogin: () => void;
  readonly engine: Pick<TransferEngine, "readmit" | "revoke" | "withdrawGroup">;
  readonly forgetGrant: (gid: Gid) => void;
}

export class TrackerNews implements TrackerSessionEvents {
  readonly #events: EventFeed;
  readonly #login: () => Login | undefined;
  readonly #endLogin: () => void;
  readonly #engine: TrackerNewsDependencies["engine"];
  readonly #forgetGrant: (gid: Gid) => void;
  /** The tracker that people know to be in use; undefined at the start and when none was. */
  #told: TrackerEntry | "none" | undefined;
  /** Whether people know that what they change stands on one tracker only. */
  #alone = false;

  constructor({ events, login, endLogin, engine, forgetGrant }: TrackerNewsDependencies) {
    this.#events = events;
    this.#login = login;
    this.#endLogin = endLogin;
    this.#engine = engine;
    this.#forgetGrant = forgetGrant;
  }

  up(tracker: TrackerEntry, session: Resumed | undefined): void {
    if (this.#told !== undefined && this.#told !== tracker)
      this.#events.emit({ kind: "tracker-changed", tracker: formatAddress(tracker.address) });
    this.#told = tracker;
    const login = this.#login();
    if (session === undefined || login === undefined) return;
    for (const each of session.news) this.tell(each);
    if (login.user !== session.name) this.#events.warn(`your account is now called ${session.name}`);
    login.userRenamed(session.name);
    this.#events.warnIfFails(login.trackerUp());
  }

  down(tried: string): void {
    this.#told = "none";
    this.#events.emit({ kind: "tracker-lost", tried });
  }

  distrusted({ message }: Failure): void {
    this.#events.warn(message);
  }

  ended(message: string): void {
    if (this.#login() === undefined) return;
    this.#endLogin();
    this.#events.emit({ kind: "session-ended", message });
  }

  notice(notice: StandingNotice): void {
    switch (notice.kind) {
      case "news":
        this.tell(notice.news);
        break;
      case "new-files":
        for (const { name, size } of notice.files)
          this.tell({ kind: "new-file", group: notice.group, user: notice.user, name, size });
        break;
      case "source":
        this.#login()?.downloads.sourceFound(notice.gid, notice.fileId, notice.source);
        break;
      case "revoked":
        this.#revoked(notice);
        break;
      case "readmitted":
        this.#engine.readmit(notice.gid, notice.uid);
        break;
      case "alone":
        if (!this.#alone) this.#events.emit({ kind: "alone", others: notice.of - 1 });
        this.#alone = true;
        break;
      case "together":
        if (this.#alone) this.#events.emit({ kind: "together" });
        this.#alone = false;
        break;
      default:
        unreachable(notice);
    }
  }

  /** Does what follows from it, and tells the user. */
  tell(news: News): void {
    const login = this.#login();
    if (login !== undefined) this.#events.warnIfFails(followNames(login, news));
    this.#events.emit({ kind: "news", news });
    if (news.kind === "new-file") login?.follows.newFile(news.group, news.name);
    if (news.kind === "removed" || news.kind === "accept-void")
      this.#events.warnIfFails(login?.leftGroup(groupOf(news.gid), "removed"));
    if (news.kind === "group-deleted")
      this.#events.warnIfFails(login?.leftGroup(groupOf(news.gid), "deleted"));
  }

  #revoked({ gid, uid, except }: Extract<StandingNotice, { kind: "revoked" }>): void {
    this.#engine.revoke(gid, uid, except);
    const login = this.#login();
    if (uid !== login?.uid || except !== undefined) return;
    // At once: to end each download and share takes the disk and the tracker.
    this.#engine.withdrawGroup(gid);
    this.#forgetGrant(gid);
    this.#events.warnIfFails(login.leftGroup(groupOf(gid), "removed"));
  }
}

/** @throws Failure of the library */
async function followNames(login: Login, news: News): Promise<void> {
  if (news.kind === "user-renamed") login.userRenamed(news.name);
  if (news.kind === "group-renamed") login.renamed(news);
  if (news.kind !== "file-renamed") return;
  const { gid, group, listingId, name } = news;
  login.renamed({ gid, group, file: { listingId, name } });
}
