import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { EntryKey, Origin } from "../../wire/entry.ts";
import { covers, joinVectors, meetVectors, vectorKeys, vectorOf } from "./version-vector.ts";

const origins = ["1-000000000000000a", "2-000000000000000b", "3-000000000000000c"] as Origin[];
const key = fc.record({ origin: fc.constantFrom(...origins), seq: fc.integer({ min: 1, max: 5 }) });
const vector = fc.array(key, { maxLength: 6 }).map(vectorOf);
const text = (of: ReadonlyMap<Origin, number>) => JSON.stringify(vectorKeys(of));

describe("version vectors", () => {
  test("cover what came up to the sequence, of that origin alone", () => {
    const [one, two] = origins as [Origin, Origin];
    const seen = vectorOf([
      { origin: one, seq: 2 },
      { origin: one, seq: 1 },
    ]);
    expect([1, 2, 3].map((seq) => covers(seen, { origin: one, seq }))).toEqual([true, true, false]);
    expect(covers(seen, { origin: two, seq: 1 })).toBe(false);
  });

  test("have one text", () => {
    const keys: EntryKey[] = [
      { origin: origins[1] as Origin, seq: 1 },
      { origin: origins[0] as Origin, seq: 4 },
    ];
    expect(text(vectorOf(keys))).toBe(text(vectorOf([...keys].reverse())));
  });

  for (const [name, combine] of [
    ["join", joinVectors],
    ["meet", meetVectors],
  ] as const) {
    test(`${name} commutes, associates, repeats`, () => {
      fc.assert(
        fc.property(vector, vector, vector, (a, b, c) => {
          expect(text(combine(a, b))).toBe(text(combine(b, a)));
          expect(text(combine(a, combine(b, c)))).toBe(text(combine(combine(a, b), c)));
          expect(text(combine(a, a))).toBe(text(a));
        }),
      );
    });
  }

  test("a join covers what either covers, a meet what both do", () => {
    fc.assert(
      fc.property(vector, vector, key, (a, b, k) => {
        expect(covers(joinVectors(a, b), k)).toBe(covers(a, k) || covers(b, k));
        expect(covers(meetVectors(a, b), k)).toBe(covers(a, k) && covers(b, k));
      }),
    );
  });
});
