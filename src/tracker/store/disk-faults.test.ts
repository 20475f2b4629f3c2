import { describe, expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { FaultTrial, sampleFaults } from "../../testing/power/disk-faults.ts";
import { whyNotHere } from "../../testing/power/record.ts";
import { runSeed } from "../../testing/run-seed.ts";
import { TempFolder } from "../../testing/temp-folder.ts";

const STEPS = 16;
const FAULTS_EACH = 4;
const SYNCS = 5;
const CUTS_EACH = 12;
const RECORDED_BYTES_MAX = 100_000_000;
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
      expect(results.filter(({ isRefused }) => isRefused).length).toBeGreaterThan(0);
    },
    TEST_MS_MAX,
  );

  test(
    "whose sync failed takes nothing from what the next process answers, not even with a power cut",
    async () => {
      const seed = runSeed();
      await using folder = await TempFolder.inMemory(RECORDED_BYTES_MAX);
      const trial = new FaultTrial({ seed, steps: STEPS, folder: folder.path });
      const syncs = (await trial.faults()).filter(({ call }) => call === "fsync");
      for (const fault of new Prng(seed).shuffle(syncs).slice(0, SYNCS)) {
        const cuts = await trial.cutAfter(fault, CUTS_EACH);
        const bad = cuts.filter(({ verdict }) => verdict.kind !== "kept");
        expect({ fault, bad }).toEqual({ fault, bad: [] });
      }
    },
    TEST_MS_MAX,
  );
});
