import { beforeAll, expect, test } from "bun:test";
import type { ChildRun } from "./child-runs.ts";
import { entriesIn, SIM_RUN_MS_MAX, simParts, simRun } from "./sim-runs.ts";

/** One seed alone: `npm run test:sim -- --world merge --from <seed> --seeds 1`. */
const SEEDS = 1_000;
const parts = simParts("merge", SEEDS, 2);
const runs = new Map<string, Promise<ChildRun>>();

beforeAll(() => {
  for (const [name, { args }] of parts) runs.set(name, simRun(...args));
});

for (const [name, { seeds }] of parts)
  test(
    `trackers that decide apart agree when they meet, and with the rules at all times: ${name}`,
    async () => {
      const run = await runs.get(name);
      expect(run && entriesIn(run)).toBeGreaterThan(30 * seeds);
    },
    SIM_RUN_MS_MAX,
  );
