/** Rules of sharing: under one name one content, under as many names as people give it; each device counts its own changes. */
import { Failure } from "../../base/failure.ts";
import { type FileId, type Gid, type ListingId, refuseNoRoom } from "../../base/ids.ts";
import { FILES_PER_GROUP_MAX } from "../../base/limits.ts";
import { listingIdOf, listingRef } from "../../base/listing-id.ts";
import type { BodyOf } from "../../wire/entry.ts";
import type { Decision, ShareFile, StopShare } from "./commands.ts";
import { groupNamed, memberGroupNamed } from "./queries.ts";
import type { ShareRow } from "./shares.ts";
import type { State } from "./state.ts";

/**
 * A content that is listed under the name given gains a source there. Else it is listed under that name (it is new, has other
 * names only, or its last sharer has stopped), which no other listed content may have.
 */
export function decideShareFile(state: State, command: ShareFile): Decision {
  const { by: uid, device, group, counter } = command;
  const { fileId } = command.file;
  const gid = memberGroupNamed(state, uid, group);
  if (gid instanceof Failure) return gid;
  const listed = listedSame(state, gid, command);
  const listingId = listed ?? listingIdOf(fileId, command.name);
  const share = state.shares.share(gid, listingId, { uid, device });
  if (share?.shared === true && share.counter === counter) return [];
  const stale = refuseStale(share, counter);
  if (stale !== undefined) return stale;
  const other = holdAgainst(state, gid, command);
  if (other !== undefined) return other;
  const added = listed === undefined ? decideListing(state, gid, listingId, command) : [];
  if (added instanceof Failure) return added;
  return [...added, shareSet(gid, fileId, listingId, { uid, device, shared: true, counter })];
}

/** By its bare name or with the suffix that it has: which of several is meant, the content tells. */
export function listedSame(
  state: State,
  gid: Gid,
  { name, file }: Pick<ShareFile, "name" | "file">,
): ListingId | undefined {
  return state.shares.find(gid, name).find((each) => state.shares.file(gid, each)?.fileId === file.fileId);
}

function shareSet(
  gid: Gid,
  fileId: FileId,
  listingId: ListingId,
  change: Pick<BodyOf<"share-set">, "uid" | "device" | "shared" | "counter">,
): BodyOf<"share-set"> {
  return { kind: "share-set", gid, ...listingRef(fileId, listingId), ...change };
}

/** The file id covers size and SHA-256 alone: who shares what is listed must agree on the rest. */
function holdAgainst(state: State, gid: Gid, { file, group, name }: ShareFile): Failure | undefined {
  for (const listingId of state.shares.ofContent(gid, file.fileId)) {
    const known = state.shares.isListed(gid, listingId) ? state.shares.file(gid, listingId) : file;
    if (known?.sha1 === file.sha1 && known.digest === file.digest) continue;
    return new Failure(
      "corrupt",
      `${name} is in ${group} already with another SHA-1; one of the two is wrong`,
    );
  }
  return undefined;
}

function decideListing(
  state: State,
  gid: Gid,
  listingId: ListingId,
  command: ShareFile,
): BodyOf<"file-added">[] | Failure {
  const { group, name, file } = command;
  const tooLong = refuseNoRoom(name);
  if (tooLong !== undefined) return tooLong;
  const [holder] = state.shares.find(gid, name);
  if (holder !== undefined)
    return new Failure(
      "name-taken",
      `${group} has another file named ${state.shares.name(gid, holder)}; upload_file <path> ${group} <other name>`,
    );
  const known = state.shares.file(gid, listingId);
  if (known === undefined && state.shares.fileCount(gid) >= FILES_PER_GROUP_MAX)
    return new Failure(
      "too-many",
      `${group} holds ${FILES_PER_GROUP_MAX} files, the most that a group may hold`,
    );
  const unchanged =
    known?.sha1 === file.sha1 && known.digest === file.digest && state.shares.name(gid, listingId) === name;
  return unchanged ? [] : [fileAdded(gid, listingId, command)];
}

function fileAdded(
  gid: Gid,
  listingId: ListingId,
  { name, file, attributes }: ShareFile,
): BodyOf<"file-added"> {
  const { fileId, size, sha1, digest } = file;
  const ref = listingRef(fileId, listingId);
  const added = { kind: "file-added", gid, ...ref, name, size, sha1, digest } as const;
  return attributes === undefined ? added : { ...added, attributes };
}

/** Whoever has a share may end it, also after leaving the group: it is that machine's own. */
export function decideStopShare(state: State, command: StopShare): Decision {
  const { by: uid, device, group, listingId, counter } = command;
  const gid = groupNamed(state, group);
  if (gid instanceof Failure) return gid;
  const share = state.shares.share(gid, listingId, { uid, device });
  if (share?.shared === false && share.counter === counter) return [];
  if (share?.shared !== true) {
    const member = memberGroupNamed(state, uid, group);
    return member instanceof Failure ? member : notShared(group);
  }
  const stale = refuseStale(share, counter);
  if (stale !== undefined) return stale;
  return [shareSet(gid, share.fileId, listingId, { uid, device, shared: false, counter })];
}

function notShared(group: string): Failure {
  return new Failure(
    "not-shared",
    `this machine does not share that file in ${group}; list_files ${group} shows all`,
  );
}

/** A device that has lost count learns its last one at login. */
function refuseStale(share: ShareRow | undefined, counter: number): Failure | undefined {
  if (share === undefined || counter > share.counter) return undefined;
  return new Failure(
    "try-later",
    `this machine's share is at change ${share.counter}, not ${counter}: log out and in again`,
  );
}
