import { describe, expect, test } from "bun:test";
import { AssertionError } from "../../base/assert.ts";
import { PIECE_BYTES } from "../../base/limits.ts";
import type { Slot } from "./contract.ts";
import { SharedSlotPool } from "./slot-pool.ts";

function poolOf(capacity: number): SharedSlotPool {
  return new SharedSlotPool(new SharedArrayBuffer(capacity * PIECE_BYTES));
}

function acquireAll(pool: SharedSlotPool): Slot[] {
  const slots: Slot[] = [];
  for (let slot = pool.acquire(); slot !== undefined; slot = pool.acquire()) slots.push(slot);
  return slots;
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("a slot", () => {
  test("is a whole piece of the shared memory that no other slot overlaps", () => {
    const pool = poolOf(3);
    const slots = acquireAll(pool);
    for (const slot of slots) slot.bytes.fill(slot.index + 1);
    expect(slots.map((slot) => slot.bytes.length)).toEqual([PIECE_BYTES, PIECE_BYTES, PIECE_BYTES]);
    expect(slots.map((slot) => slot.bytes.every((byte) => byte === slot.index + 1))).toEqual([
      true,
      true,
      true,
    ]);
    expect(slots[0]?.bytes.buffer).toBe(slots[1]?.bytes.buffer as SharedArrayBuffer);
  });

  test("is handed out again first when it was released last", () => {
    const pool = poolOf(4);
    const [, second] = [pool.acquire(), pool.acquire()] as [Slot, Slot];
    pool.release(second);
    expect(pool.acquire()).toBe(second);
  });

  test("that is released twice is a bug", () => {
    const pool = poolOf(2);
    const slot = pool.acquire() as Slot;
    pool.release(slot);
    expect(() => pool.release(slot)).toThrow(AssertionError);
    expect(pool.free).toBe(2);
  });

  test("of another pool is refused", () => {
    const slot = poolOf(1).acquire() as Slot;
    const pool = poolOf(1);
    pool.acquire();
    expect(() => pool.release(slot)).toThrow(AssertionError);
    expect(pool.free).toBe(0);
  });
});

describe("waiting for a slot", () => {
  test("is served in order of asking, one for each slot", () => {
    const pool = poolOf(2);
    const [first, second] = acquireAll(pool) as [Slot, Slot];
    const served: string[] = [];
    for (const name of ["a", "b", "c"]) pool.whenFree(() => served.push(pool.acquire() ? name : `${name}?`));
    pool.release(first);
    expect(served).toEqual(["a"]);
    pool.release(second);
    expect(served).toEqual(["a", "b"]);
    expect(pool.free).toBe(0);
  });

  test("passes on to the next if the first does not take it", () => {
    const pool = poolOf(1);
    const slot = pool.acquire() as Slot;
    const served: string[] = [];
    pool.whenFree(() => served.push("passes"));
    pool.whenFree(() => served.push(pool.acquire() === slot ? "takes" : "nothing left"));
    pool.whenFree(() => served.push("too late"));
    pool.release(slot);
    expect(served).toEqual(["passes", "takes"]);
  });

  test("can be given up", () => {
    const pool = poolOf(1);
    const slot = pool.acquire() as Slot;
    const served: string[] = [];
    const withdraw = pool.whenFree(() => served.push("withdrawn"));
    pool.whenFree(() => served.push("stays"));
    withdraw();
    withdraw();
    pool.release(slot);
    expect(served).toEqual(["stays"]);
  });

  test("ends soon, but not within the call, if a slot is free already", async () => {
    const pool = poolOf(1);
    let served = 0;
    pool.whenFree(() => served++);
    expect(served).toBe(0);
    await nextTurn();
    expect(served).toBe(1);
  });

  test("serves all when each releases within its turn", () => {
    const pool = poolOf(1);
    const slot = pool.acquire() as Slot;
    let served = 0;
    const borrow = () => {
      served++;
      pool.release(pool.acquire() as Slot);
    };
    for (let waiter = 0; waiter < 100; waiter++) pool.whenFree(borrow);
    pool.release(slot);
    expect(served).toBe(100);
    expect(pool.free).toBe(1);
  });
});
