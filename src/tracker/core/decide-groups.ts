/** Rules of groups as such: making, deleting, handing over. */
import { Failure } from "../../base/failure.ts";
import { type Gid, refuseSuffix, type Uid } from "../../base/ids.ts";
import { ENTRY_ORIGINS_MAX, GROUPS_PER_OWNER_MAX, TRANSFERS_PER_GROUP_MAX } from "../../base/limits.ts";
import type { CreateGroup, Decision, DeleteGroup, TransferOwner } from "./commands.ts";
import { deriveAcceptId, deriveGid, deriveJoinId } from "./derived-ids.ts";
import { ownGroupNamed, userNamed } from "./queries.ts";
import type { State } from "./state.ts";
import { meetVectors, vectorKeys } from "./version-vector.ts";

/** The owner becomes a member as everybody does, by an accepted request, and so stays one after a transfer. */
export function decideCreateGroup(state: State, { request, by, group }: CreateGroup): Decision {
  const gid = deriveGid(request);
  if (state.groups.isKnown(gid)) return [];
  const refused = refuseNewGroup(state, by, group);
  if (refused !== undefined) return refused;
  const joinId = deriveJoinId(request);
  const acceptId = deriveAcceptId(request);
  const ownership = { epoch: 0, uid: by };
  return [
    { kind: "group-created", gid, name: group, owner: by },
    { kind: "join-requested", joinId, gid, uid: by },
    { kind: "request-accepted", joinId, gid, uid: by, acceptId, ownership, removals: [], by },
  ];
}

function refuseNewGroup(state: State, by: Uid, group: CreateGroup["group"]): Failure | undefined {
  const fresh = refuseSuffix(group);
  if (fresh instanceof Failure) return fresh;
  const [holder] = state.groups.find(group);
  const taken = holder && state.groups.name(holder);
  if (taken !== undefined)
    return new Failure("name-taken", `there is a group ${taken} already; choose another name`);
  return refuseAnotherGroup(state, by);
}

function refuseAnotherGroup({ groups, users }: State, owner: Uid): Failure | undefined {
  if (groups.ownedCount(owner) < GROUPS_PER_OWNER_MAX) return undefined;
  const name = users.listedName(owner);
  return new Failure(
    "too-many",
    `${name} owns ${GROUPS_PER_OWNER_MAX} groups, the most that one user may own`,
  );
}

export function decideDeleteGroup(state: State, { by, group }: DeleteGroup): Decision {
  const gid = ownGroupNamed(state, by, group);
  if (gid instanceof Failure) return gid;
  return [{ kind: "group-deleted", gid }];
}

export function decideTransferOwner(state: State, { by, group, user }: TransferOwner): Decision {
  const gid = ownGroupNamed(state, by, group);
  if (gid instanceof Failure) return gid;
  const to = userNamed(state, user);
  if (to instanceof Failure) return to;
  if (to === by) return new Failure("invalid-input", `${user} owns ${group} already; name another member`);
  if (!state.groups.isMember(gid, to))
    return new Failure("not-member", `${user} is not a member of ${group}; list_members ${group} shows all`);
  const tooMany = refuseAnotherGroup(state, to) ?? refuseAnotherTransfer(state, gid, group);
  if (tooMany !== undefined) return tooMany;
  // Of rows that another tracker is giving some may be here and others not: what is not passed whole was not seen.
  const vector = vectorKeys(meetVectors(state.groups.acceptsVector(gid), state.vector));
  if (vector.length > ENTRY_ORIGINS_MAX)
    return new Failure(
      "too-many",
      `${group} cannot be handed over: too many tracker runs let its members in`,
    );
  const epoch = (state.groups.tenure(gid)?.epoch ?? 0) + 1;
  return [{ kind: "owner-transferred", gid, epoch, from: by, to, vector }];
}

function refuseAnotherTransfer({ groups }: State, gid: Gid, group: string): Failure | undefined {
  if (groups.transferCount(gid) < TRANSFERS_PER_GROUP_MAX) return undefined;
  return new Failure(
    "too-many",
    `${group} was handed over ${TRANSFERS_PER_GROUP_MAX} times, the most there may be`,
  );
}
