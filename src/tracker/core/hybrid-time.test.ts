import { describe, expect, test } from "bun:test";
import { CLOCK_AHEAD_MS_MAX } from "../../base/limits.ts";
import type { Origin } from "../../wire/entry.ts";
import {
  claimOf,
  FIRST_STAMP,
  HybridClock,
  laterStamp,
  makeStamp,
  stampAfter,
  stampMs,
} from "./hybrid-time.ts";

describe("stamps", () => {
  test("text order is time order", () => {
    const rising = [
      makeStamp(0, 0),
      makeStamp(0, 1),
      makeStamp(9, 65_535),
      makeStamp(10, 0),
      makeStamp(2 ** 47, 3),
    ];
    expect([...rising].reverse().sort()).toEqual(rising);
    expect(stampMs(makeStamp(123_456_789_012, 7))).toBe(123_456_789_012);
  });

  test("the next stamp counts up, then goes to the next millisecond, and stops at the end of time", () => {
    expect(stampAfter(makeStamp(5, 0))).toBe(makeStamp(5, 1));
    expect(stampAfter(makeStamp(5, 65_535))).toBe(makeStamp(6, 0));
    const last = makeStamp(2 ** 48 - 1, 65_535);
    expect(stampAfter(last)).toBe(last);
  });

  test("what does not fit is a bug", () => {
    expect(() => makeStamp(-1, 0)).toThrow();
    expect(() => makeStamp(2 ** 48, 0)).toThrow();
    expect(() => makeStamp(0, 65_536)).toThrow();
    expect(() => makeStamp(0.5, 0)).toThrow();
  });

  test("the later of two", () => {
    expect(laterStamp(makeStamp(1, 0), makeStamp(0, 9))).toBe(makeStamp(1, 0));
    expect(laterStamp(makeStamp(0, 9), makeStamp(1, 0))).toBe(makeStamp(1, 0));
  });

  test("equal stamps are ordered by origin", () => {
    const [one, two] = ["1-00000000000000aa", "2-00000000000000aa"] as Origin[] as [Origin, Origin];
    expect(claimOf(FIRST_STAMP, one) < claimOf(FIRST_STAMP, two)).toBe(true);
    expect(claimOf(makeStamp(0, 1), one) > claimOf(FIRST_STAMP, two)).toBe(true);
  });
});

describe("hybrid clock", () => {
  test("every stamp is above the one before, whatever the wall clock does", () => {
    const clock = new HybridClock();
    const stamps = [100, 100, 100, 50, -7, 101.9, 2 ** 60].map((nowMs) => clock.tick(nowMs));
    expect([...new Set(stamps)].sort()).toEqual(stamps);
    expect(stamps[0]).toBe(makeStamp(100, 0));
    expect(stamps[5]).toBe(makeStamp(101, 0));
  });

  test("what was seen lies below what comes", () => {
    const clock = new HybridClock();
    clock.observe(makeStamp(5_000, 3), 1_000);
    expect(clock.tick(1_000)).toBe(makeStamp(5_000, 4));
  });

  test("a stamp far ahead does not drag the clock along", () => {
    const clock = new HybridClock();
    clock.observe(makeStamp(1_001 + CLOCK_AHEAD_MS_MAX, 0), 1_000);
    expect(clock.tick(1_000)).toBe(makeStamp(1_000, 0));
  });
});
