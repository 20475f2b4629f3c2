import { describe, expect, test } from "bun:test";
import { originOf } from "../../testing/test-tracker.ts";
import type { Origin } from "../../wire/entry.ts";
import type { VersionVector } from "../core/version-vector.ts";
import { entriesBehind, holdsAll, nextStep } from "./sync-plan.ts";

const [a, b] = [originOf(1), originOf(2)];
const vector = (...pairs: [Origin, number][]): VersionVector => new Map(pairs);
const none = vector();

describe("the next step", () => {
  test("is nothing for one that has all", () => {
    expect(nextStep(vector([a, 3]), none, vector([a, 3], [b, 9]))).toEqual({ kind: "nothing" });
  });

  test("is the entries above what the other has", () => {
    expect(nextStep(vector([a, 3], [b, 5]), none, vector([a, 3], [b, 2]))).toEqual({
      kind: "entries",
      origin: b,
      after: 2,
    });
  });

  test("is the state where an entry that the other lacks is gone from the log, whichever origin comes first", () => {
    const held = vector([a, 3], [b, 5]);
    expect(nextStep(held, vector([b, 4]), vector([b, 3]))).toEqual({ kind: "state" });
    expect(nextStep(held, vector([b, 4]), vector([b, 4]))).toEqual({ kind: "entries", origin: a, after: 0 });
  });
});

test("how far one is behind another counts the entries it lacks, not those that it has more", () => {
  expect(entriesBehind(vector([a, 2], [b, 9]), vector([a, 5], [b, 4]))).toBe(3);
  expect(holdsAll(vector([a, 2], [b, 9]), vector([a, 5]))).toBe(false);
  expect(holdsAll(vector([a, 5], [b, 9]), vector([a, 5]))).toBe(true);
});
