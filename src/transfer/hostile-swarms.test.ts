/** Swarms in which most sources lie, on real engines over a simulated network and disk: `npm run test:swarms` runs more. */
import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type ChildRun, childRun } from "../testing/child-runs.ts";
import { LIE_NAMES } from "../testing/lying-source.ts";
import { plantedFor } from "../testing/planted-bugs.ts";
import { runSeed } from "../testing/run-seed.ts";

const SWARMS = 1_000;
/** Each in a process of its own, two at a time. */
const PARTS = 2;
/** Far more than it takes to tell every lie. */
const PLANTED_SWARMS_MAX = 1_000;
/** On a machine that does other things too. */
const TEST_MS_MAX = 600_000;

const swarms = (...args: readonly string[]) => childRun([join("scripts", "swarms.ts"), ...args]);
const parts: Promise<ChildRun>[] = [];
const planted = new Map<string, Promise<ChildRun>>();

beforeAll(() => {
  const seed = runSeed();
  for (let part = 0; part < PARTS; part++) {
    const from = seed + (part * SWARMS) / PARTS;
    parts.push(swarms("--from", String(from), "--seeds", String(SWARMS / PARTS)));
  }
  for (const { name } of plantedFor("swarms"))
    planted.set(name, swarms("--planted", name, "--seeds", String(PLANTED_SWARMS_MAX)));
});

test(
  `in ${SWARMS} companies of liars every honest download ends right, no wrong byte is written, no buffer is left held`,
  async () => {
    for (const part of parts) {
      const { output, exitCode } = await part;
      expect(output).toContain("no promise broken");
      expect(output).toContain(`${LIE_NAMES.length} of ${LIE_NAMES.length} lies told`);
      expect(exitCode).toBe(0);
    }
  },
  TEST_MS_MAX,
);

for (const { name } of plantedFor("swarms"))
  test(
    `an engine with this bug is caught by them: ${name}`,
    async () => {
      const run = await planted.get(name);
      expect(run?.output).toMatch(/seed \d+ breaks a promise: /);
      expect(run?.exitCode).toBe(1);
    },
    TEST_MS_MAX,
  );
