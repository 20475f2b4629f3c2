/**
 * Rules of membership: asking, answering, leaving, removing. Each command names the requests that it has seen; one it has
 * not seen stays as it is.
 */
import { Failure } from "../../base/failure.ts";
import type { Gid, GroupName, Uid } from "../../base/ids.ts";
import { CLOSED_REQUESTS_MAX, ENTRY_IDS_MAX, PENDING_REQUESTS_PER_USER_MAX } from "../../base/limits.ts";
import type { BodyOf } from "../../wire/entry.ts";
import type {
  AcceptRequest,
  Decision,
  JoinGroup,
  LeaveGroup,
  RejectRequest,
  RemoveMember,
} from "./commands.ts";
import { deriveAcceptId, deriveJoinId, deriveRemovalId } from "./derived-ids.ts";
import { groupNamed, ownGroupNamed, userNamed } from "./queries.ts";
import type { State } from "./state.ts";

export function decideJoinGroup(state: State, { request, by, group }: JoinGroup): Decision {
  const { groups } = state;
  const gid = groupNamed(state, group);
  if (gid instanceof Failure) return gid;
  const joinId = deriveJoinId(request);
  if (groups.hasRequest(gid, by, joinId)) return [];
  const standing = groups.standing(gid, by);
  if (standing === "member") return new Failure("already-member", `already a member of ${group}`);
  if (standing === "requested")
    return new Failure("already-requested", `a request to join ${group} waits for its owner already`);
  if (groups.closedCount(gid, by) >= CLOSED_REQUESTS_MAX)
    return new Failure(
      "too-many",
      `${CLOSED_REQUESTS_MAX} requests to join ${group} were closed, the most there may be of one user`,
    );
  if (pendingCount(state, by) >= PENDING_REQUESTS_PER_USER_MAX)
    return new Failure(
      "too-many",
      `${PENDING_REQUESTS_PER_USER_MAX} join requests wait for an answer, the most there may be`,
    );
  return [{ kind: "join-requested", joinId, gid, uid: by }];
}

function pendingCount({ groups }: State, uid: Uid): number {
  let pending = 0;
  for (const _gid of groups.ofUser(uid, "requested")) pending++;
  return pending;
}

/** Ends a membership; of one who waits for an answer, the request. */
export function decideLeaveGroup(state: State, { by, group }: LeaveGroup): Decision {
  const gid = groupNamed(state, group);
  if (gid instanceof Failure) return gid;
  if (state.groups.owner(gid) === by)
    return new Failure(
      "owner-cannot-leave",
      `the owner cannot leave ${group}; transfer_owner ${group} <user_id> or delete_group ${group} first`,
    );
  if (state.groups.standing(gid, by) === "none") return new Failure("not-member", `not a member of ${group}`);
  return closeAll(state, gid, by, "left");
}

export function decideAcceptRequest(state: State, { request, by, group, user }: AcceptRequest): Decision {
  const { groups } = state;
  const target = ownersTarget(state, by, group, user);
  if (target instanceof Failure) return target;
  const { gid, uid } = target;
  const acceptId = deriveAcceptId(request);
  if (groups.hasAccept(gid, uid, acceptId)) return [];
  if (groups.isMember(gid, uid))
    return new Failure("already-member", `${user} is a member of ${group} already`);
  const [joinId] = groups.openRequests(gid, uid);
  const tenure = groups.tenure(gid);
  if (joinId === undefined || tenure === undefined) return noRequest(group, user);
  const removals = groups.removals(gid, uid);
  if (removals.length > ENTRY_IDS_MAX)
    return new Failure("too-many", `${user} was removed from ${group} too often to be let in again`);
  const ownership = { epoch: tenure.epoch, uid: by };
  return [{ kind: "request-accepted", joinId, gid, uid, acceptId, ownership, removals, by }];
}

export function decideRejectRequest(state: State, { by, group, user }: RejectRequest): Decision {
  const target = ownersTarget(state, by, group, user);
  if (target instanceof Failure) return target;
  const { gid, uid } = target;
  const standing = state.groups.standing(gid, uid);
  if (standing === "member")
    return new Failure(
      "already-member",
      `${user} is a member of ${group} already; remove_member ${group} ${user}`,
    );
  if (standing === "none") return noRequest(group, user);
  return closeAll(state, gid, uid, "rejected");
}

export function decideRemoveMember(state: State, { request, by, group, user }: RemoveMember): Decision {
  const { groups } = state;
  const target = ownersTarget(state, by, group, user);
  if (target instanceof Failure) return target;
  const { gid, uid } = target;
  const removalId = deriveRemovalId(request);
  if (groups.removals(gid, uid).includes(removalId)) return [];
  if (uid === by)
    return new Failure(
      "owner-cannot-leave",
      `the owner cannot be removed from ${group}; transfer_owner ${group} <user_id> or delete_group ${group} first`,
    );
  if (!groups.isMember(gid, uid))
    return new Failure("not-member", `${user} is not a member of ${group}; list_members ${group} shows all`);
  const closes = groups.openRequests(gid, uid).slice(0, ENTRY_IDS_MAX);
  return [{ kind: "member-removed", gid, uid, removalId, closes }];
}

function ownersTarget(
  state: State,
  by: Uid,
  group: GroupName,
  user: AcceptRequest["user"],
): { gid: Gid; uid: Uid } | Failure {
  const gid = ownGroupNamed(state, by, group);
  if (gid instanceof Failure) return gid;
  const uid = userNamed(state, user);
  return uid instanceof Failure ? uid : { gid, uid };
}

function closeAll(
  { groups }: State,
  gid: Gid,
  uid: Uid,
  why: BodyOf<"request-closed">["why"],
): BodyOf<"request-closed">[] {
  const joinIds = groups.openRequests(gid, uid);
  return joinIds.map((joinId) => ({ kind: "request-closed", joinId, gid, uid, why }));
}

function noRequest(group: GroupName, user: string): Failure {
  return new Failure(
    "no-request",
    `${user} has not asked to join ${group}; list_requests ${group} shows who has`,
  );
}
