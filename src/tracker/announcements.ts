/**
 * Who is to be told what of an entry, once it is durable. Pure: looks at the state before and after, tells nobody.
 *
 * It starts from what the entry changed, not from the command that made it, so that entries which another tracker made
 * are announced to those who are online here just the same.
 */
import type { FileId, Fingerprint, Gid, GroupName, RequestId, Uid } from "../base/ids.ts";
import type { News } from "../wire/client-tracker.ts";
import type { BodyOf, Entry } from "../wire/entry.ts";
import type { TrackerCore } from "./core/machine.ts";
import { groupName, listedFile, ownerOf, userName } from "./core/queries.ts";
import type { State } from "./core/state.ts";

type StandingChange = ReturnType<TrackerCore["apply"]>[number];

export type Announcement =
  /** For a user: now, or at the next login. */
  | { readonly kind: "news"; readonly to: Uid; readonly news: News }
  /** For the members online now, but the one who did it. */
  | { readonly kind: "group-news"; readonly gid: Gid; readonly by: Uid; readonly news: News }
  /** The user is a member no more: for itself, and for the members left, who may be serving it. */
  | { readonly kind: "access-ended"; readonly gid: Gid; readonly uid: Uid }
  /** The machine shares the file: whoever follows it has another source. */
  | {
      readonly kind: "shared";
      readonly gid: Gid;
      readonly fileId: FileId;
      readonly uid: Uid;
      readonly device: Fingerprint;
    }
  /** Sessions opened under an older password have ended; `request` is of the one that changed it. */
  | { readonly kind: "password-changed"; readonly uid: Uid; readonly request: RequestId };

/** What an entry may take away, noted before. */
interface Before {
  readonly group: GroupName | undefined;
  readonly owner: Uid | undefined;
  readonly listed: boolean;
}

/** Applies the entry and says whom it concerns. */
export function applyAnnounced(core: TrackerCore, entry: Entry, nowMs: number): Announcement[] {
  const before = lookAt(core.state, entry);
  const changes = core.apply([entry], nowMs);
  return [...ofStandings(core.state, entry, before, changes), ...ofBody(core.state, entry, before)];
}

function lookAt(state: State, { body }: Entry): Before {
  if (!("gid" in body)) return { group: undefined, owner: undefined, listed: false };
  const { gid } = body;
  const listed = "fileId" in body && listedFile(state, gid, body.fileId) !== undefined;
  return { group: groupName(state, gid), owner: ownerOf(state, gid), listed };
}

function ofStandings(
  state: State,
  entry: Entry,
  before: Before,
  changes: readonly StandingChange[],
): Announcement[] {
  return changes.flatMap((change): Announcement[] => {
    const { gid, uid } = change;
    const group = groupName(state, gid) ?? before.group;
    const news = group === undefined ? [] : newsOfChange(state, entry, { ...change, group }, before);
    return change.before === "member" ? [{ kind: "access-ended", gid, uid }, ...news] : news;
  });
}

function newsOfChange(
  state: State,
  { body }: Entry,
  { gid, uid, group, ...standing }: StandingChange & { readonly group: GroupName },
  before: Before,
): Announcement[] {
  const owner = ownerOf(state, gid);
  const tell = (news: News): Announcement[] => [{ kind: "news", to: uid, news }];
  switch (standing.after) {
    case "member":
      return uid === owner ? [] : tell({ kind: "accepted", group });
    case "requested": {
      if (owner === undefined || owner === uid) return [];
      const user = state.users.listedName(uid);
      return [{ kind: "news", to: owner, news: { kind: "join-request", group, user } }];
    }
    case "none":
      if (body.kind === "group-deleted") return uid === before.owner ? [] : tell({ kind: body.kind, group });
      if (body.kind === "request-closed" && body.why === "left") return [];
      return tell({ kind: standing.before === "member" ? "removed" : "rejected", group });
  }
}

function ofBody(state: State, entry: Entry, before: Before): Announcement[] {
  const { body } = entry;
  switch (body.kind) {
    case "password-changed":
      return [{ kind: "password-changed", uid: body.uid, request: entry.request }];
    case "owner-transferred":
      return ofTransfer(state, body, before);
    case "share-set":
      return body.shared ? ofShare(state, body, before) : [];
    default:
      return [];
  }
}

function ofTransfer(state: State, body: BodyOf<"owner-transferred">, before: Before): Announcement[] {
  const group = groupName(state, body.gid);
  const isNew = ownerOf(state, body.gid) === body.to && before.owner !== body.to;
  if (group === undefined || !isNew) return [];
  return [
    { kind: "news", to: body.to, news: { kind: "ownership", group, from: userName(state, body.from) } },
  ];
}

function ofShare(state: State, body: BodyOf<"share-set">, before: Before): Announcement[] {
  const { gid, fileId, uid, device } = body;
  const shared: Announcement = { kind: "shared", gid, fileId, uid, device };
  const group = groupName(state, gid);
  const found = listedFile(state, gid, fileId);
  if (before.listed || group === undefined || found === undefined) return [shared];
  const { name, file } = found;
  const user = userName(state, uid);
  const news: News = { kind: "new-file", group, name, user, size: file.size };
  return [shared, { kind: "group-news", gid, by: uid, news }];
}
