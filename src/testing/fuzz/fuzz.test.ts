/** Some inputs of every target; `npm run test:fuzz -- --runs 10000000` makes more of them. */
import { describe, expect, test } from "bun:test";
import { runSeed } from "../run-seed.ts";
import { describeFinding, fuzz } from "./fuzz-run.ts";
import { FUZZ_TARGETS } from "./fuzz-targets.ts";

const RUNS_IN_TESTS = 10_000;
/** A machine that does much else beside. */
const TARGET_MS_MAX = 120_000;
const seed = runSeed();

describe(`no input breaks a decoder, from seed ${seed} on`, () => {
  for (const target of FUZZ_TARGETS) {
    const runs = target.fewer?.runs ?? RUNS_IN_TESTS;
    test(
      target.name,
      async () => {
        const { finding, accepted } = await fuzz(target, seed, runs);
        if (finding !== undefined) throw new Error(describeFinding(finding));
        // Inputs that are all refused, or all taken, show little.
        expect(accepted).toBeGreaterThan(0);
        expect(accepted).toBeLessThan(runs);
      },
      TARGET_MS_MAX,
    );
  }
});
