/** Rules of sharing: one content under one name, and each device counting its own changes. */
import { Failure } from "../../base/failure.ts";
import { type Gid, refuseNoRoom } from "../../base/ids.ts";
import { FILES_PER_GROUP_MAX } from "../../base/limits.ts";
import type { FileSummary } from "../../base/manifest.ts";
import type { BodyOf } from "../../wire/entry.ts";
import type { Decision, ShareFile, StopShare } from "./commands.ts";
import { groupNamed, memberGroupNamed } from "./queries.ts";
import type { ShareRow } from "./shares.ts";
import type { State } from "./state.ts";

/**
 * A content that is listed gains a source, under the name that it has. One that is not (new, or its last sharer has
 * stopped) is listed under the name given, which no other listed content may have.
 */
export function decideShareFile(state: State, command: ShareFile): Decision {
  const { by: uid, device, group, counter } = command;
  const { fileId } = command.file;
  const gid = memberGroupNamed(state, uid, group);
  if (gid instanceof Failure) return gid;
  const share = state.shares.share(gid, fileId, { uid, device });
  if (share?.shared === true && share.counter === counter) return [];
  const stale = refuseStale(share, counter);
  if (stale !== undefined) return stale;
  const added = state.shares.isListed(gid, fileId)
    ? holdAgainst(state.shares.file(gid, fileId), command)
    : decideListing(state, gid, command);
  if (added instanceof Failure) return added;
  return [...added, { kind: "share-set", gid, fileId, uid, device, shared: true, counter }];
}

/** The file id covers size and SHA-256 alone: who shares what is listed must agree on the rest. */
function holdAgainst(listed: FileSummary | undefined, { file, group, name }: ShareFile): [] | Failure {
  if (listed?.sha1 === file.sha1 && listed.digest === file.digest) return [];
  return new Failure("corrupt", `${name} is in ${group} already with another SHA-1; one of the two is wrong`);
}

function decideListing(state: State, gid: Gid, command: ShareFile): BodyOf<"file-added">[] | Failure {
  const { group, name, file } = command;
  const tooLong = refuseNoRoom(name);
  if (tooLong !== undefined) return tooLong;
  const [holder] = state.shares.find(gid, name);
  if (holder !== undefined)
    return new Failure(
      "name-taken",
      `${group} has another file named ${state.shares.name(gid, holder)}; upload_file <path> ${group} <other name>`,
    );
  const known = state.shares.file(gid, file.fileId);
  if (known === undefined && state.shares.fileCount(gid) >= FILES_PER_GROUP_MAX)
    return new Failure(
      "too-many",
      `${group} holds ${FILES_PER_GROUP_MAX} files, the most that a group may hold`,
    );
  const unchanged =
    known?.sha1 === file.sha1 && known.digest === file.digest && state.shares.name(gid, file.fileId) === name;
  return unchanged ? [] : [fileAdded(gid, command)];
}

function fileAdded(gid: Gid, { name, file, attributes }: ShareFile): BodyOf<"file-added"> {
  const { fileId, size, sha1, digest } = file;
  const added = { kind: "file-added", gid, fileId, name, size, sha1, digest } as const;
  return attributes === undefined ? added : { ...added, attributes };
}

/** Whoever has a share may end it, also after leaving the group: it is that machine's own. */
export function decideStopShare(state: State, command: StopShare): Decision {
  const { by: uid, device, group, fileId, counter } = command;
  const gid = groupNamed(state, group);
  if (gid instanceof Failure) return gid;
  const share = state.shares.share(gid, fileId, { uid, device });
  if (share?.shared === false && share.counter === counter) return [];
  if (share?.shared !== true) {
    const member = memberGroupNamed(state, uid, group);
    return member instanceof Failure ? member : notShared(group);
  }
  const stale = refuseStale(share, counter);
  if (stale !== undefined) return stale;
  return [{ kind: "share-set", gid, fileId, uid, device, shared: false, counter }];
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
