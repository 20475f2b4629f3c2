import { expect, test } from "bun:test";
import {
  SHARE_LOOK_MS,
  SHARE_LOOK_ROUNDS,
  SHARES_LOOKED_AT_MAX,
  SHARES_LOOKED_AT_MIN,
} from "../base/limits.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { ShareWatch } from "./share-watch.ts";

function watch(amount: number) {
  const clock = new ManualClock();
  const looked: number[] = [];
  let shares = Array.from({ length: amount }, (_, at) => at);
  const look = async (share: number) => void looked.push(share);
  const watching = new ShareWatch({ clock, shares: () => shares, look });
  const tick = async () => {
    clock.advance(SHARE_LOOK_MS);
    // Each look is a turn or two of the event loop's smallest tasks, which `settle` lets all pass.
    await settle();
  };
  return { clock, looked, tick, watching, become: (now: number[]) => (shares = now) };
}

test("a few files are all looked at each time, in turn", async () => {
  const { looked, tick } = watch(SHARES_LOOKED_AT_MIN);
  await tick();
  expect(looked).toEqual(Array.from({ length: SHARES_LOOKED_AT_MIN }, (_, at) => at));
  await tick();
  expect(looked).toHaveLength(2 * SHARES_LOOKED_AT_MIN);
});

test("many are looked at one after the other, each once in a round, in a bounded number of steps", async () => {
  const amount = SHARE_LOOK_ROUNDS * SHARES_LOOKED_AT_MIN * 3;
  const { looked, tick } = watch(amount);
  await tick();
  expect(looked).toHaveLength(amount / SHARE_LOOK_ROUNDS);
  for (let round = 1; round < SHARE_LOOK_ROUNDS; round++) await tick();
  expect(looked.toSorted((left, right) => left - right)).toEqual(
    Array.from({ length: amount }, (_, at) => at),
  );
});

test("however many there are, no more than so many are looked at in one step", async () => {
  const { looked, tick } = watch(100 * SHARES_LOOKED_AT_MAX);
  await tick();
  expect(looked).toHaveLength(SHARES_LOOKED_AT_MAX);
});

test("what is shared later is looked at in the next round", async () => {
  const { looked, tick, become } = watch(1);
  await tick();
  become([7]);
  await tick();
  expect(looked).toEqual([0, 7]);
});

test("nothing is left behind when it is closed, and nothing more is looked at", async () => {
  const { clock, looked, watching, tick } = watch(5);
  watching.close();
  expect(clock.pending).toBe(0);
  await tick();
  expect(looked).toEqual([]);
});
