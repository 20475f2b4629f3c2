import { describe, expect, test } from "bun:test";
import { type History, SHORT_HISTORY, surveyPowerCuts } from "../../testing/power/cut-survey.ts";
import type { Synchronous } from "../../testing/power/driver-order.ts";
import { whyNotHere } from "../../testing/power/record.ts";
import { runSeed } from "../../testing/run-seed.ts";
import { TempFolder } from "../../testing/temp-folder.ts";

const IMAGES = 1_000;
/** So many show what a weaker setting loses, whatever the seed. */
const CONTROL_IMAGES = 100;
/** Files in the thousands, on a machine that does other things too. */
const TEST_MS_MAX = 120_000;

const why = whyNotHere();
if (why !== undefined) console.error(`skipped: power cuts of the tracker's store: ${why}`);

describe.skipIf(why !== undefined)("a power cut", () => {
  const seed = runSeed();

  async function survey(synchronous: Synchronous, images: number, histories?: readonly History[]) {
    await using folder = await TempFolder.make();
    const plan = { seed, images, synchronous, folder: folder.path };
    return await surveyPowerCuts(histories === undefined ? plan : { ...plan, histories });
  }

  test(
    "at any moment leaves a store that opens with all that it answered, and nothing half",
    async () => {
      const { kept, examples, inCheckpoint } = await survey("FULL", IMAGES);
      expect(examples).toEqual([]);
      expect(kept).toBe(IMAGES);
      expect(inCheckpoint).toBeGreaterThan(IMAGES / 4);
    },
    TEST_MS_MAX,
  );

  test(
    "is seen to lose answers where the store does not sync its log",
    async () => {
      expect((await survey("NORMAL", CONTROL_IMAGES, SHORT_HISTORY)).lost).toBeGreaterThan(0);
    },
    TEST_MS_MAX,
  );

  test(
    "is seen to damage a store that never syncs",
    async () => {
      const { lost, damaged } = await survey("OFF", CONTROL_IMAGES, SHORT_HISTORY);
      expect(lost).toBeGreaterThan(0);
      expect(damaged).toBeGreaterThan(0);
    },
    TEST_MS_MAX,
  );
});
