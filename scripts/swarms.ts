/**
 * Runs swarms in which most sources lie: `npm run test:swarms -- [--seeds N] [--from S] [--planted NAME]`.
 *
 * Prints what the liars got for it, or the first seed that breaks a promise; the same seed does the same again. With
 * `--planted` a wrong variant of the program is run, in a child process, and a broken promise is what is hoped for. Exit
 * code: 0 no promise broken, 1 one broken, 2 anything else.
 */
import { parseArgs } from "node:util";
import { AssertionError } from "../src/base/assert.ts";
import { runHostileSwarm, type SwarmResult } from "../src/testing/hostile-swarm.ts";
import { LIE_NAMES } from "../src/testing/lying-source.ts";
import { inPlantedChild } from "./planted-child.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    planted: { type: "string" },
  },
});

function summary(results: readonly SwarmResult[]): string {
  const sum = (of: (result: SwarmResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const lies = new Set(results.flatMap((result) => result.lies)).size;
  return (
    `${lies} of ${LIE_NAMES.length} lies told, ${sum((result) => result.wrongPieces)} wrong pieces refused, ` +
    `${sum((result) => result.dropped)} liars dropped`
  );
}

async function simulate(from: number, seeds: number): Promise<number> {
  const results: SwarmResult[] = [];
  for (let seed = from; seed < from + seeds; seed++) {
    try {
      results.push(await runHostileSwarm(seed));
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      console.log(`seed ${seed} breaks a promise: ${error.message}`);
      console.log(`again: npm run test:swarms -- --from ${seed} --seeds 1`);
      return 1;
    }
  }
  console.log(`${seeds} hostile swarms from ${from} on: no promise broken, ${summary(results)}`);
  return 0;
}

function main(): Promise<number> {
  const { from, seeds, planted } = values;
  if (planted !== undefined) return inPlantedChild(planted, "swarms.ts", ["--from", from, "--seeds", seeds]);
  return simulate(Number(from), Number(seeds));
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(error);
    return 2;
  }),
);
