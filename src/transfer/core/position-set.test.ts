import { expect, test } from "bun:test";
import fc from "fast-check";
import { PositionSet } from "./position-set.ts";

const LENGTH = 100;
const positions = fc.uniqueArray(fc.nat(LENGTH - 1), { maxLength: LENGTH });

function setOf(members: readonly number[]): PositionSet {
  const set = new PositionSet(LENGTH);
  for (const member of members) set.add(member);
  return set;
}

test("adding and deleting say whether anything changed, and the size follows", () => {
  const set = new PositionSet(LENGTH);
  expect([set.add(31), set.add(32), set.add(31)]).toEqual([true, true, false]);
  expect(set.size).toBe(2);
  expect([set.delete(31), set.delete(31), set.delete(5)]).toEqual([true, false, false]);
  expect([set.size, set.has(31), set.has(32)]).toEqual([1, false, true]);
});

test("the first from a position on is what a search one by one finds", () => {
  fc.assert(
    fc.property(positions, positions, fc.nat(LENGTH + 40), (left, right, from) => {
      const rising = (members: number[]) => members.filter((one) => one >= from).sort((a, b) => a - b)[0];
      expect(setOf(left).firstFrom(from, undefined)).toBe(rising(left));
      const shared = left.filter((one) => right.includes(one));
      expect(setOf(left).firstFrom(from, setOf(right))).toBe(rising(shared));
    }),
  );
});

test("an empty set has no first", () => {
  expect(new PositionSet(0).firstFrom(0, undefined)).toBeUndefined();
  expect(new PositionSet(LENGTH).firstFrom(0, undefined)).toBeUndefined();
});
