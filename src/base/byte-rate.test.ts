import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ByteRate } from "./byte-rate.ts";

function limited(perSecond: number | undefined, nowMs = 0): ByteRate {
  const rate = new ByteRate();
  rate.limit(perSecond, nowMs);
  return rate;
}

describe("a limit on bytes a second", () => {
  test("without one there is never a wait", () => {
    const rate = limited(undefined);
    rate.spend(1e12, 5);
    expect([rate.waitMs(5), rate.perSecond]).toEqual([0, undefined]);
  });

  test("lets one thing go at once, however large, and makes the next wait for its time", () => {
    const rate = limited(1000);
    expect(rate.waitMs(0)).toBe(0);
    rate.spend(5000, 0);
    expect(rate.waitMs(0)).toBe(5000);
    expect(rate.waitMs(4000)).toBe(1000);
    expect(rate.waitMs(5000)).toBe(0);
  });

  test("saves up a tenth of a second and no more", () => {
    const rate = limited(1000);
    expect(rate.waitMs(60_000)).toBe(0);
    rate.spend(100, 60_000);
    expect(rate.waitMs(60_000)).toBe(0);
    rate.spend(1, 60_000);
    expect(rate.waitMs(60_000)).toBe(1);
  });

  test("takes a new rate at once, and old debts with it to no rate", () => {
    const rate = limited(10);
    rate.spend(1000, 0);
    rate.limit(1000, 0);
    expect(rate.waitMs(0)).toBe(0);
    rate.spend(500, 0);
    expect([rate.waitMs(0), rate.perSecond]).toEqual([500, 1000]);
  });

  test("is kept over any time, and used up by one who always has something", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 1e9 }),
        fc.array(fc.integer({ min: 1, max: 500_000 }), { minLength: 200, maxLength: 200 }),
        fc.integer({ min: 0, max: 40 }),
        (perSecond, sizes, lateMs) => {
          const rate = limited(perSecond);
          let nowMs = 0;
          let spent = 0;
          for (const bytes of sizes) {
            const waitMs = rate.waitMs(nowMs);
            nowMs += waitMs === 0 ? 0 : waitMs + lateMs;
            rate.spend(bytes, nowMs);
            spent += bytes;
          }
          const most = (perSecond * (nowMs + 100)) / 1000 + 500_000;
          expect(spent).toBeLessThanOrEqual(most * 1.000001);
          // Who is late by less than what is saved loses nothing.
          expect(spent).toBeGreaterThanOrEqual((perSecond * (nowMs - 40)) / 1000 - 1);
        },
      ),
    );
  });
});
