import { expect, test } from "bun:test";
import { bestOf, COMPARISON_HEAD, compared, comparedWithBound, comparisonRow } from "./comparison.ts";
import type { Turn } from "./turns.ts";

const turn = (theirs: number, ...ours: [number, number]): Turn<number> => ({ theirs, ours });
const measure = (run: number) => run;

test("the row has the medians of both, and least, median and most of the ratios", () => {
  const turns = [turn(10, 5, 7), turn(20, 8, 16)];
  const row = comparisonRow(compared({ what: "pair", against: "other", turns, measure, aim: 0.6 }));
  expect(row).toEqual(["pair", "other", "7.5 s", "15 s", "0.40", "0.60", "0.80", "<= 0.6", "yes"]);
  expect(row).toHaveLength(COMPARISON_HEAD.length);
});

test("an aim is missed by the median alone, and without an aim nothing is judged", () => {
  const turns = [turn(10, 7, 7)];
  const missed = comparisonRow(compared({ what: "", against: "", turns, measure, aim: 0.6 }));
  const unjudged = comparisonRow(compared({ what: "", against: "", turns, measure }));
  expect(missed.slice(-2)).toEqual(["<= 0.6", "no"]);
  expect(unjudged.slice(-2)).toEqual(["", ""]);
});

test("a bound is the same for every run", () => {
  expect(comparedWithBound("crowd", "least possible", [11, 12], 10, 1.12).ratios).toEqual([1.1, 1.2]);
});

test("the best of the others has the least median, not the least single run", () => {
  const byName = new Map([
    ["lucky once", [turn(1, 1, 1), turn(50, 1, 1), turn(50, 1, 1)]],
    ["steady", [turn(10, 1, 1), turn(11, 1, 1), turn(12, 1, 1)]],
  ]);
  expect(bestOf(byName, measure)).toBe("steady");
  expect(bestOf(new Map<string, Turn<number>[]>(), measure)).toBeUndefined();
});
