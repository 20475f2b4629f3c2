import { beforeAll, expect, test } from "bun:test";
import type { ChildRun } from "./child-runs.ts";
import { plantedFor } from "./planted-bugs.ts";
import { SIM_RUN_MS_MAX, simRun } from "./sim-runs.ts";

const SEEDS_MAX = 20_000;
const runs = new Map<string, Promise<ChildRun>>();

function firstSeedOf(planted: string): Promise<ChildRun> {
  return simRun("--planted", planted, "--seeds", String(SEEDS_MAX));
}

beforeAll(() => {
  for (const { name } of plantedFor("simulation")) runs.set(name, firstSeedOf(name));
});

for (const { name } of plantedFor("simulation"))
  test(
    `a tracker with this bug is caught: ${name}`,
    async () => {
      const run = await runs.get(name);
      expect(run?.output).toMatch(/seed \d+ breaks a promise: /);
      expect(run?.exitCode).toBe(1);
    },
    SIM_RUN_MS_MAX,
  );

test(
  "a planted bug that fits nowhere is an error, not a pass",
  async () => {
    const { exitCode, output } = await firstSeedOf("no such bug");
    expect(output).toContain("no planted bug named no such bug");
    expect(exitCode).toBe(2);
  },
  SIM_RUN_MS_MAX,
);
