import { expect, test } from "bun:test";
import { describe as lastEvents, runCluster, type SimReport } from "./sim-world.ts";

/** One seed alone: `npm run test:sim -- --from <seed> --seeds 1`. */
const SEEDS = 1_000;
/** Each test has a part of them, so that none takes long. */
const PARTS = 25;

function run(seed: number): SimReport {
  const report = runCluster(seed);
  if (report.broken === undefined) return report;
  throw new Error([`seed ${seed}: ${report.broken}`, ...lastEvents(report).slice(-40)].join("\n"));
}

for (let part = 0; part < PARTS; part++) {
  const first = 1 + (part * SEEDS) / PARTS;
  const last = ((part + 1) * SEEDS) / PARTS;
  test(`a cluster keeps its promises whatever goes wrong: seeds ${first} to ${last}`, () => {
    let acknowledged = 0;
    for (let seed = first; seed <= last; seed++) acknowledged += run(seed).acknowledged;
    expect(acknowledged).toBeGreaterThan(20 * (last - first));
  });
}

test("one seed gives one run, event for event; another seed another", () => {
  for (const seed of [1, 2, 3]) expect(run(seed).hash).toBe(run(seed).hash);
  expect(run(1).hash).not.toBe(run(2).hash);
});
