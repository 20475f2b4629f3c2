import { describe, expect, test } from "bun:test";
import {
  TRACKER_LATER_MS,
  TRACKER_RETRY_MS_MAX,
  TRACKER_RETRY_MS_MIN,
  TRACKER_STABLE_MS,
} from "../base/limits.ts";
import { TrackerHealth } from "./tracker-health.ts";

const NONE: ReadonlySet<number> = new Set();

describe("which tracker comes next", () => {
  test("the first of the list is tried first", () => {
    expect(new TrackerHealth(3).next(0, NONE)).toEqual({ kind: "try", index: 0 });
  });

  test("one that is being tried is not tried a second time meanwhile", () => {
    const health = new TrackerHealth(2);
    expect(health.next(0, new Set([0]))).toEqual({ kind: "try", index: 1 });
    expect(health.next(0, new Set([0, 1]))).toEqual({ kind: "wait", ms: TRACKER_RETRY_MS_MAX });
  });

  test("after a failure the others come first", () => {
    const health = new TrackerHealth(2);
    health.failed(0, 0);
    expect(health.next(TRACKER_RETRY_MS_MIN, NONE)).toEqual({ kind: "try", index: 1 });
  });

  test("the one that answered last stays the first choice", () => {
    const health = new TrackerHealth(2);
    health.failed(0, 0);
    health.answered(1, 10);
    expect(health.next(60_000, NONE)).toEqual({ kind: "try", index: 1 });
  });

  test("a lost connection leads to the next tracker, not back to the same", () => {
    const health = new TrackerHealth(3);
    health.answered(1, 0);
    health.failed(1, TRACKER_STABLE_MS);
    expect(health.next(TRACKER_STABLE_MS, NONE)).toEqual({ kind: "try", index: 2 });
  });

  test("a single tracker is tried again after a back-off that doubles up to its bound", () => {
    const health = new TrackerHealth(1);
    const waits = [];
    let nowMs = 0;
    for (let round = 0; round < 10; round++) {
      health.failed(0, nowMs);
      const choice = health.next(nowMs, NONE);
      if (choice.kind !== "wait") throw new Error("expected to wait");
      waits.push(choice.ms);
      nowMs += choice.ms;
      expect(health.next(nowMs, NONE)).toEqual({ kind: "try", index: 0 });
    }
    expect(waits[0]).toBe(TRACKER_RETRY_MS_MIN);
    expect(waits[1]).toBe(TRACKER_RETRY_MS_MIN * 2);
    expect(waits[9]).toBe(TRACKER_RETRY_MS_MAX);
  });

  test("one that says later is asked again in a moment, the others first, and has not failed", () => {
    const health = new TrackerHealth(2);
    health.failed(1, 0);
    health.postponed(0, 0);
    expect(health.next(0, NONE)).toEqual({ kind: "wait", ms: TRACKER_RETRY_MS_MIN });
    expect(health.next(TRACKER_RETRY_MS_MIN, NONE)).toEqual({ kind: "try", index: 1 });
    expect(health.next(TRACKER_LATER_MS, NONE)).toEqual({ kind: "try", index: 0 });
  });

  test("a connection that held forgives earlier failures, one that broke at once does not", () => {
    const flapping = new TrackerHealth(1);
    flapping.failed(0, 0);
    flapping.answered(0, 1_000);
    flapping.failed(0, 1_001);
    expect(flapping.next(1_001, NONE)).toEqual({ kind: "wait", ms: TRACKER_RETRY_MS_MIN * 2 });

    const stable = new TrackerHealth(1);
    stable.failed(0, 0);
    stable.answered(0, 1_000);
    stable.failed(0, 1_000 + TRACKER_STABLE_MS);
    expect(stable.next(1_000 + TRACKER_STABLE_MS, NONE)).toEqual({ kind: "wait", ms: TRACKER_RETRY_MS_MIN });
  });
});
