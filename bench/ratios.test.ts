import { expect, test } from "bun:test";
import { percentile, spreadOf } from "./ratios.ts";

test("the median of an even number of values lies between the two in the middle", () => {
  expect(spreadOf([4, 1, 3, 100])).toEqual({ median: 3.5, least: 1, most: 100 });
  expect(spreadOf([5])).toEqual({ median: 5, least: 5, most: 5 });
});

test("a percentile is one of the values, the last one where there are too few to leave any out", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([0, 0.5, 0.99, 1].map((part) => percentile(values, part))).toEqual([1, 50, 99, 100]);
  expect(percentile([7, 3], 0.99)).toBe(7);
});
