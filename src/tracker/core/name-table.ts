/**
 * Names and who is called by them, where two trackers may have given one name twice. Pure.
 *
 * Of all ids under one name the least claim holds it; each other is called `name~xxxxx`, 5 base32 characters of its
 * id. Both are derived whenever asked for, so that a claim which arrives late changes nothing but the answer. Two names
 * are one if their `nameKey` is. Which ids are under a name key is kept by an index: in order where there are lists by
 * name (name key, then id), else in a hash table, which costs a fraction of the time.
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

interface NameIndex<Id> {
  readonly size: number;
  add(name: string, id: Id): void;
  delete(name: string, id: Id): void;
  /** In order of id. */
  ids(name: string): Id[];
}

export class OrderedNames<Id extends string> implements NameIndex<Id> {
  readonly #keys = new SortedKeys();

  get size(): number {
    return this.#keys.size;
  }

  add(name: string, id: Id): void {
    this.#keys.add(sortKey(name, id));
  }

  delete(name: string, id: Id): void {
    this.#keys.delete(sortKey(name, id));
  }

  ids(name: string): Id[] {
    return this.#keys.startingWith(sortKey(name, "")).map((key) => idOfSortKey<Id>(key));
  }

  /** Sort keys above `after`. */
  above(after: string | undefined): Generator<string> {
    return this.#keys.above(after);
  }

  invariants(): void {
    this.#keys.invariants();
  }
}

export class UnorderedNames<Id extends string> implements NameIndex<Id> {
  /** An array only where there are several. */
  readonly #ids = new Map<string, Id | Id[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(name: string, id: Id): void {
    const key = nameKey(name);
    const held = this.#ids.get(key);
    if (held === undefined) this.#ids.set(key, id);
    else if (several(held).includes(id)) return;
    else this.#ids.set(key, [...several(held), id]);
    this.#size++;
  }

  delete(name: string, id: Id): void {
    const key = nameKey(name);
    const held = several(this.#ids.get(key));
    const left = held.filter((other) => other !== id);
    const [first] = left;
    if (first === undefined) this.#ids.delete(key);
    else this.#ids.set(key, left.length === 1 ? first : left);
    this.#size -= held.length - left.length;
  }

  ids(name: string): Id[] {
    return several(this.#ids.get(nameKey(name))).toSorted();
  }
}

function several<Id extends string>(held: Id | readonly Id[] | undefined): readonly Id[] {
  if (held === undefined) return [];
  return typeof held === "string" ? [held] : held;
}

export class NameTable<Id extends string, Index extends NameIndex<Id> = OrderedNames<Id>> {
  readonly index: Index;
  readonly #claimOf: (id: Id) => Claim;

  /** @param claimOf the present claim of an id in the table */
  constructor(index: Index, claimOf: (id: Id) => Claim) {
    this.index = index;
    this.#claimOf = claimOf;
  }

  get size(): number {
    return this.index.size;
  }

  add(name: string, id: Id): void {
    this.index.add(name, id);
  }

  delete(name: string, id: Id): void {
    this.index.delete(name, id);
  }

  /** Those under this very name, the holder first. */
  named(name: string): Id[] {
    const ids = this.index.ids(name);
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

  /** Equal claims, which only a wrong tracker makes, leave the order of ids. */
  #compareClaims(left: Id, right: Id): number {
    const leftClaim = this.#claimOf(left);
    const rightClaim = this.#claimOf(right);
    return leftClaim < rightClaim ? -1 : leftClaim > rightClaim ? 1 : 0;
  }
}
