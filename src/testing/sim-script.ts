/**
 * What the people of a simulation want next: mostly what they may do, so that rights are given and taken all the time,
 * and sometimes what they may not.
 *
 * Few names and few contents, so that everything collides. One seed decides; a tracker's state is looked at only to choose.
 */
import type { FileName, Gid, GroupName, Uid, UserName } from "../base/ids.ts";
import type { Prng } from "../base/prng.ts";
import { idOfSortKey } from "../tracker/core/name-table.ts";
import type { State } from "../tracker/core/state.ts";

export type Intention =
  | {
      readonly kind: "create_group" | "delete_group" | "join_group" | "leave_group";
      readonly group: GroupName;
    }
  | {
      readonly kind: "accept_request" | "reject_request" | "remove_member" | "transfer_owner";
      readonly group: GroupName;
      readonly user: UserName;
    }
  | {
      readonly kind: "share";
      readonly gid: Gid;
      readonly group: GroupName;
      readonly name: FileName;
      readonly content: string;
    }
  | {
      readonly kind: "stop_share";
      readonly gid: Gid;
      readonly group: GroupName;
      readonly name: FileName;
      readonly content: string;
    }
  | { readonly kind: "grant"; readonly gid: Gid }
  | { readonly kind: "change_password" };

const USER_NAMES = ["ann", "Bob", "cy"] as UserName[];
const GROUP_NAMES = ["lab", "art"] as GroupName[];
const FILE_NAMES = ["a.txt", "B.txt"] as FileName[];
const CONTENTS = ["red", "green", "blue"];

export function pickFrom<T>(random: Prng, items: readonly T[]): T | undefined {
  return items[random.below(items.length)];
}

/** A name for a new account, in any case. */
export function userNameFrom(random: Prng): UserName {
  const name = pickFrom(random, USER_NAMES) ?? USER_NAMES[0];
  return (random.below(4) === 0 ? name?.toUpperCase() : name) as UserName;
}

/** @returns undefined if there is nothing to be done for somebody who sees this state */
export function intentionOf(state: State, uid: Uid, random: Prng): Intention | undefined {
  const gid = pickFrom(
    random,
    [...state.groups.above(undefined)].map((key) => idOfSortKey<Gid>(key)),
  );
  const group = gid && state.groups.name(gid);
  const action = random.below(20);
  if (gid === undefined || group === undefined || action === 0) return newGroup(random);
  if (action === 1) return { kind: "change_password" };
  if (state.groups.owner(gid) === uid && action < 13) return asOwner(state, gid, group, uid, random);
  const standing = state.groups.standing(gid, uid);
  if (standing === "none") return { kind: action === 2 ? "leave_group" : "join_group", group };
  if (standing === "requested" && action < 16)
    return { kind: action < 5 ? "leave_group" : "grant", gid, group };
  return asMember(gid, group, random);
}

function newGroup(random: Prng): Intention | undefined {
  const group = pickFrom(random, GROUP_NAMES);
  return group && { kind: "create_group", group };
}

function asOwner(state: State, gid: Gid, group: GroupName, own: Uid, random: Prng): Intention | undefined {
  const named = (keys: Iterable<string>) =>
    pickFrom(
      random,
      [...keys].map((key) => idOfSortKey<Uid>(key)).filter((uid) => uid !== own),
    );
  const waiting = named(state.groups.requests(gid));
  const member = named(state.groups.members(gid));
  const action = random.below(16);
  if (action === 0) return { kind: "delete_group", group };
  if (waiting !== undefined && action < 10)
    return {
      kind: action < 9 ? "accept_request" : "reject_request",
      group,
      user: state.users.listedName(waiting),
    };
  if (member === undefined) return asMember(gid, group, random);
  return {
    kind: action < 13 ? "remove_member" : "transfer_owner",
    group,
    user: state.users.listedName(member),
  };
}

function asMember(gid: Gid, group: GroupName, random: Prng): Intention | undefined {
  const content = pickFrom(random, CONTENTS);
  const name = pickFrom(random, FILE_NAMES);
  if (content === undefined || name === undefined) return undefined;
  const action = random.below(10);
  if (action < 4) return { kind: "share", gid, group, name, content };
  if (action < 7) return { kind: "stop_share", gid, group, name, content };
  return action < 9 ? { kind: "grant", gid } : { kind: "leave_group", group };
}
