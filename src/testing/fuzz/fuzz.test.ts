/** Some inputs of every target; `npm run test:fuzz -- --runs 10000000` makes more of them. */
import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type ChildRun, childRun } from "../child-runs.ts";
import { runSeed } from "../run-seed.ts";
import { SIM_RUN_MS_MAX } from "../sim-runs.ts";
import { runsInTests } from "./fuzz-target.ts";
import { FUZZ_TARGETS } from "./fuzz-targets.ts";

/** Enough of them that two processes end at about the same time. */
const PARTS = 8;
const seed = runSeed();
const partOf = (index: number) => index % PARTS;
let runs: readonly Promise<ChildRun>[] = [];

beforeAll(() => {
  runs = Array.from({ length: PARTS }, (_, part) => {
    const names = FUZZ_TARGETS.flatMap(({ name }, index) => (partOf(index) === part ? ["--only", name] : []));
    return childRun([join("scripts", "fuzz.ts"), "--seed", String(seed), "--runs", "some", ...names]);
  });
});

/** What the run says of that target: its line, or the whole report of what is wrong. */
function saidOf(name: string, { output }: ChildRun): string {
  const from = output.split("\n").findIndex((line) => line.startsWith(`${name}: `));
  return from < 0 ? output : (output.split("\n")[from] ?? "");
}

describe(`no input breaks a decoder, from seed ${seed} on`, () => {
  for (const [index, target] of FUZZ_TARGETS.entries())
    test(
      target.name,
      async () => {
        const run = await runs[partOf(index)];
        if (run === undefined) throw new Error("no run");
        const said = saidOf(target.name, run);
        const [, inputs, accepted] = /: (\d+) inputs, \d+ a second, (\d+) accepted/.exec(said) ?? [];
        if (inputs === undefined) throw new Error(said);
        expect(Number(inputs)).toBe(runsInTests(target));
        // Inputs that are all refused, or all taken, show little.
        expect(Number(accepted)).toBeGreaterThan(0);
        expect(Number(accepted)).toBeLessThan(Number(inputs));
      },
      SIM_RUN_MS_MAX,
    );
});
