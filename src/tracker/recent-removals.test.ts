import { expect, test } from "bun:test";
import type { Gid, Uid } from "../base/ids.ts";
import { CLOCK_APART_WARN_MS, GRANT_LIFETIME_MS, REMOVALS_REMEMBERED_MAX } from "../base/limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { RecentRemovals } from "./recent-removals.ts";

const gid = "a".repeat(32) as Gid;
const uid = (number: number) => number.toString(16).padStart(32, "0") as Uid;

test("a removal is remembered as long as any grant from before it may run, and no longer", () => {
  const clock = new ManualClock();
  const removals = new RecentRemovals(clock);
  removals.add({ gid, uid: uid(1) });
  clock.advance(GRANT_LIFETIME_MS + CLOCK_APART_WARN_MS - 1);
  expect(removals.all()).toEqual([{ gid, uid: uid(1) }]);
  clock.advance(1);
  expect(removals.all()).toEqual([]);
});

test("one that is taken back is forgotten, and it is said whether there was one", () => {
  const removals = new RecentRemovals(new ManualClock());
  removals.add({ gid, uid: uid(1) });
  removals.add({ gid, uid: uid(2) });
  expect(removals.takeBack({ gid, uid: uid(1) })).toBe(true);
  expect(removals.takeBack({ gid, uid: uid(1) })).toBe(false);
  expect(removals.all()).toEqual([{ gid, uid: uid(2) }]);
});

test("a second removal counts from its own time, and of too many the oldest go first", () => {
  const clock = new ManualClock();
  const removals = new RecentRemovals(clock);
  removals.add({ gid, uid: uid(0) });
  for (let number = 1; number < REMOVALS_REMEMBERED_MAX; number++) removals.add({ gid, uid: uid(number) });
  clock.advance(1);
  removals.add({ gid, uid: uid(0) });
  removals.add({ gid, uid: uid(REMOVALS_REMEMBERED_MAX) });
  const kept = removals.all();
  expect(kept).toHaveLength(REMOVALS_REMEMBERED_MAX);
  expect(kept).not.toContainEqual({ gid, uid: uid(1) });
  expect(kept).toContainEqual({ gid, uid: uid(0) });
});
