/**
 * One user in one group: join requests, what owners answered, removals; and whether that makes a member. Pure.
 *
 * No clock takes part: a request is closed for ever once closed, accepts and removals only grow in number, and an
 * accept counts only if it has seen every removal known and was given in the line of owners (`ownership.ts`).
 */
import type { JoinId, Uid } from "../../base/ids.ts";
import type { AcceptId, EntryKey, RemovalId } from "../../wire/entry.ts";
import { FewRows } from "./few-rows.ts";
import { isLesserText } from "./joins.ts";
import { type OwnershipLine, tenureAt } from "./ownership.ts";
import { covers } from "./version-vector.ts";

export type MemberStanding = "member" | "requested" | "none";

/** An owner's yes, known by the key of its entry, and what the tracker that took it had seen. */
export interface Accept extends EntryKey {
  readonly acceptId: AcceptId;
  readonly epoch: number;
  readonly by: Uid;
  readonly removals: RemovalId[];
}

export interface OpenRequest {
  readonly joinId: JoinId;
  readonly accepts: Accept[];
}

/** The sets are made with their first id: most users were never removed from anywhere. */
export interface Candidacy {
  /** Requests that are not closed. */
  readonly open: FewRows<OpenRequest>;
  /** Final: a closed request keeps nothing but its id. */
  closed: Set<JoinId> | undefined;
  removals: Set<RemovalId> | undefined;
}

export function newCandidacy(): Candidacy {
  return { open: new FewRows(joinIdOf), closed: undefined, removals: undefined };
}

export function openRequest({ open, closed }: Candidacy, joinId: JoinId): void {
  if (closed?.has(joinId) !== true && open.get(joinId) === undefined) open.put({ joinId, accepts: [] });
}

export function addAccept(candidacy: Candidacy, joinId: JoinId, accept: Accept): void {
  openRequest(candidacy, joinId);
  const accepts = candidacy.open.get(joinId)?.accepts;
  if (accepts === undefined) return;
  const at = accepts.findIndex((other) => sameKey(other, accept));
  if (at < 0) accepts.push(accept);
  else if (isLesserText(accept, accepts[at])) accepts[at] = accept;
}

export function closeRequest(candidacy: Candidacy, joinId: JoinId): void {
  candidacy.open.delete(joinId);
  candidacy.closed ??= new Set();
  candidacy.closed.add(joinId);
}

export function addRemoval(candidacy: Candidacy, removalId: RemovalId, closes: readonly JoinId[]): void {
  candidacy.removals ??= new Set();
  candidacy.removals.add(removalId);
  for (const joinId of closes) closeRequest(candidacy, joinId);
}

export function standingOf({ open, removals }: Candidacy, line: OwnershipLine): MemberStanding {
  for (const { accepts } of open) {
    if (accepts.some((accept) => isGivenInLine(accept, line) && hasSeen(accept, removals))) return "member";
  }
  return open.size > 0 ? "requested" : "none";
}

function isGivenInLine(accept: Accept, line: OwnershipLine): boolean {
  const tenure = tenureAt(line, accept.epoch);
  if (tenure === undefined || tenure.owner !== accept.by) return false;
  return tenure.seenByLater === undefined || covers(tenure.seenByLater, accept);
}

function hasSeen(accept: Accept, removals: ReadonlySet<RemovalId> | undefined): boolean {
  return removals === undefined || removals.isSubsetOf(new Set(accept.removals));
}

function joinIdOf({ joinId }: OpenRequest): JoinId {
  return joinId;
}

function sameKey(left: EntryKey, right: EntryKey): boolean {
  return left.seq === right.seq && left.origin === right.origin;
}
