import { expect, test } from "bun:test";
import { RateMeter } from "./rate-meter.ts";

test("nothing yet is no rate", () => {
  expect(new RateMeter().rate(12_345)).toBe(0);
});

test("a steady stream is its rate, soon after it began and long after", () => {
  const meter = new RateMeter();
  for (let now = 50_000; now <= 80_000; now += 10) {
    meter.add(now, 10_000);
    if (now >= 51_000) expect(Math.abs(meter.rate(now) / 1e6 - 1)).toBeLessThan(0.05);
  }
});

test("bytes of long ago do not count", () => {
  const meter = new RateMeter();
  meter.add(0, 1e9);
  meter.add(20_000, 1_000);
  expect(meter.rate(20_000)).toBeLessThan(1_000);
  expect(meter.rate(40_000)).toBe(0);
});

test("the rate falls while nothing comes, and comes back", () => {
  const meter = new RateMeter();
  for (let now = 0; now < 8_000; now += 100) meter.add(now, 100_000);
  const rates = [8_000, 9_000, 10_000, 11_000, 12_500].map((now) => meter.rate(now));
  for (const [index, rate] of rates.entries())
    if (index > 0) expect(rate).toBeLessThan(rates[index - 1] ?? 0);
  expect(rates.at(-1)).toBe(0);
  meter.add(13_000, 4_000);
  expect(meter.rate(13_000)).toBeGreaterThan(0);
});

test("a burst at one moment gives a finite rate", () => {
  const meter = new RateMeter();
  meter.add(1_000, 5e8);
  expect(Number.isFinite(meter.rate(1_000))).toBe(true);
});
