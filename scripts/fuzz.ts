/**
 * Fuzzes the decoders: `npm run test:fuzz -- [--runs N] [--seed S] [--only NAME]... [--planted NAME]`.
 *
 * Prints of each target how many inputs a second it took and how many of them were accepted, or the first input that
 * shows something wrong and how to play it again; then goes on with the next target. `--runs some` makes as many inputs of
 * each target as `npm test` does. `--only` takes a target's name or
 * how several begin. With `--planted` a wrong variant of the program is fuzzed, in a child process, by the targets that
 * are to catch it. Exit code: 0 nothing found, 1 something, 2 anything else.
 */
import { parseArgs } from "node:util";
import { randomSeed } from "../src/base/random.ts";
import type { FuzzTarget } from "../src/testing/fuzz/fuzz-target.ts";
import { PLANTED_BUGS } from "../src/testing/planted-bugs.ts";
import { inPlantedChild } from "./planted-child.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    runs: { type: "string", default: "100000" },
    seed: { type: "string" },
    only: { type: "string", multiple: true, default: [] },
    planted: { type: "string" },
  },
});

/** A target of that very name, else all whose names begin so. */
function chosen(all: readonly FuzzTarget[], only: readonly string[]): readonly FuzzTarget[] {
  if (only.length === 0) return all;
  return only.flatMap((text) => {
    const exact = all.filter(({ name }) => name === text);
    const found = exact.length > 0 ? exact : all.filter(({ name }) => name.startsWith(text));
    if (found.length === 0)
      throw new Error(`no target named ${text}; there are: ${all.map(({ name }) => name).join(", ")}`);
    return found;
  });
}

/** @param runs "some": as many as in the tests */
async function fuzzAll(seed: number, runs: number | "some"): Promise<number> {
  const { FUZZ_TARGETS } = await import("../src/testing/fuzz/fuzz-targets.ts");
  const { runsInTests } = await import("../src/testing/fuzz/fuzz-target.ts");
  const { describeFinding, fuzz } = await import("../src/testing/fuzz/fuzz-run.ts");
  let found = 0;
  for (const target of chosen(FUZZ_TARGETS, values.only)) {
    const report = await fuzz(target, seed, runs === "some" ? runsInTests(target) : runs);
    const speed = Math.round(report.runsPerSecond);
    if (report.finding === undefined)
      console.log(`${target.name}: ${report.runs} inputs, ${speed} a second, ${report.accepted} accepted`);
    else console.log(describeFinding(report.finding));
    if (report.finding !== undefined) found++;
  }
  console.log(`seed ${seed}: ${found} targets with something wrong`);
  return found === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const seed = values.seed === undefined ? randomSeed() >>> 0 : Number(values.seed);
  const runs = values.runs === "some" ? values.runs : Number(values.runs);
  if (!Number.isInteger(seed) || (runs !== "some" && (!Number.isInteger(runs) || runs < 1)))
    throw new Error("--seed takes a whole number, --runs one too, or some");
  if (values.planted === undefined) return fuzzAll(seed, runs);
  const only = values.only.length > 0 ? values.only : targetsFor(values.planted);
  const args = ["--runs", values.runs, "--seed", String(seed), ...only.flatMap((name) => ["--only", name])];
  return inPlantedChild(values.planted, "fuzz.ts", args);
}

function targetsFor(planted: string): readonly string[] {
  const caughtBy = PLANTED_BUGS.find(({ name }) => name === planted)?.caughtBy;
  return caughtBy?.suite === "fuzzing" ? [caughtBy.target] : [];
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(error);
    return 2;
  }),
);
