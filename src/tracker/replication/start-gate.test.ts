import { expect, test } from "bun:test";
import { START_CATCH_UP_MS_MAX, START_WAIT_MS } from "../../base/limits.ts";
import { originOf } from "../../testing/test-tracker.ts";
import type { VersionVector } from "../core/version-vector.ts";
import { mayServe } from "./start-gate.ts";

const none: VersionVector = new Map();
const some: VersionVector = new Map([[originOf(2), 5]]);

test("one that reaches nobody serves after a short wait", () => {
  for (const wasEmpty of [true, false]) {
    expect(mayServe({ elapsedMs: START_WAIT_MS - 1, wasEmpty, held: none, answers: [] })).toBe(false);
    expect(mayServe({ elapsedMs: START_WAIT_MS, wasEmpty, held: none, answers: [] })).toBe(true);
  }
});

test("one that has all that another had serves at once", () => {
  expect(mayServe({ elapsedMs: 1, wasEmpty: false, held: some, answers: [none] })).toBe(true);
  expect(mayServe({ elapsedMs: 1, wasEmpty: true, held: some, answers: [some] })).toBe(true);
});

test("an empty one waits longer for what another has, and does not take the word of another empty one", () => {
  const empty = { wasEmpty: true, held: none };
  expect(mayServe({ ...empty, elapsedMs: START_WAIT_MS, answers: [some] })).toBe(false);
  expect(mayServe({ ...empty, elapsedMs: START_CATCH_UP_MS_MAX, answers: [some] })).toBe(true);
  expect(mayServe({ ...empty, elapsedMs: 1, answers: [none] })).toBe(false);
  expect(mayServe({ ...empty, elapsedMs: START_WAIT_MS, answers: [none] })).toBe(true);
});

test("one with records of its own does not wait long for those that it lacks", () => {
  expect(mayServe({ elapsedMs: START_WAIT_MS, wasEmpty: false, held: none, answers: [some] })).toBe(true);
});
