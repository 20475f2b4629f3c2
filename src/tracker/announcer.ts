/**
 * Brings announcements to the connections of those concerned, and keeps news for those who are offline.
 *
 * What is announced is durable already. Nothing here decides who may know: audiences come with the announcement or are
 * the group's present members.
 */
import { unreachable } from "../base/assert.ts";
import type { Gid, Uid } from "../base/ids.ts";
import type { News, Notice } from "../wire/client-tracker.ts";
import type { Announcement } from "./announcements.ts";
import type { ClientLink } from "./client-link.ts";
import { accountOf, groupsOf, isMember, membersOf } from "./core/queries.ts";
import type { State } from "./core/state.ts";
import { gatherNewFiles, type NewFiles, noticesOf } from "./new-files.ts";
import type { NewsBook } from "./news.ts";
import type { Device, FileRef, Presence } from "./presence.ts";
import type { RecentRemovals } from "./recent-removals.ts";
import { sameDevice, toSource } from "./sources.ts";

export interface AnnouncerDependencies {
  readonly state: State;
  readonly presence: Presence<ClientLink>;
  readonly news: NewsBook;
  readonly removals: RecentRemovals;
  /** Ends what the link's session is to the tracker; its connection stays. */
  readonly endSession: (link: ClientLink) => void;
}

type Of<K extends Announcement["kind"]> = Extract<Announcement, { kind: K }>;

export class Announcer {
  readonly #state: State;
  readonly #presence: Presence<ClientLink>;
  readonly #news: NewsBook;
  readonly #removals: RecentRemovals;
  readonly #endSession: (link: ClientLink) => void;

  constructor({ state, presence, news, removals, endSession }: AnnouncerDependencies) {
    this.#state = state;
    this.#presence = presence;
    this.#news = news;
    this.#removals = removals;
    this.#endSession = endSession;
  }

  /** @throws Failure "disk-error" if news cannot be kept */
  announce(announcements: readonly Announcement[]): void {
    const kept = new Map<Uid, News[]>();
    for (const announcement of gatherNewFiles(announcements)) this.#announce(announcement, kept);
    if (kept.size > 0) this.#news.keep(kept);
  }

  /** The machine can give pieces of the file from now on: tells those who download it. */
  sourceAppeared(device: Device, file: FileRef, complete: boolean): void {
    const online = this.#presence.find(device);
    if (online === undefined || !isMember(this.#state, file.gid, device.uid)) return;
    const source = toSource(this.#state, online, complete);
    for (const follower of this.#presence.followersOf(file)) {
      if (!sameDevice(follower, device)) follower.link?.notify({ kind: "source", ...file, source });
    }
  }

  /** The machine has come online: tells those who download what it shares. */
  sharesAppeared(device: Device): void {
    const { shares } = this.#state;
    for (const file of this.#presence.followed()) {
      const by = { uid: device.uid, device: device.fingerprint };
      if (shares.sharesContent(file.gid, file.fileId, by)) this.sourceAppeared(device, file, true);
    }
  }

  /** The machine was not connected for a while: it hears who lost access meanwhile to what it may serve. */
  tellRemovals({ uid: listener }: Device, link: ClientLink): void {
    for (const { gid, uid } of this.#removals.all())
      if (uid !== listener && isMember(this.#state, gid, listener))
        link.notify({ kind: "revoked", gid, uid });
  }

  #announce(announcement: Announcement | NewFiles, kept: Map<Uid, News[]>): void {
    switch (announcement.kind) {
      case "news":
        if (!this.#presence.isOnline(announcement.to)) add(kept, announcement.to, announcement.news);
        this.#tell(announcement.to, { kind: "news", news: announcement.news });
        break;
      case "group-news":
        this.#tellGroup(announcement, () => [{ kind: "news", news: announcement.news }]);
        break;
      case "new-files":
        this.#tellGroup(announcement, (link) => noticesOf(announcement, link));
        break;
      case "access-ended":
        this.#endAccess(announcement);
        break;
      case "access-began":
        this.#beginAccess(announcement);
        break;
      case "shared":
        this.sourceAppeared(
          { uid: announcement.uid, fingerprint: announcement.device },
          { gid: announcement.gid, fileId: announcement.fileId },
          true,
        );
        break;
      case "password-changed":
        this.#endSessions(announcement);
        break;
      case "grants-ended":
        this.#endGrants(announcement);
        break;
      default:
        unreachable(announcement);
    }
  }

  #tell(uid: Uid, notice: Notice): void {
    for (const { link } of this.#presence.devicesOf(uid)) link?.notify(notice);
  }

  /** The members online now, but the one who did it. */
  #tellGroup(
    { gid, by }: { readonly gid: Gid; readonly by: Uid },
    notices: (link: ClientLink) => Iterable<Notice>,
  ): void {
    for (const uid of this.#onlineMembers(gid)) {
      if (uid === by) continue;
      for (const { link } of this.#presence.devicesOf(uid))
        if (link !== undefined) for (const notice of notices(link)) link.notify(notice);
    }
  }

  /** Whichever are fewer are walked: a group may be large, and so may be the number of those online. */
  #onlineMembers(gid: Gid): Uid[] {
    if (this.#state.groups.memberCount(gid) <= this.#presence.users)
      return membersOf(this.#state, gid).filter((uid) => this.#presence.isOnline(uid));
    return this.#presence.onlineUsers().filter((uid) => isMember(this.#state, gid, uid));
  }

  /** Told of itself, a client ends all that it does in the group; when a group is deleted, nobody else is left to tell. */
  #endAccess({ gid, uid }: Of<"access-ended">): void {
    this.#presence.unfollowGroup(uid, gid);
    for (const listener of [uid, ...this.#onlineMembers(gid)])
      this.#tell(listener, { kind: "revoked", gid, uid });
    if (!this.#state.groups.isDeleted(gid)) this.#removals.add({ gid, uid });
  }

  #beginAccess({ gid, uid }: Of<"access-began">): void {
    if (!this.#removals.takeBack({ gid, uid })) return;
    for (const listener of this.#onlineMembers(gid)) this.#tell(listener, { kind: "readmitted", gid, uid });
  }

  /** To the machine that goes on as well: it may be serving the others. */
  #endGrants({ uid, except }: Of<"grants-ended">): void {
    for (const gid of groupsOf(this.#state, uid))
      for (const listener of this.#onlineMembers(gid))
        this.#tell(listener, { kind: "revoked", gid, uid, except });
  }

  #endSessions({ uid, request }: Of<"password-changed">): void {
    const stamp = accountOf(this.#state, uid)?.passwordStamp;
    for (const { link } of this.#presence.devicesOf(uid)) {
      const session = link?.session;
      if (link === undefined || session === undefined || session.passwordStamp === stamp) continue;
      if (request !== undefined && session.changing === request && stamp !== undefined) {
        session.passwordStamp = stamp;
        continue;
      }
      this.#endSession(link);
      link.notify({ kind: "session-ended", message: "the password was changed: log in again" });
    }
  }
}

function add(kept: Map<Uid, News[]>, uid: Uid, news: News): void {
  const items = kept.get(uid);
  if (items === undefined) kept.set(uid, [news]);
  else items.push(news);
}
