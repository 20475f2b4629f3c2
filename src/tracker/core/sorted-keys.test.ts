import { describe, expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { SortedKeys } from "./sorted-keys.ts";

function filled(keys: readonly string[]): SortedKeys {
  const sorted = new SortedKeys();
  for (const key of keys) sorted.add(key);
  return sorted;
}

describe("sorted keys", () => {
  test("an empty set gives nothing", () => {
    const keys = new SortedKeys();
    expect([...keys.from()]).toEqual([]);
    expect([...keys.above("a")]).toEqual([]);
    expect(keys.delete("a")).toBe(false);
    expect(keys.has("a")).toBe(false);
  });

  test("a key is there once", () => {
    const keys = filled(["b"]);
    expect(keys.add("b")).toBe(false);
    expect(keys.size).toBe(1);
    expect(keys.delete("b")).toBe(true);
    expect(keys.delete("b")).toBe(false);
    expect(keys.size).toBe(0);
  });

  test("a walk begins at or above any text, there or not", () => {
    const keys = filled(["a", "c", "e"]);
    expect([...keys.from("c")]).toEqual(["c", "e"]);
    expect([...keys.from("b")]).toEqual(["c", "e"]);
    expect([...keys.above("c")]).toEqual(["e"]);
    expect([...keys.above("f")]).toEqual([]);
    expect([...keys.above(undefined)]).toEqual(["a", "c", "e"]);
  });

  test("keys with one beginning are neighbours", () => {
    expect(filled(["ab", "b", "ba", "bb", "c"]).startingWith("b")).toEqual(["b", "ba", "bb"]);
  });

  test("it equals a sorted set through thousands of random changes", () => {
    const random = new Prng(7);
    const keys = new SortedKeys();
    const model = new Set<string>();
    for (let step = 0; step < 20_000; step++) {
      const key = String(random.below(5_000));
      // Grows, then shrinks: chunks split and vanish.
      if (random.below(10) < (step < 12_000 ? 8 : 2))
        expect(keys.add(key)).toBe(!model.has(key) && !!model.add(key));
      else expect(keys.delete(key)).toBe(model.delete(key));
      if (step % 2_000 === 0) keys.invariants();
    }
    const expected = [...model].sort();
    keys.invariants();
    expect([...keys.from()]).toEqual(expected);
    expect(keys.size).toBe(model.size);
    for (const after of ["", "3", "2500", expected[100] as string])
      expect([...keys.above(after)]).toEqual(expected.filter((key) => key > after));
    for (const key of expected) keys.delete(key);
    keys.invariants();
    expect(keys.size).toBe(0);
  });
});
