import { expect, test } from "bun:test";
import { REPEATABLE_ENTRIES_KEPT, TRIM_SLICE_ENTRIES } from "../base/limits.ts";
import { originOf } from "../testing/test-tracker.ts";
import type { Origin } from "../wire/entry.ts";
import type { VersionVector } from "./core/version-vector.ts";
import { replayPoint, type TrimSituation, trimPoint } from "./trim-point.ts";

const [one, two] = [originOf(1), originOf(2)];
const vector = (ofOne: number, ofTwo = 0): VersionVector =>
  new Map<Origin, number>([
    [one, ofOne],
    [two, ofTwo],
  ]);
const idle = (situation: Partial<TrimSituation>) =>
  trimPoint({
    settled: vector(100, 100),
    checkpointed: vector(100, 100),
    vector: vector(100, 100),
    floor: new Map(),
    isActive: () => false,
    ...situation,
  });

test("an entry goes when it is in the rows and with every tracker, of an origin that is idle to the last", () => {
  expect(idle({})).toEqual(vector(100, 100));
  expect(idle({ settled: vector(30, 20) })).toEqual(vector(30, 20));
  expect(idle({ checkpointed: vector(10, 50), settled: vector(40, 20) })).toEqual(vector(10, 20));
  expect(idle({ settled: new Map([[one, 5]]) })).toEqual(new Map([[one, 5]]));
  expect(idle({ settled: new Map() })).toEqual(new Map());
});

test("what is gone is no step any more", () => {
  expect(idle({ floor: vector(100, 90) })).toEqual(new Map([[two, 100]]));
  expect(idle({ floor: vector(100, 100) })).toEqual(new Map());
});

test("the newest of an active origin stay, so that a repeated request is known after a start", () => {
  const last = REPEATABLE_ENTRIES_KEPT + 7;
  const full = vector(last, last);
  const isActive = (origin: Origin) => origin === one;
  const point = trimPoint({
    settled: full,
    checkpointed: full,
    vector: full,
    floor: vector(0, last - 5),
    isActive,
  });
  expect(point).toEqual(vector(7, last));
  expect(idle({ isActive: () => true })).toEqual(new Map());
});

test("a step is bounded over all origins, and the next one goes on", () => {
  const full = vector(TRIM_SLICE_ENTRIES - 10, 50);
  const situation = { settled: full, checkpointed: full, vector: full };
  const first = idle(situation);
  expect(first).toEqual(vector(TRIM_SLICE_ENTRIES - 10, 10));
  expect(idle({ ...situation, floor: first })).toEqual(new Map([[two, 50]]));
});

test("a start reads what may still be repeated", () => {
  expect(replayPoint(vector(REPEATABLE_ENTRIES_KEPT + 3, 8))).toEqual(vector(3, 0));
});
