import { expect, test } from "bun:test";
import { Allowance } from "./allowance.ts";

/** @returns how many of `tries` at that moment were allowed */
function taken(allowance: Allowance, nowMs: number, tries: number): number {
  return Array.from({ length: tries }, () => allowance.take(nowMs)).filter((allowed) => allowed).length;
}

test("so many at once, then as many as the time that passes allows, and never more than at once after a rest", () => {
  const allowance = new Allowance({ atOnce: 5, perSecond: 2 }, 0);
  expect(taken(allowance, 0, 100)).toBe(5);
  expect(taken(allowance, 499, 100)).toBe(0);
  expect(taken(allowance, 500, 100)).toBe(1);
  expect(taken(allowance, 2_000, 100)).toBe(3);
  expect(taken(allowance, 3_600_000, 100)).toBe(5);
});

test("what was refused costs nothing: who goes on trying gets its rate all the same", () => {
  const allowance = new Allowance({ atOnce: 1, perSecond: 10 }, 0);
  let got = 0;
  for (let nowMs = 0; nowMs < 10_000; nowMs++) got += taken(allowance, nowMs, 3);
  expect(got).toBeGreaterThanOrEqual(99);
  expect(got).toBeLessThanOrEqual(101);
});
