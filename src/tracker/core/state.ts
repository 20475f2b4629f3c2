/**
 * All that a tracker knows, in memory, but for rows that nobody has asked for since the start: those are read from the
 * store then, which is handed in. `apply` and `mergeRow` alone change it, in place, because a million rows cannot be
 * copied.
 *
 * Neither depends on an order, nor fails but where such a row cannot be read: each field joins (`joins.ts`), the rest is derived, so two trackers that
 * have seen the same entries, or rows made of them, are equal. They judge nothing: what may happen is for `decide` to
 * say, before. The state as rows is in `state-rows.ts`.
 */
import { unreachable } from "../../base/assert.ts";
import type { Entry, Origin } from "../../wire/entry.ts";
import type { StateRow } from "../../wire/state-row.ts";
import { Groups, type StandingChange } from "./groups.ts";
import { RecentRequests } from "./recent-requests.ts";
import { Shares } from "./shares.ts";
import { Users } from "./users.ts";

export class State {
  readonly users = new Users();
  readonly groups = new Groups(this.users);
  readonly shares = new Shares(this.groups);
  readonly recent = new RecentRequests();
  /** What was seen of each origin's log: every entry up to there is in here. */
  readonly vector = new Map<Origin, number>();
}

/** @returns whose standing in which group became another: who must be told, or cut off */
export function apply(state: State, entry: Entry): readonly StandingChange[] {
  const { body } = entry;
  state.recent.add(entry.request);
  const changes = applyBody(state, entry);
  followStandings(state, changes);
  if (body.kind === "group-deleted") state.shares.groupDeleted(body.gid);
  return changes;
}

/**
 * Joins all that the row came from into the state, as `apply` does with the entries themselves.
 * @returns as `apply`
 */
export function mergeRow(state: State, row: StateRow): readonly StandingChange[] {
  const changes = mergeFacts(state, row);
  followStandings(state, changes);
  if (row.kind === "group" && row.deleted) state.shares.groupDeleted(row.gid);
  return changes;
}

function mergeFacts({ users, groups, shares }: State, row: StateRow): readonly StandingChange[] {
  switch (row.kind) {
    case "account":
      if (users.merge(row)) groups.renamed(row.uid);
      return NO_CHANGE;
    case "group":
      return groups.merge(row);
    case "person":
      return groups.mergePerson(row);
    case "file":
      shares.mergeFile(row);
      return NO_CHANGE;
    case "share":
      shares.mergeShare(row);
      return NO_CHANGE;
    default:
      return unreachable(row);
  }
}

/** Shares count with the membership of their user. */
function followStandings({ shares }: State, changes: readonly StandingChange[]): void {
  for (const { gid, uid, before, after } of changes) {
    if (before === "member" || after === "member") shares.standingChanged(gid, uid);
  }
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
      shares.setShare(entry, body);
      return NO_CHANGE;
    case "opaque":
      return NO_CHANGE;
    default:
      return unreachable(body);
  }
}

/** Recomputes everything derived. For tests. */
export function checkInvariants({ users, groups, shares }: State): void {
  users.invariants();
  groups.invariants();
  shares.invariants();
}
