import { expect, test } from "bun:test";
import { ManualClock } from "./manual-clock.ts";

test("nothing runs until the clock is moved, then in order of time, ties as set", () => {
  const clock = new ManualClock();
  const ran: string[] = [];
  clock.after(20, () => ran.push("20"));
  clock.after(10, () => ran.push("10a"));
  clock.after(10, () => ran.push("10b"));
  clock.after(30, () => ran.push("30"));
  expect(ran).toEqual([]);
  clock.advance(29);
  expect(ran).toEqual(["10a", "10b", "20"]);
  expect(clock.pending).toBe(1);
});

test("a timer sees its own time, and what it sets runs in the same advance if it falls due", () => {
  const clock = new ManualClock(1_000);
  const seen: number[] = [];
  const tick = () => {
    seen.push(clock.monotonicMs());
    if (seen.length < 3) clock.after(10, tick);
  };
  clock.after(10, tick);
  clock.advance(100);
  expect(seen).toEqual([10, 20, 30]);
  expect(clock.nowMs()).toBe(1_100);
});

test("a cancelled timer does not run; cancelling late is harmless", () => {
  const clock = new ManualClock();
  let ran = 0;
  const cancel = clock.after(5, () => ran++);
  cancel();
  clock.after(5, () => ran++);
  clock.advance(10);
  cancel();
  expect(ran).toBe(1);
});

test("a timer may cancel another that is due at the same time", () => {
  const clock = new ManualClock();
  let ran = false;
  clock.after(5, () => cancel());
  const cancel = clock.after(5, () => {
    ran = true;
  });
  clock.advance(5);
  expect(ran).toBe(false);
});

test("advanced slowly, what promises set in between runs too", async () => {
  const clock = new ManualClock();
  let ran = false;
  clock.after(10, async () => {
    await Promise.resolve();
    clock.after(10, () => {
      ran = true;
    });
  });
  await clock.advanceSlowly(30, 10);
  expect(ran).toBe(true);
});
