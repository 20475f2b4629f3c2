import { expect, test } from "bun:test";
import { runMerge } from "./sim-merge.ts";

/** One seed alone: `npm run test:sim -- --world merge --from <seed> --seeds 1`. */
const SEEDS = 1_000;

test("trackers that decide apart agree when they meet, and with the rules at all times", () => {
  let entries = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      entries += runMerge(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error}`);
    }
  }
  expect(entries / SEEDS).toBeGreaterThan(40);
});
