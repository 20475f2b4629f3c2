import { beforeAll, expect, test } from "bun:test";
import type { ChildRun } from "./child-runs.ts";
import { entriesIn, SIM_RUN_MS_MAX, simParts, simRun } from "./sim-runs.ts";
import { runCluster } from "./sim-world.ts";

/** One seed alone: `npm run test:sim -- --from <seed> --seeds 1`. */
const SEEDS = 1_000;
const parts = simParts("cluster", SEEDS, 4);
const runs = new Map<string, Promise<ChildRun>>();

beforeAll(() => {
  for (const [name, { args }] of parts) runs.set(name, simRun(...args));
});

for (const [name, { seeds }] of parts)
  test(
    `a cluster keeps its promises whatever goes wrong: ${name}`,
    async () => {
      const run = await runs.get(name);
      expect(run && entriesIn(run)).toBeGreaterThan(15 * seeds);
    },
    SIM_RUN_MS_MAX,
  );

test("one seed gives one run, event for event; another seed another", () => {
  for (const seed of [1, 2, 3]) expect(runCluster(seed).hash).toBe(runCluster(seed).hash);
  expect(runCluster(1).hash).not.toBe(runCluster(2).hash);
});
