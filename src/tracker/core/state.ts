/**
 * All that a tracker knows, in memory. `apply` alone changes it, in place, because a million rows cannot be copied.
 *
 * `apply` cannot fail and depends on no order: each field joins (`joins.ts`), the rest is derived, so two trackers that
 * have seen the same entries are equal, which `stateHash` compares. It judges nothing: what may happen is for `decide`
 * to say, before.
 */
import { unreachable } from "../../base/assert.ts";
import type { Entry } from "../../wire/entry.ts";
import { Groups, type StandingChange } from "./groups.ts";
import { RecentRequests } from "./recent-requests.ts";
import { Shares } from "./shares.ts";
import { Users } from "./users.ts";

export class State {
  readonly users = new Users();
  readonly groups = new Groups(this.users);
  readonly shares = new Shares(this.groups);
  readonly recent = new RecentRequests();
}

/** @returns whose standing in which group became another: who must be told, or cut off */
export function apply(state: State, entry: Entry): readonly StandingChange[] {
  state.recent.add(entry.request);
  const changes = applyBody(state, entry);
  for (const { gid, uid, before, after } of changes) {
    if (before === "member" || after === "member") state.shares.standingChanged(gid, uid);
  }
  if (entry.body.kind === "group-deleted") state.shares.groupDeleted(entry.body.gid);
  return changes;
}

const NO_CHANGE: readonly StandingChange[] = [];

function applyBody({ users, groups, shares }: State, entry: Entry): readonly StandingChange[] {
  const { body } = entry;
  switch (body.kind) {
    case "account-created":
      if (users.create(entry, body)) groups.renamed(body.uid);
      return NO_CHANGE;
    case "password-changed":
      users.changePassword(entry, body);
      return NO_CHANGE;
    case "group-created":
      return groups.create(entry, body);
    case "group-deleted":
      return groups.delete(body);
    case "owner-transferred":
      return groups.transfer(entry, body);
    case "join-requested":
      return groups.request(body);
    case "request-accepted":
      return groups.accept(entry, body);
    case "request-closed":
      return groups.close(body);
    case "member-removed":
      return groups.remove(body);
    case "file-added":
      shares.addFile(entry, body);
      return NO_CHANGE;
    case "share-set":
      shares.setShare(body);
      return NO_CHANGE;
    case "opaque":
      return NO_CHANGE;
    default:
      return unreachable(body);
  }
}

/** Every fact, one line each, in order: equal for equal states. */
export function dumpState({ users, groups, shares }: State): string[] {
  return [...users.dump(), ...groups.dump(), ...shares.dump()].sort();
}

/** SHA-256 of the dump. Costs a pass over everything. */
export function stateHash(state: State): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const line of dumpState(state)) hasher.update(`${line}\n`);
  return hasher.digest("hex");
}

/** Recomputes everything derived. For tests. */
export function checkInvariants({ users, groups, shares }: State): void {
  users.invariants();
  groups.invariants();
  shares.invariants();
}
