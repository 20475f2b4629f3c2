/**
 * Accounts: names, passwords, and who is called what.
 *
 * An account is known from the first entry that names it; until its creation has arrived it has no name. Accounts are
 * never deleted, so a name that was contested once stays contested. The name table is derived: `invariants` recomputes it.
 */
import { assert } from "../../base/assert.ts";
import type { Uid, UserName } from "../../base/ids.ts";
import type { BodyOf, Claim, Entry, Origin, Stamp } from "../../wire/entry.ts";
import type { RowOf } from "../../wire/state-row.ts";
import { claimOf, originOf, stampOf } from "./hybrid-time.ts";
import { type Claimed, earliest, latest } from "./joins.ts";
import { NameTable, sortKey, withSuffix } from "./name-table.ts";

interface Creation extends Claimed {
  readonly name: UserName;
}

interface Password extends Claimed {
  readonly hash: string;
}

interface AccountRow {
  creation: Creation | undefined;
  password: Password;
}

const NO_PASSWORD: Password = { claim: "" as Claim, hash: "" };
/** The name of an account that others refer to before its creation has arrived here. */
const UNKNOWN_NAME = "unknown" as UserName;

export class Users {
  readonly #rows = new Map<Uid, AccountRow>();
  readonly #names = new NameTable<Uid>((uid) => this.#rows.get(uid)?.creation?.claim ?? ("" as Claim));

  get size(): number {
    return this.#names.size;
  }

  has(uid: Uid): boolean {
    return this.#rows.get(uid)?.creation !== undefined;
  }

  /** Those under a bare name, the holder first; or who is meant by a name with its suffix. */
  find(typed: string): Uid[] {
    return this.#names.find(typed);
  }

  /** Whether the name, as it was chosen, is that of several accounts. */
  isContested(name: string): boolean {
    return this.#names.isContested(name);
  }

  /** What the account is called now: bare if it holds the name. */
  name(uid: Uid): UserName {
    const name = this.#rows.get(uid)?.creation?.name;
    return name === undefined ? withSuffix(UNKNOWN_NAME, uid) : this.#names.shown(name, uid);
  }

  /** As `name`, but with the suffix for every account of a contested name: nobody is taken for another in a list. */
  listedName(uid: Uid): UserName {
    const name = this.#rows.get(uid)?.creation?.name;
    if (name === undefined) return withSuffix(UNKNOWN_NAME, uid);
    return this.#names.isContested(name) ? withSuffix(name, uid) : name;
  }

  sortKey(uid: Uid): string {
    return sortKey(this.#rows.get(uid)?.creation?.name ?? UNKNOWN_NAME, uid);
  }

  passwordHash(uid: Uid): string | undefined {
    return this.#rows.get(uid)?.password.hash;
  }

  /** Of the present password: a session that was opened under another has ended. */
  passwordStamp(uid: Uid): Stamp | undefined {
    const claim = this.#rows.get(uid)?.password.claim;
    return claim && stampOf(claim);
  }

  /** Which run of which tracker gave the present password. */
  passwordOrigin(uid: Uid): Origin | undefined {
    const claim = this.#rows.get(uid)?.password.claim;
    return claim && originOf(claim);
  }

  /** @returns true if the account's place in lists has changed */
  create(entry: Entry, body: BodyOf<"account-created">): boolean {
    const claim = claimOf(entry.stamp, entry.key.origin);
    this.#joinPassword(body.uid, { claim, hash: body.passwordHash });
    return this.#joinCreation(body.uid, { claim, name: body.name });
  }

  changePassword(entry: Entry, body: BodyOf<"password-changed">): void {
    const claim = claimOf(body.stamp, entry.key.origin);
    this.#joinPassword(body.uid, { claim, hash: body.passwordHash });
  }

  /** @returns true if the account's place in lists has changed */
  merge({ uid, creation, password }: RowOf<"account">): boolean {
    this.#joinPassword(uid, password);
    return creation !== undefined && this.#joinCreation(uid, creation);
  }

  // --- rows ---

  rowOf(uid: Uid): RowOf<"account"> | undefined {
    const row = this.#rows.get(uid);
    if (row === undefined) return undefined;
    const { creation, password } = row;
    return creation === undefined
      ? { kind: "account", uid, password }
      : { kind: "account", uid, creation, password };
  }

  *rows(): Generator<RowOf<"account">> {
    for (const uid of this.#rows.keys()) {
      const row = this.rowOf(uid);
      if (row !== undefined) yield row;
    }
  }

  invariants(): void {
    this.#names.invariants();
    const expected = [...this.#rows].flatMap(([uid, { creation }]) =>
      creation === undefined ? [] : [sortKey(creation.name, uid)],
    );
    assert(expected.sort().join() === [...this.#names.above(undefined)].join(), "the name table is derived");
  }

  /** @returns true if the account's name has changed */
  #joinCreation(uid: Uid, creation: Creation): boolean {
    const row = this.#row(uid);
    const before = row.creation;
    row.creation = before === undefined ? creation : earliest(before, creation);
    if (row.creation.name === before?.name) return false;
    if (before !== undefined) this.#names.delete(before.name, uid);
    this.#names.add(row.creation.name, uid);
    return true;
  }

  #joinPassword(uid: Uid, password: Password): void {
    const row = this.#row(uid);
    row.password = latest(row.password, password);
  }

  #row(uid: Uid): AccountRow {
    let row = this.#rows.get(uid);
    if (row === undefined) {
      row = { creation: undefined, password: NO_PASSWORD };
      this.#rows.set(uid, row);
    }
    return row;
  }
}
