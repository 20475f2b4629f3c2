import { expect, test } from "bun:test";
import { runMerge } from "./sim-merge.ts";

/** One seed alone: `npm run test:sim -- --world merge --from <seed> --seeds 1`. */
const SEEDS = 1_000;
/** Each test has a part of them, so that none takes long. */
const PARTS = 10;

for (let part = 0; part < PARTS; part++) {
  const first = 1 + (part * SEEDS) / PARTS;
  const last = ((part + 1) * SEEDS) / PARTS;
  test(`trackers that decide apart agree when they meet, and with the rules at all times: seeds ${first} to ${last}`, () => {
    let entries = 0;
    for (let seed = first; seed <= last; seed++) entries += run(seed);
    expect(entries).toBeGreaterThan(40 * (last - first));
  });
}

/** @returns how many entries were made */
function run(seed: number): number {
  try {
    return runMerge(seed);
  } catch (error) {
    throw new Error(`seed ${seed}: ${error}`);
  }
}
