import { expect, test } from "bun:test";
import { leastSeconds } from "./bounds.ts";

const wide = Number.POSITIVE_INFINITY;

test("a seeder has to send each byte once, however much the others could pass on", () => {
  const lines = { seedersUp: [10], downloadersUp: [1000, 1000], downloadersDown: [wide, wide] };
  expect(leastSeconds(100, lines)).toBe(10);
});

test("nobody is done before the slowest line down has taken all of it", () => {
  const lines = { seedersUp: [1000], downloadersUp: [1000, 1000], downloadersDown: [2, 1000] };
  expect(leastSeconds(100, lines)).toBe(50);
});

test("all copies together go over all lines up together", () => {
  const lines = { seedersUp: [10, 10], downloadersUp: [0, 5, 5], downloadersDown: [wide, wide, wide] };
  expect(leastSeconds(100, lines)).toBe(10);
});
