import { beforeEach, describe, expect, test } from "bun:test";
import type { Uid } from "../../base/ids.ts";
import type { Claim } from "../../wire/entry.ts";
import {
  idOfSortKey,
  NameTable,
  nameKeyOfSortKey,
  OrderedNames,
  sortKey,
  suffixOf,
  UnorderedNames,
  withSuffix,
} from "./name-table.ts";

const one = "00000000000000000000000000000001" as Uid;
const two = "80000000000000000000000000000002" as Uid;
const three = "ffffffff000000000000000000000003" as Uid;

describe("suffixes", () => {
  test("are the first 25 bits of the id in base32", () => {
    expect(suffixOf(one)).toBe("aaaaa");
    expect(suffixOf(two)).toBe("qaaaa");
    expect(suffixOf(three)).toBe("77777");
    expect(suffixOf("08421080000000000000000000000000")).toBe("bbbbb");
    expect(withSuffix<string>("bob", three)).toBe("bob~77777");
  });
});

describe("sort keys", () => {
  test("order by name key, then id; a name that begins another comes first", () => {
    const rising = [sortKey("lab", two), sortKey("lab 2", one), sortKey("labs", one)];
    expect([...rising].reverse().sort()).toEqual(rising);
    expect(sortKey("LAB", one)).toBe(sortKey("lab", one));
    expect(idOfSortKey<Uid>(sortKey("lab", two))).toBe(two);
    expect(nameKeyOfSortKey(sortKey("Lab", two))).toBe("lab");
  });
});

describe.each([
  ["ordered", () => new OrderedNames<Uid>()],
  ["unordered", () => new UnorderedNames<Uid>()],
] as const)("name table, %s", (_, makeIndex) => {
  let claims: Map<Uid, Claim>;
  let table: NameTable<Uid, ReturnType<typeof makeIndex>>;
  beforeEach(() => {
    claims = new Map([
      [one, "2" as Claim],
      [two, "1" as Claim],
      [three, "3" as Claim],
    ]);
    table = new NameTable(makeIndex(), (uid) => claims.get(uid) ?? ("" as Claim));
  });

  test("a name alone is shown bare, in whatever case it is asked for", () => {
    table.add("Bob", one);
    expect(table.shown<string>("Bob", one)).toBe("Bob");
    expect(table.find("BOB")).toEqual([one]);
    expect(table.isContested("bob")).toBe(false);
  });

  test("the least claim holds the name, the others get a suffix", () => {
    for (const uid of [one, two, three]) table.add("bob", uid);
    expect(table.named("bob")).toEqual([two, one, three]);
    expect(table.isContested("bob")).toBe(true);
    expect(table.shown<string>("bob", two)).toBe("bob");
    expect(table.shown<string>("bob", three)).toBe("bob~77777");
  });

  test("a claim that turns out earlier takes the name over", () => {
    table.add("bob", one);
    table.add("bob", two);
    claims.set(one, "0" as Claim);
    expect(table.named("bob")[0]).toBe(one);
  });

  test("equal claims, which only a wrong tracker makes, are ordered by id", () => {
    claims.set(one, "1" as Claim);
    for (const uid of [two, one]) table.add("bob", uid);
    expect(table.named("bob")).toEqual([one, two]);
    const turned = new NameTable<Uid, ReturnType<typeof makeIndex>>(makeIndex(), () => "1" as Claim);
    for (const uid of [one, three]) turned.add("bob", uid);
    expect(turned.named("bob")).toEqual([one, three]);
  });

  test("a suffixed name means that id, also the holder", () => {
    table.add("bob", one);
    table.add("bob", two);
    expect(table.find("bob~qaaaa")).toEqual([two]);
    expect(table.find("BOB~aaaaa")).toEqual([one]);
    expect(table.find("bob~bbbbb")).toEqual([]);
    expect(table.find("bob~")).toEqual([]);
    expect(table.find("alice")).toEqual([]);
  });

  test("ids of one suffix are all found, so that nobody is taken for another", () => {
    const twin = "00000000000000000000000000000009" as Uid;
    table.add("bob", one);
    table.add("bob", twin);
    expect(table.find("bob~aaaaa").length).toBe(2);
  });

  test("a name that itself looks suffixed is found as it stands", () => {
    table.add("notes~abcde", one);
    expect(table.find("notes~abcde")).toEqual([one]);
  });

  test("a deleted name is free", () => {
    table.add("bob", two);
    table.add("bob", one);
    table.delete("bob", two);
    expect(table.shown<string>("bob", one)).toBe("bob");
    expect(table.size).toBe(1);
    for (const uid of [one, one, two]) table.add("bob", uid);
    expect(table.size).toBe(2);
    for (const uid of [one, one, two, three]) table.delete("bob", uid);
    expect([table.size, table.find("bob")]).toEqual([0, []]);
  });
});
