/**
 * All groups, by id and by name, and the groups of each user.
 *
 * What one group is made of is in `group.ts`. The indexes across groups are derived: every change of a group goes
 * through `#change`, which lets them follow, and `invariants` recomputes them.
 */
import { assert } from "../../base/assert.ts";
import type { Gid, GroupName, JoinId, Uid } from "../../base/ids.ts";
import type { AcceptId, BodyOf, Claim, Entry, RemovalId } from "../../wire/entry.ts";
import type { RowOf } from "../../wire/state-row.ts";
import { FewRows } from "./few-rows.ts";
import { Group, type StandingChange } from "./group.ts";
import type { MemberStanding } from "./membership.ts";
import { NameTable, OrderedNames } from "./name-table.ts";
import type { Tenure } from "./ownership.ts";
import type { Users } from "./users.ts";
import { type VersionVector, vectorOf } from "./version-vector.ts";

export type { StandingChange };

export class Groups {
  readonly #users: Users;
  /** Each group that an entry has named. */
  readonly #groups = new Map<Gid, Group>();
  /** Of the groups that are there: created, not deleted. */
  readonly #names = new NameTable<Gid>(
    new OrderedNames(),
    (gid) => this.#groups.get(gid)?.creation?.claim ?? ("" as Claim),
  );
  /** Where somebody is a member or waits to be. */
  readonly #ofUser = new Map<Uid, FewRows<Group>>();
  readonly #ownedBy = new Map<Uid, FewRows<Group>>();

  constructor(users: Users) {
    this.#users = users;
  }

  // --- what is known ---

  /** Of the groups that are there. */
  get size(): number {
    return this.#names.size;
  }

  /** Created here or elsewhere, deleted or not. */
  isKnown(gid: Gid): boolean {
    return this.#groups.get(gid)?.creation !== undefined || this.isDeleted(gid);
  }

  isDeleted(gid: Gid): boolean {
    return this.#groups.get(gid)?.isDeleted === true;
  }

  /** Those under a bare name, the holder first; or which is meant by a name with its suffix. */
  find(typed: string): Gid[] {
    return this.#names.find(typed);
  }

  /** @returns undefined unless the group is there */
  name(gid: Gid): GroupName | undefined {
    const creation = this.#groups.get(gid)?.creation;
    return creation && this.#names.shown(creation.name, gid);
  }

  /** Sort keys of all groups above `after`. */
  above(after: string | undefined): Generator<string> {
    return this.#names.index.above(after);
  }

  tenure(gid: Gid): Tenure | undefined {
    return this.#groups.get(gid)?.tenure;
  }

  owner(gid: Gid): Uid | undefined {
    return this.tenure(gid)?.owner;
  }

  transferCount(gid: Gid): number {
    return this.#groups.get(gid)?.transferCount ?? 0;
  }

  standing(gid: Gid, uid: Uid): MemberStanding {
    return this.#groups.get(gid)?.standing(uid) ?? "none";
  }

  isMember(gid: Gid, uid: Uid): boolean {
    return this.standing(gid, uid) === "member";
  }

  memberCount(gid: Gid): number {
    return this.#groups.get(gid)?.members.size ?? 0;
  }

  /** Sort keys of the members above `after`. */
  members(gid: Gid, after?: string): Iterable<string> {
    return this.#groups.get(gid)?.members.above(after) ?? [];
  }

  /** Sort keys above `after` of those who wait for an answer. */
  requests(gid: Gid, after?: string): Iterable<string> {
    return this.#groups.get(gid)?.requests.above(after) ?? [];
  }

  /** The groups in which the user has this standing. */
  *ofUser(uid: Uid, standing: "member" | "requested"): Generator<Gid> {
    for (const group of this.#ofUser.get(uid) ?? []) if (group.standing(uid) === standing) yield group.gid;
  }

  ownedCount(uid: Uid): number {
    return this.#ownedBy.get(uid)?.size ?? 0;
  }

  openRequests(gid: Gid, uid: Uid): JoinId[] {
    return this.#groups.get(gid)?.openRequests(uid) ?? [];
  }

  hasRequest(gid: Gid, uid: Uid, joinId: JoinId): boolean {
    return this.#groups.get(gid)?.hasRequest(uid, joinId) ?? false;
  }

  /** Of the requests of this user that were closed. */
  closedCount(gid: Gid, uid: Uid): number {
    return this.#groups.get(gid)?.closedCount(uid) ?? 0;
  }

  hasAccept(gid: Gid, uid: Uid, acceptId: AcceptId): boolean {
    return this.#groups.get(gid)?.hasAccept(uid, acceptId) ?? false;
  }

  /** Whether the user has left, or was removed or rejected, at some time; of a deleted group nothing is known. */
  hasLeft(gid: Gid, uid: Uid): boolean {
    return this.#groups.get(gid)?.hasLeft(uid) ?? false;
  }

  removals(gid: Gid, uid: Uid): RemovalId[] {
    return this.#groups.get(gid)?.removals(uid) ?? [];
  }

  acceptsVector(gid: Gid): VersionVector {
    return this.#groups.get(gid)?.acceptsVector() ?? vectorOf([]);
  }

  // --- what happens; each tells whose standing became another ---

  create(entry: Entry, body: BodyOf<"group-created">): StandingChange[] {
    return this.#change(body.gid, (group) => group.create(entry, body));
  }

  delete({ gid }: BodyOf<"group-deleted">): StandingChange[] {
    return this.#change(gid, (group) => group.delete());
  }

  transfer(entry: Entry, body: BodyOf<"owner-transferred">): StandingChange[] {
    return this.#change(body.gid, (group) => group.transfer(entry, body));
  }

  request(body: BodyOf<"join-requested">): StandingChange[] {
    return this.#change(body.gid, (group) => group.request(body));
  }

  accept(entry: Entry, body: BodyOf<"request-accepted">): StandingChange[] {
    return this.#change(body.gid, (group) => group.accept(entry, body));
  }

  close(body: BodyOf<"request-closed">): StandingChange[] {
    return this.#change(body.gid, (group) => group.close(body));
  }

  remove(body: BodyOf<"member-removed">): StandingChange[] {
    return this.#change(body.gid, (group) => group.remove(body));
  }

  merge(row: RowOf<"group">): StandingChange[] {
    return this.#change(row.gid, (group) => group.merge(row));
  }

  mergePerson(row: RowOf<"person">): StandingChange[] {
    return this.#change(row.gid, (group) => group.mergePerson(row));
  }

  /** The user's name has changed or become known: it stands elsewhere in lists. */
  renamed(uid: Uid): void {
    for (const group of this.#ofUser.get(uid) ?? []) group.renamed(uid);
  }

  // --- rows ---

  rowOf(gid: Gid): RowOf<"group"> | undefined {
    return this.#groups.get(gid)?.row();
  }

  personRowOf(gid: Gid, uid: Uid): RowOf<"person"> | undefined {
    return this.#groups.get(gid)?.personRow(uid);
  }

  *rows(): Generator<RowOf<"group" | "person">> {
    for (const group of this.#groups.values()) {
      const row = group.row();
      if (row !== undefined) yield row;
      yield* group.personRows();
    }
  }

  // --- checking ---

  invariants(): void {
    this.#names.index.invariants();
    const [owned, stands, names] = [new Set<string>(), new Set<string>(), new Set<string>()];
    for (const [gid, group] of this.#groups) {
      group.invariants();
      if (group.tenure !== undefined) owned.add(`${group.tenure.owner} ${gid}`);
      if (group.creation !== undefined) names.add(gid);
      for (const key of [...group.members.from(), ...group.requests.from()])
        stands.add(`${key.slice(key.indexOf("\n") + 1)} ${gid}`);
    }
    assert(sameSet(pairsOf(this.#ownedBy), owned), "groups by owner are derived");
    assert(sameSet(pairsOf(this.#ofUser), stands), "groups by user are derived");
    const named = [...this.above(undefined)].map((key) => key.slice(key.indexOf("\n") + 1));
    assert(sameSet(named, names), "groups by name are derived");
  }

  /** The only place where a group changes: the indexes follow. */
  #change(gid: Gid, change: (group: Group) => StandingChange[]): StandingChange[] {
    let group = this.#groups.get(gid);
    if (group === undefined) {
      group = new Group(gid, this.#users);
      this.#groups.set(gid, group);
    }
    const [name, owner] = [group.creation?.name, group.tenure?.owner];
    const changes = change(group);
    this.#followName(group, name);
    this.#followOwner(group, owner);
    for (const { uid, before, after } of changes) {
      if (after === "none") removeFrom(this.#ofUser, uid, group);
      else if (before === "none") addTo(this.#ofUser, uid, group);
    }
    return changes;
  }

  #followName(group: Group, before: GroupName | undefined): void {
    const after = group.creation?.name;
    if (before === after) return;
    if (before !== undefined) this.#names.delete(before, group.gid);
    if (after !== undefined) this.#names.add(after, group.gid);
  }

  #followOwner(group: Group, before: Uid | undefined): void {
    const after = group.tenure?.owner;
    if (before === after) return;
    if (before !== undefined) removeFrom(this.#ownedBy, before, group);
    if (after !== undefined) addTo(this.#ownedBy, after, group);
  }
}

function addTo(index: Map<Uid, FewRows<Group>>, uid: Uid, group: Group): void {
  const groups = index.get(uid) ?? new FewRows<Group>(gidOf);
  groups.put(group);
  index.set(uid, groups);
}

function removeFrom(index: Map<Uid, FewRows<Group>>, uid: Uid, group: Group): void {
  const groups = index.get(uid);
  groups?.delete(group.gid);
  if (groups?.size === 0) index.delete(uid);
}

function gidOf({ gid }: Group): Gid {
  return gid;
}

function pairsOf(index: ReadonlyMap<Uid, FewRows<Group>>): string[] {
  return [...index].flatMap(([uid, groups]) => [...groups].map(({ gid }) => `${uid} ${gid}`));
}

function sameSet(left: readonly string[], right: ReadonlySet<string>): boolean {
  return left.length === right.size && left.every((each) => right.has(each));
}
