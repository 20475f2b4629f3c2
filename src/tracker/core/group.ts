/**
 * One group: its creation, its owners, its people and their standing.
 *
 * Entries arrive in any order: until its creation is there a group has no owner and nobody stands in it. Deletion is
 * final and leaves nothing but the fact. The line of owners, the standings and the two lists are derived: every change
 * that bears on them ends in `#refresh`, and `invariants` recomputes them.
 */
import { assert } from "../../base/assert.ts";
import type { Gid, GroupName, JoinId, Uid } from "../../base/ids.ts";
import type { AcceptId, BodyOf, Entry, EntryKey, RemovalId } from "../../wire/entry.ts";
import type { RowOf } from "../../wire/state-row.ts";
import { FewRows } from "./few-rows.ts";
import { claimOf, originOf } from "./hybrid-time.ts";
import { type Claimed, earliest, isLesserText } from "./joins.ts";
import {
  type Accept,
  addAccept,
  addRemoval,
  type Candidacy,
  closeRequest,
  type MemberStanding,
  newCandidacy,
  openRequest,
  standingOf,
} from "./membership.ts";
import { type OwnershipLine, ownershipLine, type Tenure, type Transfer } from "./ownership.ts";
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
  readonly uid: Uid;
  /** Derived, as is `listKey`: the place in the list of members or of requests. */
  standing: MemberStanding;
  listKey: string;
}

const NO_LINE: OwnershipLine = [];
const NO_REMOVALS: RemovalId[] = [];

export class Group {
  readonly gid: Gid;
  /** Sort keys of the members. */
  readonly members = new SortedKeys();
  /** Sort keys of those who wait for an answer. */
  readonly requests = new SortedKeys();
  readonly #users: Users;
  #creation: Creation | undefined;
  #deleted = false;
  #transfers = new FewRows<Transfer>(transferKey);
  #people = new FewRows<Person>(uidOf);
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
    return this.#line[0];
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

  closedCount(uid: Uid): number {
    return this.#people.get(uid)?.closed?.size ?? 0;
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
    return vectorOf([...this.#people].flatMap(({ open }) => [...open].flatMap(({ accepts }) => accepts)));
  }

  // --- what happens; each tells whose standing became another ---

  create(entry: Entry, { name, owner }: BodyOf<"group-created">): StandingChange[] {
    if (this.#deleted) return [];
    this.#joinCreation({ claim: claimOf(entry.stamp, entry.key.origin), name, owner });
    return this.#refreshAll();
  }

  delete(): StandingChange[] {
    this.#deleted = true;
    this.#creation = undefined;
    this.#transfers = new FewRows(transferKey);
    const changes = this.#refreshAll();
    this.#people = new FewRows(uidOf);
    return changes;
  }

  transfer({ key, stamp }: Entry, body: BodyOf<"owner-transferred">): StandingChange[] {
    if (this.#deleted) return [];
    const { epoch, from, to } = body;
    const vector = vectorOf(body.vector);
    this.#joinTransfer({ claim: claimOf(stamp, key.origin), seq: key.seq, epoch, from, to, vector });
    return this.#refreshAll();
  }

  request({ uid, joinId }: BodyOf<"join-requested">): StandingChange[] {
    return this.#change(uid, (person) => openRequest(person, joinId));
  }

  accept({ key }: Entry, body: BodyOf<"request-accepted">): StandingChange[] {
    const { uid, joinId, acceptId, by } = body;
    const { epoch } = body.ownership;
    const { removals } = body;
    const accept = { origin: key.origin, seq: key.seq, acceptId, epoch, by, removals };
    return this.#change(uid, (person) => addAccept(person, joinId, sparing(accept)));
  }

  close({ uid, joinId }: BodyOf<"request-closed">): StandingChange[] {
    return this.#change(uid, (person) => closeRequest(person, joinId));
  }

  remove({ uid, removalId, closes }: BodyOf<"member-removed">): StandingChange[] {
    return this.#change(uid, (person) => addRemoval(person, removalId, closes));
  }

  merge({ deleted, creation, transfers }: RowOf<"group">): StandingChange[] {
    if (this.#deleted) return [];
    if (deleted) return this.delete();
    if (creation !== undefined) this.#joinCreation(creation);
    for (const transfer of transfers) this.#joinTransfer({ ...transfer, vector: vectorOf(transfer.vector) });
    return this.#refreshAll();
  }

  mergePerson({ uid, open, closed, removals }: RowOf<"person">): StandingChange[] {
    return this.#change(uid, (person) => {
      for (const { joinId, accepts } of open) {
        openRequest(person, joinId);
        for (const accept of accepts) addAccept(person, joinId, sparing(accept));
      }
      for (const joinId of closed) closeRequest(person, joinId);
      for (const removalId of removals) addRemoval(person, removalId, []);
    });
  }

  /** The user's name has changed or become known: it stands elsewhere in the lists. */
  renamed(uid: Uid): void {
    const person = this.#people.get(uid);
    if (person !== undefined) this.#refresh(person);
  }

  // --- rows; the same whatever the order of arrival ---

  /** The group's own. @returns undefined while nothing is known but of its people */
  row(): RowOf<"group"> | undefined {
    const [creation, deleted] = [this.#creation, this.#deleted];
    if (creation === undefined && !deleted && this.#transfers.size === 0) return undefined;
    const transfers = Array.from(this.#transfers, transferRow);
    transfers.sort((left, right) =>
      left.claim === right.claim ? left.seq - right.seq : left.claim < right.claim ? -1 : 1,
    );
    const about = { kind: "group", gid: this.gid, deleted } as const;
    return creation === undefined ? { ...about, transfers } : { ...about, creation, transfers };
  }

  personRow(uid: Uid): RowOf<"person"> | undefined {
    const person = this.#people.get(uid);
    return person && personRow(this.gid, person);
  }

  *personRows(): Generator<RowOf<"person">> {
    for (const person of this.#people) yield personRow(this.gid, person);
  }

  // --- checking ---

  invariants(): void {
    assert(this.#line.length > 0 === (this.#creation !== undefined), "a group that is there has an owner");
    const listed = { member: [] as string[], requested: [] as string[], none: [] as string[] };
    for (const person of this.#people) {
      assert(person.standing === this.#standingOf(person), "standings are derived");
      listed[person.standing].push(this.#users.sortKey(person.uid));
    }
    assert(listed.member.sort().join() === [...this.members.from()].join(), "members are derived");
    assert(listed.requested.sort().join() === [...this.requests.from()].join(), "requests are derived");
  }

  // --- facts join ---

  #joinCreation(creation: Creation): void {
    this.#creation = this.#creation === undefined ? creation : earliest(this.#creation, creation);
  }

  #joinTransfer(transfer: Transfer): void {
    const held = this.#transfers.get(transferKey(transfer));
    if (held === undefined || isLesserText(transferRow(transfer), transferRow(held)))
      this.#transfers.put(transfer);
  }

  // --- people and what derives from them ---

  #change(uid: Uid, change: (person: Candidacy) => void): StandingChange[] {
    if (this.#deleted) return [];
    let person = this.#people.get(uid);
    if (person === undefined) {
      person = { uid, ...newCandidacy(), standing: "none", listKey: "" };
      this.#people.put(person);
    }
    change(person);
    return this.#refresh(person);
  }

  #refreshAll(): StandingChange[] {
    const creator = this.#creation?.owner;
    this.#line = creator === undefined ? NO_LINE : ownershipLine(creator, [...this.#transfers]);
    const changes: StandingChange[] = [];
    for (const person of this.#people) changes.push(...this.#refresh(person));
    return changes;
  }

  /** The only place where a standing and the lists that follow from it change. */
  #refresh(person: Person): StandingChange[] {
    const { uid, standing: before } = person;
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
    return this.#line.length === 0 ? "none" : standingOf(person, this.#line);
  }

  #listOf(standing: MemberStanding): SortedKeys | undefined {
    if (standing === "none") return undefined;
    return standing === "member" ? this.members : this.requests;
  }
}

/** Of the entry. */
function transferKey({ claim, seq }: Transfer): string {
  return `${originOf(claim)} ${seq}`;
}

function uidOf({ uid }: Person): Uid {
  return uid;
}

/** Mostly no removals were seen: then all accepts share one array. */
function sparing(accept: Accept): Accept {
  const { origin, seq, acceptId, epoch, by, removals } = accept;
  return { origin, seq, acceptId, epoch, by, removals: removals.length === 0 ? NO_REMOVALS : removals };
}

function transferRow({ claim, seq, epoch, from, to, vector }: Transfer): RowOf<"group">["transfers"][number] {
  return { claim, seq, epoch, from, to, vector: vectorKeys(vector) };
}

function personRow(gid: Gid, { uid, open, closed, removals }: Person): RowOf<"person"> {
  const requests = Array.from(open, ({ joinId, accepts }) => ({ joinId, accepts: accepts.toSorted(byKey) }));
  return {
    kind: "person",
    gid,
    uid,
    open: requests.sort((left, right) => (left.joinId < right.joinId ? -1 : 1)),
    closed: [...(closed ?? [])].sort(),
    removals: [...(removals ?? [])].sort(),
  };
}

function byKey(left: EntryKey, right: EntryKey): number {
  return left.origin === right.origin ? left.seq - right.seq : left.origin < right.origin ? -1 : 1;
}
