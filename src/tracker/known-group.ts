/**
 * Groups that a client means by their id, from what it did there before. Pure.
 *
 * A tracker that was cut off may not have heard of that group, or of the membership, yet. It must not say that there is
 * none: the client would end its shares and downloads there. Whoever has left, or was removed or rejected, is told so.
 */
import { Failure } from "../base/failure.ts";
import type { Gid, GroupName, Uid } from "../base/ids.ts";
import { groupName, isMember } from "./core/queries.ts";
import type { State } from "./core/state.ts";

export interface GroupRef {
  /** As it was typed, or as the client remembers it. */
  readonly group: GroupName;
  readonly gid?: Gid | undefined;
}

/**
 * What the group is called now: its name may have gone over to another one, in which the client's doings must not end up.
 * @throws Failure "try-later" if this tracker is behind, "unknown-group" if the group was deleted
 */
export function nameNow(state: State, by: Uid, { group, gid }: GroupRef): GroupName {
  if (gid === undefined) return group;
  if (isBehind(state, gid, by)) throw notYet();
  const name = groupName(state, gid);
  if (name === undefined) throw new Failure("unknown-group", `group ${group} was deleted`);
  return name;
}

/** @throws Failure "try-later" if this tracker is behind, "not-member" */
export function requireMember(state: State, gid: Gid, uid: Uid): void {
  if (isMember(state, gid, uid)) return;
  throw isBehind(state, gid, uid) ? notYet() : new Failure("not-member", "not a member of that group");
}

function isBehind({ groups }: State, gid: Gid, uid: Uid): boolean {
  if (groups.isDeleted(gid) || groups.isMember(gid, uid)) return false;
  return !groups.hasLeft(gid, uid);
}

function notYet(): Failure {
  return new Failure(
    "try-later",
    "this tracker has not heard of your membership in that group yet; try again shortly",
  );
}
