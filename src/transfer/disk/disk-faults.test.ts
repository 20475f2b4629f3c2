/** The transfer's disk calls, each made to fail once: `npm run test:disk -- <seed>` tries every one with every error. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { childRun } from "../../testing/child-runs.ts";
import { runSeed } from "../../testing/run-seed.ts";

const FAULTS = 150;
/** On a machine that does other things too. */
const TEST_MS_MAX = 300_000;
const TRIALS = join("src", "testing", "faulty-disk");

test(
  "a disk call that fails once costs at most one clear failure, never a wrong file, a false journal or an open descriptor",
  async () => {
    const preload = ["--preload", `./${join(TRIALS, "plant.ts")}`];
    const { output, exitCode } = await childRun([
      ...preload,
      join(TRIALS, "main.ts"),
      String(runSeed()),
      String(FAULTS),
    ]);
    const [, hit = "0", , told = "0"] = /(\d+) faults of (\d+), (\d+) told, 0 broken promises/.exec(
      output,
    ) ?? [output];
    if (exitCode !== 0) throw new Error(output);
    // A few calls are not made again in every run, such as a look that is due after a second.
    expect(Number(hit)).toBeGreaterThan(0.9 * FAULTS);
    expect(Number(told)).toBeGreaterThan(0);
  },
  TEST_MS_MAX,
);
