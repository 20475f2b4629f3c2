/**
 * Accounts: names, passwords, and who is called what.
 *
 * An account is known from the first entry that names it; until its creation has arrived it has no name. Accounts are
 * never deleted, so a name that was contested once stays contested. The name table is derived: `invariants` recomputes it.
 *
 * Few of all users come back on any day, so that accounts are *unread* after a start: of each no more than the name is
 * kept, the rest stays in the store, as nothing has changed it, until somebody asks for it. Reading can fail; it then
 * changes nothing.
 */
import { assert } from "../../base/assert.ts";
import type { Uid, UserName } from "../../base/ids.ts";
import type { BodyOf, Claim, Entry, Origin, Stamp } from "../../wire/entry.ts";
import type { RowOf } from "../../wire/state-row.ts";
import { claimOf, originOf, stampOf } from "./hybrid-time.ts";
import { type Claimed, earliest, latest } from "./joins.ts";
import { NameTable, sortKey, UnorderedNames, withSuffix } from "./name-table.ts";

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

/** What is known of an account that is unread; no name if its creation has not arrived yet. */
export interface AccountName {
  readonly uid: Uid;
  readonly name: UserName | undefined;
}

/** The rows as they were at the start, of one account or of all. */
export type StoredAccounts = (uid?: Uid) => Iterable<RowOf<"account">>;

export class Users {
  /** Of an account that is unread, its name. */
  readonly #rows = new Map<Uid, AccountRow | UserName>();
  readonly #names = new NameTable<Uid, UnorderedNames<Uid>>(
    new UnorderedNames(),
    (uid) => this.#held(uid)?.creation?.claim ?? ("" as Claim),
  );
  #stored: StoredAccounts = () => [];

  get size(): number {
    return this.#names.size;
  }

  has(uid: Uid): boolean {
    return this.#chosenName(uid) !== undefined;
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
    const name = this.#chosenName(uid);
    return name === undefined ? withSuffix(UNKNOWN_NAME, uid) : this.#names.shown(name, uid);
  }

  /** As `name`, but with the suffix for every account of a contested name: nobody is taken for another in a list. */
  listedName(uid: Uid): UserName {
    const name = this.#chosenName(uid);
    if (name === undefined) return withSuffix(UNKNOWN_NAME, uid);
    return this.#names.isContested(name) ? withSuffix(name, uid) : name;
  }

  sortKey(uid: Uid): string {
    return sortKey(this.#chosenName(uid) ?? UNKNOWN_NAME, uid);
  }

  passwordHash(uid: Uid): string | undefined {
    return this.#held(uid)?.password.hash;
  }

  /** Of the present password: a session that was opened under another has ended. */
  passwordStamp(uid: Uid): Stamp | undefined {
    const claim = this.#held(uid)?.password.claim;
    return claim && stampOf(claim);
  }

  /** Which run of which tracker gave the present password. */
  passwordOrigin(uid: Uid): Origin | undefined {
    const claim = this.#held(uid)?.password.claim;
    return claim && originOf(claim);
  }

  /** At start, before any other account comes. */
  leaveUnread(names: Iterable<AccountName>, stored: StoredAccounts): void {
    this.#stored = stored;
    for (const { uid, name } of names) {
      if (name === undefined) for (const row of stored(uid)) this.merge(row);
      else {
        this.#rows.set(uid, name);
        this.#names.add(name, uid);
      }
    }
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
    const row = this.#held(uid);
    if (row === undefined) return undefined;
    const { creation, password } = row;
    return creation === undefined
      ? { kind: "account", uid, password }
      : { kind: "account", uid, creation, password };
  }

  /** What is unread stays so. */
  *rows(): Generator<RowOf<"account">> {
    for (const row of this.#stored()) if (this.#isUnread(row.uid)) yield row;
    for (const uid of this.#rows.keys()) {
      const row = this.#isUnread(uid) ? undefined : this.rowOf(uid);
      if (row !== undefined) yield row;
    }
  }

  invariants(): void {
    const named = [...this.#rows.keys()].filter((uid) => this.has(uid));
    assert(this.size === named.length, "the name table has every account once");
    for (const uid of named) {
      const name = this.#held(uid)?.creation?.name;
      assert(name !== undefined && this.#names.named(name).includes(uid), "the name table is derived");
    }
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

  #isUnread(uid: Uid): boolean {
    return typeof this.#rows.get(uid) === "string";
  }

  #chosenName(uid: Uid): UserName | undefined {
    const row = this.#rows.get(uid);
    return typeof row === "string" ? row : row?.creation?.name;
  }

  /** Reads what is unread. */
  #held(uid: Uid): AccountRow | undefined {
    const held = this.#rows.get(uid);
    if (typeof held !== "string") return held;
    const [stored] = this.#stored(uid);
    assert(stored !== undefined, "an unread account is in the store");
    const { creation, password } = stored;
    const row = { creation, password };
    this.#rows.set(uid, row);
    return row;
  }

  #row(uid: Uid): AccountRow {
    let row = this.#held(uid);
    if (row === undefined) {
      row = { creation: undefined, password: NO_PASSWORD };
      this.#rows.set(uid, row);
    }
    return row;
  }
}
