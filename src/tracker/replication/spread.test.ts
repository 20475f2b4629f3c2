import { beforeEach, expect, test } from "bun:test";
import { SPREAD_MS_MAX } from "../../base/limits.ts";
import { ManualClock, settle } from "../../testing/manual-clock.ts";
import { type Receiver, Spread } from "./spread.ts";

class Other implements Receiver {
  isInReach = true;
  held = 0;

  holds(seq: number): boolean {
    return this.held >= seq;
  }
}

let clock: ManualClock;
let near: Other;
let far: Other;
let spread: Spread;

beforeEach(() => {
  clock = new ManualClock();
  near = new Other();
  far = new Other();
  spread = new Spread(clock, [near, far]);
});

/** @returns the number of copies once it is known */
function copies(seq: number): () => Promise<number | undefined> {
  let found: number | undefined;
  void spread.until(seq).then((amount) => {
    found = amount;
  });
  return async () => {
    await settle();
    return found;
  };
}

test("waits for every tracker in reach, and counts them", async () => {
  const found = copies(5);
  near.held = 5;
  spread.changed(5);
  expect(await found()).toBeUndefined();
  far.held = 7;
  spread.changed(7);
  expect(await found()).toBe(3);
  expect(clock.pending).toBe(0);
});

test("does not wait for one that is out of reach, nor for one that goes out of reach meanwhile", async () => {
  far.isInReach = false;
  near.held = 1;
  expect(await copies(1)()).toBe(2);
  const found = copies(2);
  near.isInReach = false;
  spread.changed(2);
  expect(await found()).toBe(1);
});

test("waits no longer than the bound, and not again for one that is late until it has caught up", async () => {
  near.held = 9;
  const found = copies(1);
  clock.advance(SPREAD_MS_MAX - 1);
  expect(await found()).toBeUndefined();
  clock.advance(1);
  expect(await found()).toBe(2);
  expect(await copies(2)()).toBe(2);

  far.held = 3;
  spread.changed(4);
  expect(await copies(4)()).toBe(2);
  far.held = 4;
  spread.changed(4);
  const patient = copies(5);
  expect(await patient()).toBeUndefined();
  far.held = 5;
  spread.changed(5);
  expect(await patient()).toBe(3);
});

test("a lone tracker waits for nobody", async () => {
  spread = new Spread(clock, []);
  expect(await copies(3)()).toBe(1);
});
