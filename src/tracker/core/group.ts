/**
 * One group: its creation, its owners, its people and their standing.
 *
 * Entries arrive in any order: until its creation is there a group has no owner and nobody stands in it. Deletion is
 * final and leaves nothing but the fact. The line of owners, the standings and the two lists are derived: every change
 * that bears on them ends in `#refresh`, and `invariants` recomputes them.
 */
import { assert } from "../../base/assert.ts";
import type { Gid, GroupName, JoinId, Uid } from "../../base/ids.ts";
import type { AcceptId, BodyOf, Entry, RemovalId } from "../../wire/entry.ts";
import { claimOf } from "./hybrid-time.ts";
import { type Claimed, earliest } from "./joins.ts";
import {
  addAccept,
  addRemoval,
  type Candidacy,
  closeRequest,
  type MemberStanding,
  newCandidacy,
  openRequest,
  standingOf,
} from "./membership.ts";
import { type OwnershipLine, ownershipLine, presentTenure, type Tenure, type Transfer } from "./ownership.ts";
import { SortedKeys } from "./sorted-keys.ts";
import type { Users } from "./users.ts";
import { type VersionVector, vectorKeys, vectorOf } from "./version-vector.ts";

/** Somebody's standing in a group became another. */
export interface StandingChange {
  readonly gid: Gid;
  readonly uid: Uid;
  readonly before: MemberStanding;
  readonly after: MemberStanding;
}

export interface Creation extends Claimed {
  readonly name: GroupName;
  readonly owner: Uid;
}

interface Person extends Candidacy {
  /** Derived, as is `listKey`: the place in the list of members or of requests. */
  standing: MemberStanding;
  listKey: string;
}

const NO_LINE: OwnershipLine = new Map();
const NO_REMOVALS: readonly RemovalId[] = [];

export class Group {
  readonly gid: Gid;
  /** Sort keys of the members. */
  readonly members = new SortedKeys();
  /** Sort keys of those who wait for an answer. */
  readonly requests = new SortedKeys();
  readonly #users: Users;
  #creation: Creation | undefined;
  #deleted = false;
  readonly #transfers = new Map<string, Transfer>();
  readonly #people = new Map<Uid, Person>();
  #line = NO_LINE;

  constructor(gid: Gid, users: Users) {
    this.gid = gid;
    this.#users = users;
  }

  // --- what is known ---

  /** Undefined before its entry has arrived and after the deletion. */
  get creation(): Creation | undefined {
    return this.#creation;
  }

  get isDeleted(): boolean {
    return this.#deleted;
  }

  get tenure(): Tenure | undefined {
    return presentTenure(this.#line);
  }

  get transferCount(): number {
    return this.#transfers.size;
  }

  standing(uid: Uid): MemberStanding {
    return this.#people.get(uid)?.standing ?? "none";
  }

  openRequests(uid: Uid): JoinId[] {
    return Array.from(this.#people.get(uid)?.open ?? [], ({ joinId }) => joinId).sort();
  }

  hasRequest(uid: Uid, joinId: JoinId): boolean {
    const person = this.#people.get(uid);
    return person?.open.get(joinId) !== undefined || person?.closed?.has(joinId) === true;
  }

  hasAccept(uid: Uid, acceptId: AcceptId): boolean {
    const requests = [...(this.#people.get(uid)?.open ?? [])];
    return requests.some(({ accepts }) => accepts.some((accept) => accept.acceptId === acceptId));
  }

  /** Whether a request of the user was ever closed here, in whatever way. */
  hasLeft(uid: Uid): boolean {
    const person = this.#people.get(uid);
    return (person?.closed?.size ?? 0) + (person?.removals?.size ?? 0) > 0;
  }

  removals(uid: Uid): RemovalId[] {
    return [...(this.#people.get(uid)?.removals ?? [])].sort();
  }

  /**
   * Covers every accept of an open request: what a transfer must have seen of the log, no more. An accept of the same
   * origin that is not known here has a greater sequence, as an origin's entries are applied in sequence.
   */
  acceptsVector(): VersionVector {
    return vectorOf(
      [...this.#people.values()].flatMap(({ open }) => [...open].flatMap(({ accepts }) => accepts)),
    );
  }

  // --- what happens; each tells whose standing became another ---

  create(entry: Entry, { name, owner }: BodyOf<"group-created">): StandingChange[] {
    if (this.#deleted) return [];
    const creation = { claim: claimOf(entry.stamp, entry.key.origin), name, owner };
    this.#creation = this.#creation === undefined ? creation : earliest(this.#creation, creation);
    return this.#refreshAll();
  }

  delete(): StandingChange[] {
    this.#deleted = true;
    this.#creation = undefined;
    this.#transfers.clear();
    const changes = this.#refreshAll();
    this.#people.clear();
    return changes;
  }

  transfer({ key, stamp }: Entry, body: BodyOf<"owner-transferred">): StandingChange[] {
    if (this.#deleted) return [];
    const { epoch, from, to } = body;
    const transfer = { epoch, claim: claimOf(stamp, key.origin), from, to, vector: vectorOf(body.vector) };
    this.#transfers.set(`${key.origin} ${key.seq}`, transfer);
    return this.#refreshAll();
  }

  request({ uid, joinId }: BodyOf<"join-requested">): StandingChange[] {
    return this.#change(uid, (person) => openRequest(person, joinId));
  }

  accept({ key }: Entry, body: BodyOf<"request-accepted">): StandingChange[] {
    const { uid, joinId, acceptId, by } = body;
    const { epoch } = body.ownership;
    // Mostly none: then all share one array.
    const removals = body.removals.length === 0 ? NO_REMOVALS : body.removals;
    const accept = { origin: key.origin, seq: key.seq, acceptId, epoch, by, removals };
    return this.#change(uid, (person) => addAccept(person, joinId, accept));
  }

  close({ uid, joinId }: BodyOf<"request-closed">): StandingChange[] {
    return this.#change(uid, (person) => closeRequest(person, joinId));
  }

  remove({ uid, removalId, closes }: BodyOf<"member-removed">): StandingChange[] {
    return this.#change(uid, (person) => addRemoval(person, removalId, closes));
  }

  /** The user's name has changed or become known: it stands elsewhere in the lists. */
  renamed(uid: Uid): void {
    const person = this.#people.get(uid);
    if (person !== undefined) this.#refresh(uid, person);
  }

  // --- comparing and checking ---

  /** One text for each fact, whatever the order of arrival. */
  *dump(): Generator<string> {
    yield JSON.stringify(["group", this.gid, this.#deleted, this.#creation]);
    for (const [key, { epoch, claim, from, to, vector }] of this.#transfers)
      yield JSON.stringify(["transfer", this.gid, key, epoch, claim, from, to, vectorKeys(vector)]);
    for (const [uid, person] of this.#people) yield dumpPerson(this.gid, uid, person);
  }

  invariants(): void {
    assert(this.#line.size > 0 === (this.#creation !== undefined), "a group that is there has an owner");
    const listed = { member: [] as string[], requested: [] as string[], none: [] as string[] };
    for (const [uid, person] of this.#people) {
      assert(person.standing === this.#standingOf(person), "standings are derived");
      listed[person.standing].push(this.#users.sortKey(uid));
    }
    assert(listed.member.sort().join() === [...this.members.from()].join(), "members are derived");
    assert(listed.requested.sort().join() === [...this.requests.from()].join(), "requests are derived");
  }

  // --- people and what derives from them ---

  #change(uid: Uid, change: (person: Candidacy) => void): StandingChange[] {
    if (this.#deleted) return [];
    let person = this.#people.get(uid);
    if (person === undefined) {
      person = { ...newCandidacy(), standing: "none", listKey: "" };
      this.#people.set(uid, person);
    }
    change(person);
    return this.#refresh(uid, person);
  }

  #refreshAll(): StandingChange[] {
    const creator = this.#creation?.owner;
    this.#line = creator === undefined ? NO_LINE : ownershipLine(creator, [...this.#transfers.values()]);
    return Array.from(this.#people, ([uid, person]) => this.#refresh(uid, person)).flat();
  }

  /** The only place where a standing and the lists that follow from it change. */
  #refresh(uid: Uid, person: Person): StandingChange[] {
    const before = person.standing;
    const after = this.#standingOf(person);
    const listKey = this.#users.sortKey(uid);
    if (after === before && listKey === person.listKey) return [];
    this.#listOf(before)?.delete(person.listKey);
    this.#listOf(after)?.add(listKey);
    person.standing = after;
    person.listKey = listKey;
    return after === before ? [] : [{ gid: this.gid, uid, before, after }];
  }

  #standingOf(person: Person): MemberStanding {
    return this.#line.size === 0 ? "none" : standingOf(person, this.#line);
  }

  #listOf(standing: MemberStanding): SortedKeys | undefined {
    if (standing === "none") return undefined;
    return standing === "member" ? this.members : this.requests;
  }
}

function dumpPerson(gid: Gid, uid: Uid, { open, closed, removals }: Candidacy): string {
  const requests = Array.from(open, ({ joinId, accepts }) => [
    joinId,
    ...accepts.map((accept) => JSON.stringify(accept)).sort(),
  ]);
  const [closedIds, removalIds] = [closed ?? [], removals ?? []].map((ids) => [...ids].sort());
  return JSON.stringify(["person", gid, uid, requests.sort(), closedIds, removalIds]);
}
