/**
 * Names and who is called by them, where two trackers may have given one name twice. Pure.
 *
 * Of all ids under one name the least claim holds it; each other is called `name~xxxxx`, 5 base32 characters of its
 * id. Both are derived whenever asked for, so that a claim which arrives late changes nothing but the answer. Two names
 * are one if their `nameKey` is. The table is also the order of lists: by name key, then id.
 */
import { nameKey } from "../../base/ids.ts";
import type { Claim } from "../../wire/entry.ts";
import { SortedKeys } from "./sorted-keys.ts";

/** Lower than every character that a name may hold, so that keys sort by name first. */
const SEPARATOR = "\n";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** The place of `id` in a list by name. */
export function sortKey(name: string, id: string): string {
  return `${nameKey(name)}${SEPARATOR}${id}`;
}

export function idOfSortKey<Id extends string>(key: string): Id {
  return key.slice(key.lastIndexOf(SEPARATOR) + 1) as Id;
}

/** The name key in a sort key. */
export function nameKeyOfSortKey(key: string): string {
  return key.slice(0, key.lastIndexOf(SEPARATOR));
}

/** The first 25 bits of a hex id. */
export function suffixOf(id: string): string {
  const bits = Number.parseInt(id.slice(0, 7), 16) >>> 3;
  return [20, 15, 10, 5, 0].map((shift) => BASE32[(bits >>> shift) & 31]).join("");
}

export function withSuffix<Name extends string>(name: Name, id: string): Name {
  return `${name}~${suffixOf(id)}` as Name;
}

export class NameTable<Id extends string> {
  readonly #keys = new SortedKeys();
  readonly #claimOf: (id: Id) => Claim;

  /** @param claimOf the present claim of an id in the table */
  constructor(claimOf: (id: Id) => Claim) {
    this.#claimOf = claimOf;
  }

  get size(): number {
    return this.#keys.size;
  }

  add(name: string, id: Id): void {
    this.#keys.add(sortKey(name, id));
  }

  delete(name: string, id: Id): void {
    this.#keys.delete(sortKey(name, id));
  }

  /** Those under this very name, the holder first. */
  named(name: string): Id[] {
    const ids = Array.from(this.#keys.startingWith(sortKey(name, "")), (key) => idOfSortKey<Id>(key));
    return ids.length < 2 ? ids : ids.sort((left, right) => this.#compareClaims(left, right));
  }

  isContested(name: string): boolean {
    return this.named(name).length > 1;
  }

  /** What is meant by a typed name, bare or with a suffix; the holder first. Several under a suffix: it is ambiguous. */
  find(typed: string): Id[] {
    const exact = this.named(typed);
    if (exact.length > 0) return exact;
    const parts = /^(.+)~([a-z2-7]{5})$/u.exec(typed);
    if (parts === null) return [];
    return this.named(parts[1] ?? "").filter((id) => suffixOf(id) === parts[2]);
  }

  /** What `id` is called: bare if it holds the name. */
  shown<Name extends string>(name: Name, id: Id): Name {
    return this.named(name)[0] === id ? name : withSuffix(name, id);
  }

  /** Sort keys above `after`. */
  above(after: string | undefined): Generator<string> {
    return this.#keys.above(after);
  }

  invariants(): void {
    this.#keys.invariants();
  }

  /** Equal claims, which only a wrong tracker makes, leave the order of ids. */
  #compareClaims(left: Id, right: Id): number {
    const leftClaim = this.#claimOf(left);
    const rightClaim = this.#claimOf(right);
    return leftClaim < rightClaim ? -1 : leftClaim > rightClaim ? 1 : 0;
  }
}
