/**
 * The rules of merging once more, as the documents put them, read off the history without any index: what the state of a
 * tracker is held against.
 *
 * It shares no code with the state. Where a rule asks what a command had seen, it goes by what its tracker had on disk
 * then, not by what the entry claims.
 */
import type { FileAttributes } from "../base/file-attributes.ts";
import {
  type FileId,
  type FileName,
  type Fingerprint,
  type Gid,
  type JoinId,
  type ListingId,
  nameKey,
  type Uid,
} from "../base/ids.ts";
import { covers } from "../tracker/core/version-vector.ts";
import type { BodyOf, Entry, EntryKind, Stamp } from "../wire/entry.ts";
import type { HistoryEntry } from "./sim-history.ts";

type Of<K extends EntryKind> = HistoryEntry & { readonly entry: { readonly body: BodyOf<K> } };
export type RuledStanding = "member" | "requested" | "none";

/** One owner's time, and the handovers after it. */
interface RuledTenure {
  readonly epoch: number;
  readonly owner: Uid;
  readonly later: readonly Of<"owner-transferred">[];
}

export interface RuledPassword {
  readonly hash: string;
  readonly stamp: Stamp;
  /** A change that had seen it and is not the one that counts. */
  readonly overruled: boolean;
}

export interface RuledShare {
  readonly gid: Gid;
  readonly fileId: FileId;
  readonly listingId: ListingId;
  readonly uid: Uid;
  readonly device: Fingerprint;
  readonly shared: boolean;
  readonly counter: number;
}

export class SimRules {
  readonly uids: readonly Uid[];
  readonly gids: readonly Gid[];
  /** Groups and users of whom some tracker may have known more than can be said here when it decided. */
  readonly unclear: ReadonlySet<Gid | Uid>;
  readonly #byKind = new Map<EntryKind, HistoryEntry[]>();
  readonly #tenures = new Map<Gid, readonly RuledTenure[]>();
  readonly #people = new Map<string, HistoryEntry[]>();
  readonly #everOfPeople = new Map<string, HistoryEntry[]>();

  /**
   * @param history what the state has seen
   * @param whole all that ever was: what those who decided had seen may not have arrived
   */
  constructor(history: readonly HistoryEntry[], whole: readonly HistoryEntry[] = history) {
    const uids = new Set<Uid>();
    const gids = new Set<Gid>();
    const unclear = new Set<Gid | Uid>();
    for (const recorded of history) {
      const { body } = recorded.entry;
      if (!recorded.sawNoMore && "gid" in body) unclear.add(body.gid);
      else if (!recorded.sawNoMore && "uid" in body) unclear.add(body.uid);
      within(this.#byKind, body.kind).push(recorded);
      if ("uid" in body) uids.add(body.uid);
      if ("gid" in body) gids.add(body.gid);
      const place = personOf(recorded);
      if (place !== undefined) within(this.#people, place).push(recorded);
    }
    for (const recorded of whole) {
      const place = personOf(recorded);
      if (place !== undefined) within(this.#everOfPeople, place).push(recorded);
    }
    this.uids = [...uids];
    this.gids = [...gids];
    this.unclear = unclear;
    for (const gid of gids) this.#tenures.set(gid, this.#lineOf(gid));
  }

  // --- accounts ---

  /** By key of the name: who is called by it, the holder first. */
  userNames(): Map<string, Uid[]> {
    return byName(
      this.uids.flatMap((id) => {
        const created = first(this.#of("account-created").filter(({ entry }) => entry.body.uid === id));
        return created === undefined
          ? []
          : [{ id, name: created.entry.body.name, claim: claimText(created.entry) }];
      }),
    );
  }

  password(uid: Uid): RuledPassword | undefined {
    const created = this.#of("account-created")
      .filter(({ entry }) => entry.body.uid === uid)
      .map((recorded) => ({ recorded, stamp: recorded.entry.stamp, hash: recorded.entry.body.passwordHash }));
    const changes = this.#of("password-changed")
      .filter(({ entry }) => entry.body.uid === uid)
      .map((recorded) => ({
        recorded,
        stamp: recorded.entry.body.stamp,
        hash: recorded.entry.body.passwordHash,
      }));
    const [latest] = [...created, ...changes].sort((left, right) =>
      left.stamp + left.recorded.entry.key.origin > right.stamp + right.recorded.entry.key.origin ? -1 : 1,
    );
    if (latest === undefined) return undefined;
    const overruled = changes.some(({ recorded }) => sees(recorded, latest.recorded));
    return { hash: latest.hash, stamp: latest.stamp, overruled };
  }

  // --- groups ---

  isThere(gid: Gid): boolean {
    return this.owner(gid) !== undefined;
  }

  owner(gid: Gid): Uid | undefined {
    return this.#tenures.get(gid)?.[0]?.owner;
  }

  groupNames(): Map<string, Gid[]> {
    return byName(
      this.gids.flatMap((id) => {
        const created = first(this.#of("group-created").filter(({ entry }) => entry.body.gid === id));
        if (created === undefined || !this.isThere(id)) return [];
        return [{ id, name: created.entry.body.name, claim: claimText(created.entry) }];
      }),
    );
  }

  standing(gid: Gid, uid: Uid): RuledStanding {
    const line = this.#tenures.get(gid) ?? [];
    if (line.length === 0) return "none";
    const about = this.#people.get(`${gid} ${uid}`) ?? [];
    const removals = ofKind(about, "member-removed");
    const closed = new Set<JoinId>(ofKind(about, "request-closed").map(({ entry }) => entry.body.joinId));
    const ever = this.#everOfPeople.get(`${gid} ${uid}`) ?? [];
    for (const removal of removals) for (const joinId of openFor(removal, ever)) closed.add(joinId);
    const asked = askedIn(about);
    const open = asked.filter(({ entry }) => !closed.has(entry.body.joinId));
    const letIn = ofKind(open, "request-accepted").some(
      (accept) => seesAll(accept, removals) && isInLine(accept, line),
    );
    return letIn ? "member" : open.length > 0 ? "requested" : "none";
  }

  // --- files ---

  /** What each machine said last of each share, in groups that are not deleted. */
  shares(): RuledShare[] {
    const last = new Map<string, RuledShare>();
    for (const { entry } of this.#of("share-set")) {
      const { gid, uid, device } = entry.body;
      const listingId = listingOf(entry.body);
      const place = `${gid} ${listingId} ${uid} ${device}`;
      const before = last.get(place);
      if (before === undefined || outcounts(entry.body, before))
        last.set(place, { ...entry.body, listingId });
    }
    return [...last.values()].filter(({ gid }) => !this.#isDeleted(gid));
  }

  /** Listings by what they are of: one content under one name is one, wherever it was listed. */
  listings(): Map<string, Set<ListingId>> {
    const listings = new Map<string, Set<ListingId>>();
    for (const { entry } of this.#of("file-added")) {
      const { gid, fileId, name } = entry.body;
      const of = `${gid} ${fileId} ${nameKey(name)}`;
      listings.set(of, (listings.get(of) ?? new Set()).add(listingOf(entry.body)));
    }
    return listings;
  }

  /** By key of the name: the contents listed under it, the holder first. */
  fileNames(gid: Gid): Map<string, ListingId[]> {
    const shared = new Set(
      this.shares()
        .filter((share) => share.gid === gid && share.shared && this.standing(gid, share.uid) === "member")
        .map(({ listingId }) => listingId),
    );
    const listings = new Map<ListingId, { id: ListingId; name: FileName; claim: string }>();
    for (const { entry } of this.#of("file-added")) {
      const { name } = entry.body;
      const id = listingOf(entry.body);
      if (entry.body.gid !== gid || !shared.has(id)) continue;
      const claim = claimText(entry);
      if (claim > (listings.get(id)?.claim ?? "")) listings.set(id, { id, name, claim });
    }
    return byName([...listings.values()]);
  }

  /** Of each content under each name that it ever had: what was said last when it was listed so. */
  fileAttributes(gid: Gid): Map<ListingId, FileAttributes | undefined> {
    const last = new Map<ListingId, { claim: string; attributes: FileAttributes | undefined }>();
    for (const { entry } of this.#of("file-added")) {
      const { attributes } = entry.body;
      const id = listingOf(entry.body);
      const claim = claimText(entry);
      if (entry.body.gid === gid && claim > (last.get(id)?.claim ?? "")) last.set(id, { claim, attributes });
    }
    return new Map([...last].map(([id, { attributes }]) => [id, attributes]));
  }

  // --- who owned what ---

  #isDeleted(gid: Gid): boolean {
    return this.#of("group-deleted").some(({ entry }) => entry.body.gid === gid);
  }

  /** The present owner first; empty unless the group is there. */
  #lineOf(gid: Gid): RuledTenure[] {
    const created = first(this.#of("group-created").filter(({ entry }) => entry.body.gid === gid));
    if (created === undefined || this.#isDeleted(gid)) return [];
    const creator = created.entry.body.owner;
    const transfers = this.#of("owner-transferred").filter(({ entry }) => entry.body.gid === gid);
    if (transfers.length === 0) return [{ epoch: 0, owner: creator, later: [] }];
    const line: RuledTenure[] = [];
    const later: Of<"owner-transferred">[] = [];
    let epoch = Math.max(...transfers.map(({ entry }) => entry.body.epoch));
    let transfer = first(transfers.filter(({ entry }) => entry.body.epoch === epoch));
    while (transfer !== undefined) {
      const { from, to } = transfer.entry.body;
      line.push({ epoch, owner: to, later: [...later] });
      later.push(transfer);
      epoch--;
      if (epoch === 0 && from === creator) line.push({ epoch, owner: creator, later: [...later] });
      transfer = first(transfers.filter(({ entry: { body } }) => body.epoch === epoch && body.to === from));
    }
    return line;
  }

  #of<K extends EntryKind>(kind: K): Of<K>[] {
    return (this.#byKind.get(kind) ?? []) as Of<K>[];
  }
}

function isInLine(accept: Of<"request-accepted">, line: readonly RuledTenure[]): boolean {
  const { ownership, by } = accept.entry.body;
  const tenure = line.find(({ epoch }) => epoch === ownership.epoch);
  return tenure?.owner === by && tenure.later.every((transfer) => sees(transfer, accept));
}

/** Whether the tracker that made the one had the other on its disk. */
function sees(one: HistoryEntry, other: HistoryEntry): boolean {
  return covers(one.seen, other.entry.key);
}

/** The requests that were open where the user was removed: those the removal closes, and no other. */
function openFor(removal: Of<"member-removed">, ever: readonly HistoryEntry[]): Set<JoinId> {
  const seen = ever.filter((recorded) => sees(removal, recorded));
  const open = new Set<JoinId>(askedIn(seen).map(({ entry }) => entry.body.joinId));
  for (const { entry } of ofKind(seen, "request-closed")) open.delete(entry.body.joinId);
  for (const earlier of ofKind(seen, "member-removed"))
    for (const request of askedIn(seen)) if (sees(earlier, request)) open.delete(request.entry.body.joinId);
  return open;
}

function askedIn(entries: readonly HistoryEntry[]): Of<"join-requested" | "request-accepted">[] {
  return [...ofKind(entries, "join-requested"), ...ofKind(entries, "request-accepted")];
}

/** A removal that was repeated at another tracker is one removal: to have seen it once is enough. */
function seesAll(accept: HistoryEntry, removals: readonly Of<"member-removed">[]): boolean {
  const seen = removals.filter((removal) => sees(accept, removal));
  const ids = new Set(seen.map(({ entry }) => entry.body.removalId));
  return removals.every(({ entry }) => ids.has(entry.body.removalId));
}

function outcounts(one: Pick<RuledShare, "shared" | "counter">, other: RuledShare): boolean {
  return one.counter === other.counter ? !one.shared : one.counter > other.counter;
}

function personOf({ entry: { body } }: HistoryEntry): string | undefined {
  return "gid" in body && "uid" in body ? `${body.gid} ${body.uid}` : undefined;
}

function ofKind<K extends EntryKind>(entries: readonly HistoryEntry[], kind: K): Of<K>[] {
  return entries.filter(({ entry }) => entry.body.kind === kind) as Of<K>[];
}

/** A listing of before is known by its content alone. */
function listingOf({ fileId, listingId }: { fileId: FileId; listingId?: ListingId }): ListingId {
  return listingId ?? (fileId as string as ListingId);
}

function claimText({ stamp, key }: Entry): string {
  return `${stamp} ${key.origin}`;
}

function first<T extends HistoryEntry>(entries: readonly T[]): T | undefined {
  let found: T | undefined;
  for (const each of entries)
    if (found === undefined || claimText(each.entry) < claimText(found.entry)) found = each;
  return found;
}

function byName<Id>(named: readonly { id: Id; name: string; claim: string }[]): Map<string, Id[]> {
  const sorted = named.toSorted((left, right) => (left.claim < right.claim ? -1 : 1));
  return new Map(
    [...Map.groupBy(sorted, ({ name }) => nameKey(name))].map(([key, all]) => [key, all.map(({ id }) => id)]),
  );
}

function within<K, V>(index: Map<K, V[]>, key: K): V[] {
  let found = index.get(key);
  if (found === undefined) {
    found = [];
    index.set(key, found);
  }
  return found;
}
