import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type ChildRun, childRun } from "./child-runs.ts";
import { PLANTED_HOLES, type PlantedHole } from "./planted-holes.ts";

const RUN_MS_MAX = 300_000;
/** Where the defence was a bound on waiting, the test that misses it waits in vain. */
const WAIT_MS_MAX = 5_000;

const runs = new Map<string, Promise<ChildRun>>();

/** Runs the one test against the program with the hole. */
function runWith({ name, caughtBy }: PlantedHole): Promise<ChildRun> {
  const title = caughtBy.test.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const preload = ["--preload", `./${join("scripts", "plant.ts")}`];
  const args = [
    "test",
    ...preload,
    "--timeout",
    String(WAIT_MS_MAX),
    `./${join("src", caughtBy.file)}`,
    "-t",
    title,
  ];
  return childRun(args, { P2P_PLANTED: name });
}

beforeAll(() => {
  for (const hole of PLANTED_HOLES) runs.set(hole.name, runWith(hole));
});

for (const { name, caughtBy } of PLANTED_HOLES)
  test(
    `it is noticed if the program ${name}`,
    async () => {
      const { output = "", exitCode } = (await runs.get(name)) ?? {};
      const failed = output.split("\n").filter((line) => line.startsWith("(fail)"));
      if (!failed.some((line) => line.includes(caughtBy.test))) throw new Error(`nobody noticed:\n${output}`);
      expect(exitCode).toBe(1);
    },
    RUN_MS_MAX,
  );
