/** Fuzzing can fail: each wrong variant of a decoder is caught by the target that is to catch it. */
import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type ChildRun, childRun } from "../child-runs.ts";
import { plantedFor } from "../planted-bugs.ts";
import { SIM_RUN_MS_MAX } from "../sim-runs.ts";
import { FUZZ_TARGETS } from "./fuzz-targets.ts";

const RUNS = "10000";
const PLANTED = plantedFor("fuzzing");
const runs = new Map<string, Promise<ChildRun>>();

beforeAll(() => {
  for (const { name } of PLANTED)
    runs.set(name, childRun([join("scripts", "fuzz.ts"), "--planted", name, "--runs", RUNS, "--seed", "1"]));
});

for (const { name, caughtBy } of PLANTED)
  test(
    `a decoder with this bug is caught: ${name}`,
    async () => {
      expect(FUZZ_TARGETS.map((target) => target.name)).toContain(caughtBy.target);
      const { output, exitCode } = (await runs.get(name)) ?? {};
      expect(output).toContain(`fuzzing ${caughtBy.target}, seed `);
      expect(output).toContain(`--only '${caughtBy.target}' --seed `);
      expect(exitCode).toBe(1);
    },
    SIM_RUN_MS_MAX,
  );
