/**
 * Runs the simulations of trackers: `npm run test:sim -- [--world cluster|merge] [--seeds N] [--from S] [--planted NAME]`.
 *
 * Prints seeds a second, or the first seed that breaks a promise with what happened last; the same seed does the same
 * again. With `--planted` a wrong variant of the program is run, in a child process, and a broken promise is what is
 * hoped for. Exit code: 0 no promise broken, 1 one broken, 2 anything else.
 */
import { parseArgs } from "node:util";
import { plantedFor } from "../src/testing/planted-bugs.ts";
import { SimViolation } from "../src/testing/sim-history.ts";
import { inPlantedChild } from "./planted-child.ts";

type World = "cluster" | "merge";

/** What came of one seed. */
interface Outcome {
  /** The promise that was broken, if one was. */
  readonly broken: string | undefined;
  /** Before that. */
  readonly events: readonly string[];
  readonly entries: number;
}

type Run = (seed: number) => Outcome;

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    world: { type: "string" },
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    planted: { type: "string" },
  },
});

async function runOf(world: World): Promise<Run> {
  if (world === "cluster") {
    const { runCluster, describe } = await import("../src/testing/sim-world.ts");
    return (seed) => {
      const report = runCluster(seed);
      return { broken: report.broken, events: describe(report), entries: report.entries };
    };
  }
  const { runMerge } = await import("../src/testing/sim-merge.ts");
  return (seed) => {
    try {
      return { broken: undefined, events: [], entries: runMerge(seed) };
    } catch (error) {
      if (!(error instanceof SimViolation)) throw error;
      return { broken: error.message, events: [], entries: 0 };
    }
  };
}

async function simulate(world: World, from: number, seeds: number): Promise<number> {
  const run = await runOf(world);
  const startedMs = performance.now();
  let made = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const { broken, events, entries } = run(seed);
    made += entries;
    if (broken === undefined) continue;
    for (const event of events) console.log(event);
    console.log(`seed ${seed} breaks a promise: ${broken}`);
    console.log(`again: npm run test:sim -- --world ${world} --from ${seed} --seeds 1${plantedArgument()}`);
    return 1;
  }
  const perSecond = (seeds / ((performance.now() - startedMs) / 1000)).toFixed(1);
  console.log(
    `${seeds} seeds of ${world} from ${from} on, ${perSecond} a second: no promise broken, ${made} entries made`,
  );
  return 0;
}

function plantedArgument(): string {
  const name = process.env["P2P_PLANTED"];
  return name === undefined ? "" : ` --planted '${name}'`;
}

function inChild(planted: string): Promise<number> {
  const world = values.world ?? plantedFor("simulation").find(({ name }) => name === planted)?.caughtBy.world;
  const args = ["--world", world ?? "cluster", "--seeds", values.seeds, "--from", values.from];
  return inPlantedChild(planted, "sim.ts", args);
}

function main(): Promise<number> {
  if (values.planted !== undefined) return inChild(values.planted);
  const world = values.world ?? "cluster";
  if (world !== "cluster" && world !== "merge") throw new Error(`no world named ${world}`);
  return simulate(world, Number(values.from), Number(values.seeds));
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(error);
    return 2;
  }),
);
