/**
 * What can be asked of the state: one function a read method of the protocol, and the facts that a server needs
 * between them. Nothing here changes anything.
 *
 * Lists come in pages of LIST_PAGE_ROWS in order of name; `after` is the `next` of the page before, opaque to clients.
 * Who is no member learns nothing of a group's files, not even from a failure.
 */

import { Failure } from "../../base/failure.ts";
import type { FileAttributes } from "../../base/file-attributes.ts";
import {
  type FileId,
  type FileName,
  type Gid,
  type GroupName,
  type ListingId,
  nameKey,
  type Uid,
  type UserName,
} from "../../base/ids.ts";
import { LIST_PAGE_NAME_CHARS, LIST_PAGE_ROWS, SEARCH_NAMES_PER_PAGE_MAX } from "../../base/limits.ts";
import type { FileSummary } from "../../base/manifest.ts";
import { count } from "../../base/text.ts";
import type { Stamp } from "../../wire/entry.ts";
import { idOfSortKey, nameKeyOfSortKey, sortKey } from "./name-table.ts";
import { parseSharePlace, type ShareRow, type Sharer } from "./shares.ts";
import type { State } from "./state.ts";

export interface Page<Row> {
  readonly rows: Row[];
  /** Absent on the last page. */
  readonly next?: string;
}

export interface AccountRow {
  readonly uid: Uid;
  /** What it is called now, with its suffix if another account holds the name. */
  readonly name: UserName;
  readonly passwordHash: string;
  /** Of the present password: sessions carry it and end when it changes. */
  readonly passwordStamp: Stamp;
}

export interface GroupRow {
  readonly name: GroupName;
  readonly owner: UserName;
  readonly members: number;
  readonly standing: "owner" | "member" | "requested" | "none";
}

export interface UserRow {
  readonly uid: Uid;
  /** With the suffix wherever the name is that of several accounts. */
  readonly name: UserName;
}

export interface MemberRow extends UserRow {
  readonly owner: boolean;
}

export interface FileRow extends FileSummary {
  readonly listingId: ListingId;
  readonly name: FileName;
  /** When it came to the group, by the clock of the tracker that was told. */
  readonly addedMs: number;
  /** Machines that share it, online or not. Computed when iterated; the state must not change meanwhile. */
  readonly sharers: Iterable<Sharer>;
  readonly attributes: FileAttributes | undefined;
}

export interface FoundFile {
  readonly gid: Gid;
  readonly listingId: ListingId;
  readonly name: FileName;
  readonly file: FileSummary;
  readonly attributes: FileAttributes | undefined;
}

export interface OwnShareRow extends FileSummary {
  readonly listingId: ListingId;
  readonly group: GroupName;
  readonly gid: Gid;
  readonly name: FileName;
  readonly shared: boolean;
  readonly counter: number;
}

// --- who and what is meant by a name ---

/** The accounts that somebody who logs in under this name may mean: the holder of the name first. */
export function accountsNamed(state: State, typed: UserName): AccountRow[] {
  return state.users.find(typed).flatMap((uid) => accountOf(state, uid) ?? []);
}

export function accountOf({ users }: State, uid: Uid): AccountRow | undefined {
  const passwordHash = users.passwordHash(uid);
  const passwordStamp = users.passwordStamp(uid);
  if (passwordHash === undefined || passwordStamp === undefined || !users.has(uid)) return undefined;
  return { uid, name: users.name(uid), passwordHash, passwordStamp };
}

/** Somebody whom a command is about. A contested name needs its suffix, so that nobody is taken for another. */
export function userNamed({ users }: State, typed: UserName): Uid | Failure {
  const found = users.find(typed);
  const [uid] = found;
  if (uid === undefined)
    return new Failure("unknown-user", `no user named ${typed}; check the spelling, names are one word`);
  if (found.length === 1) return uid;
  const choices = found.slice(0, 5).map((each) => users.listedName(each));
  return new Failure(
    "ambiguous-name",
    `${found.length} users are named ${typed}; write one of ${choices.join(", ")}`,
  );
}

export function groupNamed({ groups }: State, typed: GroupName): Gid | Failure {
  const found = groups.find(typed);
  const [gid] = found;
  if (gid === undefined)
    return new Failure("unknown-group", `no group named ${typed}; list_groups shows all`);
  if (found.length > 1 && typed.includes("~"))
    return new Failure("ambiguous-name", `${count(found.length, "group")} are named ${typed}`);
  return gid;
}

/** A group whose files `by` may see. */
export function memberGroupNamed(state: State, by: Uid, group: GroupName): Gid | Failure {
  const gid = groupNamed(state, group);
  if (gid instanceof Failure || state.groups.isMember(gid, by)) return gid;
  return new Failure(
    "not-member",
    state.groups.standing(gid, by) === "requested"
      ? `not a member of ${group} yet: the request waits for its owner`
      : `not a member of ${group}; join_group ${group} asks its owner`,
  );
}

/** A group that belongs to `by`. */
export function ownGroupNamed(state: State, by: Uid, group: GroupName): Gid | Failure {
  const gid = groupNamed(state, group);
  if (gid instanceof Failure || state.groups.owner(gid) === by) return gid;
  return new Failure("not-owner", `only the owner of ${group} may do that, who is ${ownerName(state, gid)}`);
}

// --- facts ---

export function isMember({ groups }: State, gid: Gid, uid: Uid): boolean {
  return groups.isMember(gid, uid);
}

export function membersOf({ groups }: State, gid: Gid): Uid[] {
  return Array.from(groups.members(gid), (key) => idOfSortKey<Uid>(key));
}

export function groupsOf({ groups }: State, uid: Uid): Gid[] {
  return [...groups.ofUser(uid, "member")];
}

export function ownerOf({ groups }: State, gid: Gid): Uid | undefined {
  return groups.owner(gid);
}

/** @returns undefined unless the group is there */
export function groupName({ groups }: State, gid: Gid): GroupName | undefined {
  return groups.name(gid);
}

/** What the account is called now; a made-up name if its creation has not arrived here yet. */
export function userName({ users }: State, uid: Uid): UserName {
  return users.name(uid);
}

/** A content under one of its names, only while it is listed so. */
export function listedFile(state: State, gid: Gid, listingId: ListingId): FoundFile | undefined {
  const name = state.shares.name(gid, listingId);
  const file = state.shares.file(gid, listingId);
  if (name === undefined || file === undefined || !state.shares.isListed(gid, listingId)) return undefined;
  return { gid, listingId, name, file, attributes: state.shares.attributes(gid, listingId) };
}

/** A content that is listed under whatever name. */
export function listedContent({ shares }: State, gid: Gid, fileId: FileId): FileSummary | undefined {
  for (const listingId of shares.ofContent(gid, fileId))
    if (shares.isListed(gid, listingId)) return shares.file(gid, listingId);
  return undefined;
}

/** Machines that share the content, under whatever name, online or not: each once, with its latest share. */
export function sharersOf({ shares }: State, gid: Gid, fileId: FileId): ShareRow[] {
  const machines = new Map<string, ShareRow>();
  for (const share of shares.sharersOfContent(gid, fileId)) {
    const machine = share.uid + share.device;
    if ((machines.get(machine)?.stamp ?? "") <= share.stamp) machines.set(machine, share);
  }
  return [...machines.values()];
}

// --- the read methods of the protocol ---

export function listGroups(state: State, by: Uid, after?: string): Page<GroupRow> {
  return page(state.groups.above(after), (key) => groupRow(state, by, idOfSortKey<Gid>(key)));
}

export function listRequests(
  state: State,
  by: Uid,
  group: GroupName,
  after?: string,
): Page<UserRow> | Failure {
  const gid = ownGroupNamed(state, by, group);
  if (gid instanceof Failure) return gid;
  return page(state.groups.requests(gid, after), (key) => {
    const uid = idOfSortKey<Uid>(key);
    return { uid, name: state.users.listedName(uid) };
  });
}

export function listMembers(
  state: State,
  by: Uid,
  group: GroupName,
  after?: string,
): Page<MemberRow> | Failure {
  const gid = memberGroupNamed(state, by, group);
  if (gid instanceof Failure) return gid;
  const owner = state.groups.owner(gid);
  return page(state.groups.members(gid, after), (key) => {
    const uid = idOfSortKey<Uid>(key);
    return { uid, name: state.users.listedName(uid), owner: uid === owner };
  });
}

export function listFiles(state: State, by: Uid, group: GroupName, after?: string): Page<FileRow> | Failure {
  const gid = memberGroupNamed(state, by, group);
  if (gid instanceof Failure) return gid;
  return page(state.shares.listed(gid, after), (key) => fileRow(state, gid, idOfSortKey<ListingId>(key)));
}

export function findFile(state: State, by: Uid, group: GroupName, name: FileName): FoundFile | Failure {
  const gid = memberGroupNamed(state, by, group);
  if (gid instanceof Failure) return gid;
  const [listingId] = state.shares.find(gid, name);
  const found = listingId === undefined ? undefined : listedFile(state, gid, listingId);
  return (
    found ??
    new Failure("unknown-file", `no file named ${name} in ${group}; list_files ${group} shows all there are`)
  );
}

/**
 * Files of all groups of `by` whose name holds the text. A page ends early after many names that do not match: `next`
 * then goes on from there, with fewer rows or none.
 */
export function searchFiles(
  state: State,
  by: Uid,
  text: string,
  after?: string,
): Page<{ readonly group: GroupName; readonly file: FileRow }> {
  const wanted = nameKey(text);
  const rows: { group: GroupName; file: FileRow }[] = [];
  let looked = 0;
  let chars = 0;
  for (const { group, gid, key, cursor } of filesOfUser(state, by, after)) {
    if (nameKeyOfSortKey(key).includes(wanted)) {
      const file = fileRow(state, gid, idOfSortKey<ListingId>(key));
      if (file !== undefined) {
        rows.push({ group, file });
        chars += file.name.length;
      }
    }
    if (isFull(rows.length, chars) || ++looked === SEARCH_NAMES_PER_PAGE_MAX) return { rows, next: cursor };
  }
  return { rows };
}

/** What this machine shares and shared, in the groups of which its user is a member now. */
export function ownShares(state: State, sharer: Sharer, after?: string): Page<OwnShareRow> {
  return page(state.shares.ofDevice(sharer, after), (place) => {
    const { gid, listingId } = parseSharePlace(place);
    const group = state.groups.name(gid);
    const name = state.shares.name(gid, listingId);
    const file = state.shares.file(gid, listingId);
    const share = state.shares.share(gid, listingId, sharer);
    if (!state.groups.isMember(gid, sharer.uid)) return undefined;
    if (group === undefined || name === undefined || file === undefined || share === undefined)
      return undefined;
    return { group, gid, name, listingId, ...file, shared: share.shared, counter: share.counter };
  });
}

// --- rows and pages ---

/** @param toRow undefined leaves the key out */
function page<Row extends { readonly name: string }>(
  keys: Iterable<string>,
  toRow: (key: string) => Row | undefined,
): Page<Row> {
  const rows: Row[] = [];
  let chars = 0;
  let last: string | undefined;
  for (const key of keys) {
    if (isFull(rows.length, chars) && last !== undefined) return { rows, next: last };
    const row = toRow(key);
    if (row !== undefined) {
      rows.push(row);
      chars += row.name.length;
    }
    last = key;
  }
  return { rows };
}

/** Names that lead through folders may be so long that fewer rows fill a message. */
function isFull(rows: number, nameChars: number): boolean {
  return rows === LIST_PAGE_ROWS || nameChars >= LIST_PAGE_NAME_CHARS;
}

function groupRow(state: State, by: Uid, gid: Gid): GroupRow | undefined {
  const name = state.groups.name(gid);
  const owner = state.groups.owner(gid);
  if (name === undefined || owner === undefined) return undefined;
  const standing = owner === by ? "owner" : state.groups.standing(gid, by);
  return { name, owner: state.users.listedName(owner), members: state.groups.memberCount(gid), standing };
}

function ownerName(state: State, gid: Gid): string {
  const owner = state.groups.owner(gid);
  return owner === undefined ? "unknown" : state.users.listedName(owner);
}

function fileRow(state: State, gid: Gid, listingId: ListingId): FileRow | undefined {
  const found = listedFile(state, gid, listingId);
  if (found === undefined) return undefined;
  const sharers = { [Symbol.iterator]: () => state.shares.sharers(gid, listingId) };
  const addedMs = state.shares.addedMs(gid, listingId);
  return { name: found.name, listingId, ...found.file, addedMs, sharers, attributes: found.attributes };
}

/** A cursor of a search is a group's sort key, a line feed, a file's. */
function* filesOfUser(state: State, by: Uid, after: string | undefined) {
  const groups = groupsOf(state, by).flatMap((gid) => {
    const group = state.groups.name(gid);
    return group === undefined ? [] : [{ group, gid, place: sortKey(group, gid) }];
  });
  groups.sort((left, right) => (left.place < right.place ? -1 : 1));
  for (const { group, gid, place } of groups) {
    const within = after?.startsWith(`${place}\n`) ? after.slice(place.length + 1) : undefined;
    if (after !== undefined && within === undefined && place < after) continue;
    for (const key of state.shares.listed(gid, within)) yield { group, gid, key, cursor: `${place}\n${key}` };
  }
}
