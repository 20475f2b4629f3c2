/**
 * Accounts: names, passwords, and who is called what.
 *
 * An account is known from the first entry that names it; until its creation has arrived it has no name. Accounts are
 * never deleted, so a name that was contested once stays contested. The name table is derived: `invariants` recomputes it.
 */
import { assert } from "../../base/assert.ts";
import type { Uid, UserName } from "../../base/ids.ts";
import type { BodyOf, Entry, Origin, Stamp } from "../../wire/entry.ts";
import { type Claim, claimOf, originOf, stampOf } from "./hybrid-time.ts";
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
    const row = this.#row(body.uid);
    const before = row.creation;
    const claim = claimOf(entry.stamp, entry.key.origin);
    row.password = latest(row.password, { claim, hash: body.passwordHash });
    const creation = { claim, name: body.name };
    row.creation = before === undefined ? creation : earliest(before, creation);
    if (row.creation.name === before?.name) return false;
    if (before !== undefined) this.#names.delete(before.name, body.uid);
    this.#names.add(row.creation.name, body.uid);
    return true;
  }

  changePassword(entry: Entry, body: BodyOf<"password-changed">): void {
    const row = this.#row(body.uid);
    const claim = claimOf(body.stamp, entry.key.origin);
    row.password = latest(row.password, { claim, hash: body.passwordHash });
  }

  /** One text for each row, whatever the order of arrival. */
  *dump(): Generator<string> {
    for (const [uid, row] of this.#rows) yield JSON.stringify(["account", uid, row.creation, row.password]);
  }

  invariants(): void {
    this.#names.invariants();
    const expected = [...this.#rows].flatMap(([uid, { creation }]) =>
      creation === undefined ? [] : [sortKey(creation.name, uid)],
    );
    assert(expected.sort().join() === [...this.#names.above(undefined)].join(), "the name table is derived");
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
