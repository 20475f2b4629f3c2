/**
 * Who is to be told what of an entry, once it is durable. Pure: looks at the state before and after, tells nobody.
 *
 * It starts from what the entry changed, not from the command that made it, so that entries which another tracker made
 * are announced to those who are online here just the same; and so is state that is joined without its entries.
 */
import { unreachable } from "../base/assert.ts";
import type {
  FileId,
  FileName,
  Fingerprint,
  Gid,
  GroupName,
  ListingId,
  RequestId,
  Uid,
} from "../base/ids.ts";
import { listingOf } from "../base/listing-id.ts";
import type { News } from "../wire/client-tracker.ts";
import type { BodyOf, Entry, Origin, Stamp } from "../wire/entry.ts";
import type { RowKind, RowOf, StateRow } from "../wire/state-row.ts";
import type { TrackerCore } from "./core/machine.ts";
import type { Tenure } from "./core/ownership.ts";
import { groupName, listedFile, ownerOf, userName } from "./core/queries.ts";
import type { State } from "./core/state.ts";
import { chosenName, groupRenamed, type NameScope, NameWatch, type NewsTo } from "./renames.ts";

type StandingChange = ReturnType<TrackerCore["apply"]>[number];

export type Announcement =
  /** For a user: now, or at the next login. */
  | NewsTo
  /** For the members online now, but the one who did it. */
  | { readonly kind: "group-news"; readonly gid: Gid; readonly by: Uid; readonly news: News }
  /** The user is a member no more: for itself, and for the members left, who may be serving it. */
  | { readonly kind: "access-ended"; readonly gid: Gid; readonly uid: Uid }
  /** The user is a member from now on: for the members, who may have been told of an end of its access. */
  | { readonly kind: "access-began"; readonly gid: Gid; readonly uid: Uid }
  /** The machine shares the file: whoever follows it has another source. */
  | {
      readonly kind: "shared";
      readonly gid: Gid;
      readonly fileId: FileId;
      readonly uid: Uid;
      readonly device: Fingerprint;
    }
  /** Sessions opened under an older password have ended; `request` is of the one that changed it, if that is known. */
  | { readonly kind: "password-changed"; readonly uid: Uid; readonly request: RequestId | undefined }
  /** A password was changed on this machine: grants that the user's other machines hold count no more. */
  | { readonly kind: "grants-ended"; readonly uid: Uid; readonly except: Fingerprint };

/** What an entry may take away, noted before. */
interface Before {
  readonly group: GroupName | undefined;
  readonly tenure: Tenure | undefined;
  readonly listed: boolean;
  readonly passwordStamp: Stamp | undefined;
}

/** Applies the entry and says whom it concerns. */
export function applyAnnounced(core: TrackerCore, entry: Entry, nowMs: number): Announcement[] {
  const { state, origin } = core;
  const before = lookAt(state, entry);
  const names = new NameWatch(state, scopeOf(state, entry.body));
  const changes = core.apply([entry], nowMs);
  return [
    ...ofStandings(state, entry, before, changes),
    ...ofBody(state, entry, before, origin),
    ...names.renames("told"),
  ];
}

/** What a join of rows may touch. */
export interface MergeScope extends NameScope {
  readonly accounts: readonly Uid[];
  readonly groups: readonly GroupName[];
  readonly gids: readonly Gid[];
}

/**
 * Joins state of another tracker without the entries that it came of, and says whom that concerns: those who lose
 * something that they had here. What is new to this tracker was told where it happened.
 */
export function mergeAnnounced(
  state: State,
  scope: MergeScope,
  merge: () => readonly StandingChange[],
): Announcement[] {
  const names = new NameWatch(state, scope);
  const groups = new Map(scope.gids.map((gid) => [gid, groupName(state, gid)]));
  const stamps = new Map(scope.accounts.map((uid) => [uid, state.users.passwordStamp(uid)]));
  const changes = merge();
  return [
    ...changes.flatMap((change) => ofMergedStanding(state, change, groups.get(change.gid))),
    ...[...stamps].flatMap(([uid, stamp]): Announcement[] => {
      const isOther = stamp !== undefined && state.users.passwordStamp(uid) !== stamp;
      return isOther ? [{ kind: "password-changed", uid, request: undefined }] : [];
    }),
    ...names.renames("left out"),
  ];
}

/** Joins rows of another tracker's state and says whom that concerns here. */
export function mergeRowsAnnounced(
  core: TrackerCore,
  rows: readonly StateRow[],
  nowMs: number,
): Announcement[] {
  const { state } = core;
  return mergeAnnounced(state, scopeOfRows(state, rows), () => core.merge(rows, nowMs));
}

function scopeOfRows(state: State, rows: readonly StateRow[]): MergeScope {
  const of = <K extends RowKind>(kind: K) => rows.filter((row): row is RowOf<K> => row.kind === kind);
  return {
    accounts: of("account").map(({ uid }) => uid),
    users: of("account").flatMap(({ creation }) => defined(creation?.name)),
    gids: [...new Set([...of("group"), ...of("person")].map(({ gid }) => gid))],
    groups: of("group").flatMap(({ gid, creation }) => defined(creation?.name ?? groupName(state, gid))),
    files: [
      ...of("file").map(({ gid, listing }) => ({ gid, name: listing.name })),
      ...of("share").flatMap((row) => namesOf(state, row.gid, [listingOf(row)])),
      ...of("person").flatMap(({ gid, uid }) => namesOf(state, gid, state.shares.ofUserIn(gid, uid))),
    ],
  };
}

function ofMergedStanding(
  state: State,
  { gid, uid, before, after }: StandingChange,
  group: GroupName | undefined,
): Announcement[] {
  const ended = accessChange({ gid, uid, before, after });
  if (group === undefined || before === "none") return ended;
  const tell = (news: News): Announcement[] => [...ended, { kind: "news", to: uid, news }];
  if (state.groups.isDeleted(gid)) return tell({ kind: "group-deleted", group, gid });
  if (after === "member") return tell({ kind: "accepted", group });
  if (after === "requested") return tell({ kind: "accept-void", group, gid });
  return tell(before === "member" ? { kind: "removed", group, gid } : { kind: "rejected", group });
}

function accessChange({ gid, uid, before, after }: StandingChange): Announcement[] {
  if (before === after) return [];
  if (before === "member") return [{ kind: "access-ended", gid, uid }];
  return after === "member" ? [{ kind: "access-began", gid, uid }] : [];
}

function lookAt(state: State, { body }: Entry): Before {
  const passwordStamp = body.kind === "password-changed" ? state.users.passwordStamp(body.uid) : undefined;
  if (!("gid" in body)) return { group: undefined, tenure: undefined, listed: false, passwordStamp };
  const { gid } = body;
  const listed = "fileId" in body && listedFile(state, gid, listingOf(body)) !== undefined;
  return { group: groupName(state, gid), tenure: state.groups.tenure(gid), listed, passwordStamp };
}

/** A handover may change several standings; what that gives back to files is left to the next login of their sharers. */
function scopeOf(state: State, body: Entry["body"]): NameScope {
  switch (body.kind) {
    case "account-created":
      return { users: [body.name] };
    case "group-created":
      return { groups: [body.name] };
    case "group-deleted":
      return { groups: defined(groupName(state, body.gid)) };
    case "file-added":
      return { files: [{ gid: body.gid, name: body.name }, ...namesOf(state, body.gid, [listingOf(body)])] };
    case "share-set":
      return { files: namesOf(state, body.gid, [listingOf(body)]) };
    case "request-accepted":
    case "request-closed":
    case "member-removed":
      return { files: namesOf(state, body.gid, state.shares.ofUserIn(body.gid, body.uid)) };
    case "password-changed":
    case "owner-transferred":
    case "join-requested":
    case "opaque":
      return {};
    default:
      return unreachable(body);
  }
}

function namesOf(
  { shares }: State,
  gid: Gid,
  listingIds: Iterable<ListingId>,
): { gid: Gid; name: FileName }[] {
  return Array.from(listingIds, (listingId) => shares.name(gid, listingId))
    .flatMap(defined)
    .map((name) => ({ gid, name }));
}

function defined<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}

function ofStandings(
  state: State,
  entry: Entry,
  before: Before,
  changes: readonly StandingChange[],
): Announcement[] {
  return changes.flatMap((change): Announcement[] => {
    const { gid } = change;
    const group = groupName(state, gid) ?? before.group;
    const news = group === undefined ? [] : newsOfChange(state, entry, { ...change, group }, before);
    return [...accessChange(change), ...news];
  });
}

function newsOfChange(
  state: State,
  { body }: Entry,
  { gid, uid, group, ...standing }: StandingChange & { readonly group: GroupName },
  before: Before,
): Announcement[] {
  const owner = ownerOf(state, gid);
  const wasMember = standing.before === "member";
  const tell = (news: News): Announcement[] => [{ kind: "news", to: uid, news }];
  switch (standing.after) {
    case "member":
      return uid === owner ? ofNewOwn(gid, uid, group) : tell({ kind: "accepted", group });
    case "requested": {
      const voided = wasMember ? tell({ kind: "accept-void", group, gid }) : [];
      if (owner === undefined || owner === uid) return voided;
      const user = state.users.listedName(uid);
      return [...voided, { kind: "news", to: owner, news: { kind: "join-request", group, user } }];
    }
    case "none":
      if (body.kind === "group-deleted")
        return uid === before.tenure?.owner ? [] : tell({ kind: body.kind, group, gid });
      if (body.kind === "request-closed" && body.why === "left") return [];
      return tell(wasMember ? { kind: "removed", group, gid } : { kind: "rejected", group });
  }
}

/** A group is made under its bare name: one that has a suffix when it becomes known here has lost that name already. */
function ofNewOwn(gid: Gid, uid: Uid, group: GroupName): Announcement[] {
  const chosen = chosenName(group);
  return chosen === group ? [] : [{ kind: "news", to: uid, news: groupRenamed(gid, chosen, group) }];
}

function ofBody(state: State, entry: Entry, before: Before, origin: Origin): Announcement[] {
  const { body } = entry;
  switch (body.kind) {
    case "password-changed":
      return [
        { kind: "password-changed", uid: body.uid, request: entry.request },
        ...ofGrants(state, body),
        ...ofLostPassword(state, body, before, origin),
      ];
    case "owner-transferred":
      return ofTransfer(state, body, before);
    case "share-set":
      return body.shared ? ofShare(state, body, before) : [];
    default:
      return [];
  }
}

/** One that has lost to another ends nothing: the machine of that one goes on. */
function ofGrants({ users }: State, { uid, stamp, device }: BodyOf<"password-changed">): Announcement[] {
  if (device === undefined || users.passwordStamp(uid) !== stamp) return [];
  return [{ kind: "grants-ended", uid, except: device }];
}

/**
 * Two changes of which neither had seen the other. The later one says by `replaces` what it had seen; an earlier one that
 * comes behind it was not seen for sure where the later one was made, which is therefore the tracker that tells.
 */
function ofLostPassword(
  state: State,
  { uid, stamp, replaces }: BodyOf<"password-changed">,
  { passwordStamp: stood }: Before,
  origin: Origin,
): Announcement[] {
  const present = state.users.passwordStamp(uid);
  if (stood === undefined || present === undefined) return [];
  const hasWon = present === stamp;
  const isUnseen = hasWon
    ? replaces !== undefined && stood > replaces
    : sameTracker(state.users.passwordOrigin(uid), origin);
  return isUnseen ? [{ kind: "news", to: uid, news: { kind: "password-lost" } }] : [];
}

/** Of whatever run. */
function sameTracker(left: Origin | undefined, right: Origin): boolean {
  return left?.split("-")[0] === right.split("-")[0];
}

function ofTransfer(
  state: State,
  { gid, epoch, from, to }: BodyOf<"owner-transferred">,
  { tenure }: Before,
): Announcement[] {
  const group = groupName(state, gid);
  const owner = ownerOf(state, gid);
  if (group === undefined || owner === undefined) return [];
  const lost: News = { kind: "ownership-lost", group, to: userName(state, owner) };
  if (owner !== to) return epoch === tenure?.epoch ? [{ kind: "news", to, news: lost }] : [];
  if (tenure?.owner === to) return [];
  const gained: Announcement = {
    kind: "news",
    to,
    news: { kind: "ownership", group, from: userName(state, from) },
  };
  // Further ahead, the handover between may be the former owner's own, and only not here yet.
  if (tenure === undefined || tenure.owner === from || epoch > tenure.epoch + 1) return [gained];
  return [gained, { kind: "news", to: tenure.owner, news: lost }];
}

function ofShare(state: State, body: BodyOf<"share-set">, before: Before): Announcement[] {
  const { gid, fileId, uid, device } = body;
  const shared: Announcement = { kind: "shared", gid, fileId, uid, device };
  const group = groupName(state, gid);
  const found = listedFile(state, gid, listingOf(body));
  if (before.listed || group === undefined || found === undefined) return [shared];
  const { name, file } = found;
  const user = userName(state, uid);
  const news: News = { kind: "new-file", group, name, user, size: file.size };
  return [shared, { kind: "group-news", gid, by: uid, news }];
}
