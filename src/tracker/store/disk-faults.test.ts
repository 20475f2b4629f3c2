import { describe, expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { FaultTrial, sampleFaults } from "../../testing/power/disk-faults.ts";
import { whyNotHere } from "../../testing/power/record.ts";
import { runSeed } from "../../testing/run-seed.ts";
import { TempFolder } from "../../testing/temp-folder.ts";

const STEPS = 16;
const FAULTS_EACH = 7;
/** A process for each fault, on a machine that does other things too. */
const TEST_MS_MAX = 120_000;

const why = whyNotHere();
if (why !== undefined) console.error(`skipped: disk faults of the tracker's store: ${why}`);

describe.skipIf(why !== undefined)("a full or failing disk", () => {
  test(
    "is one failure, after which nothing is answered or written and everything answered is there",
    async () => {
      const seed = runSeed();
      await using folder = await TempFolder.make();
      const trial = new FaultTrial({ seed, steps: STEPS, folder: folder.path });
      const faults = sampleFaults(await trial.faults(), FAULTS_EACH, new Prng(seed));
      const results = await trial.bearAll(faults);
      expect(results.filter(({ complaints, isHit }) => complaints.length > 0 || !isHit)).toEqual([]);
      expect(results.filter(({ isRefused }) => isRefused).length).toBeGreaterThan(2 * FAULTS_EACH);
    },
    TEST_MS_MAX,
  );
});
