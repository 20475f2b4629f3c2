import { expect, test } from "bun:test";
import { SOURCES_MAX } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import { runSeed } from "../testing/run-seed.ts";
import { fairChoice } from "./sources.ts";

const prng = new Prng(runSeed());

function numbers(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

test("all sources are told of as long as they are few enough", () => {
  const complete = numbers(SOURCES_MAX - 3);
  const partial = numbers(3, 1000);
  const chosen = fairChoice(complete, partial, prng);
  expect(chosen.complete.toSorted((left, right) => left - right)).toEqual(complete);
  expect(chosen.partial.toSorted((left, right) => left - right)).toEqual(partial);
});

test("of many each kind gets half, and the whole where the other is short", () => {
  const sizes = (complete: number, partial: number) => {
    const chosen = fairChoice(numbers(complete), numbers(partial), prng);
    return [chosen.complete.length, chosen.partial.length];
  };
  expect(sizes(500, 500)).toEqual([25, 25]);
  expect(sizes(500, 0)).toEqual([50, 0]);
  expect(sizes(500, 10)).toEqual([40, 10]);
  expect(sizes(1, 500)).toEqual([1, 49]);
  expect(sizes(0, 500)).toEqual([0, 50]);
});

test("each source of a kind is as likely to be told of as any other, wherever it stands in the list", () => {
  const times = 4000;
  const told = new Array<number>(200).fill(0);
  for (let time = 0; time < times; time++) {
    const { complete, partial } = fairChoice(numbers(100), numbers(100, 100), prng);
    for (const source of [...complete, ...partial]) told[source] = (told[source] ?? 0) + 1;
  }
  // A quarter of the times; six standard deviations are 164.
  for (const count of told) expect(Math.abs(count - times / 4)).toBeLessThan(170);
});
