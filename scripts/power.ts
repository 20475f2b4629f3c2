/**
 * Power cuts of the tracker's store in any number, `npm run test:power [-- --images 10000]`; with `--faults` instead every
 * single fault of the disk during one history. Replayed by `P2P_SEED`.
 *
 * Each thousand images is of a history of its own. Ends with a line of counts, and 1 if any image was not kept or any fault
 * not borne. The controls, which must fail, are part of `npm test`.
 */
import { parseArgs } from "node:util";
import { type Survey, surveyPowerCuts } from "../src/testing/power/cut-survey.ts";
import { FaultTrial } from "../src/testing/power/disk-faults.ts";
import { whyNotHere } from "../src/testing/power/record.ts";
import { runSeed } from "../src/testing/run-seed.ts";
import { TempFolder } from "../src/testing/temp-folder.ts";

const IMAGES_DEFAULT = 10_000;
const FAULT_STEPS = 16;
const IMAGES_OF_ONE_HISTORY = 1_000;

function readOptions(): { readonly images: number; readonly faults: boolean } {
  const { values } = parseArgs({
    options: { images: { type: "string" }, faults: { type: "boolean", default: false } },
    strict: true,
  });
  const images = Number(values.images ?? IMAGES_DEFAULT);
  if (Number.isInteger(images) && images > 0) return { images, faults: values.faults };
  console.error(`--images is a number above 0, not ${values.images}`);
  process.exit(2);
}

function tell({ images, kept, lost, damaged, inCheckpoint, examples }: Survey, seed: number): void {
  console.log(
    `seed ${seed}: ${images} images (${inCheckpoint} of cuts in a checkpoint), ${kept} kept, ${lost} lost answers, ${damaged} damaged`,
  );
  for (const example of examples) console.log(`  ${example}`);
}

/** @returns whether every image was kept */
async function cutPower(images: number, firstSeed: number): Promise<boolean> {
  let bad = 0;
  for (let done = 0, seed = firstSeed; done < images; done += IMAGES_OF_ONE_HISTORY, seed++) {
    await using folder = await TempFolder.make();
    const survey = await surveyPowerCuts({
      seed,
      images: Math.min(IMAGES_OF_ONE_HISTORY, images - done),
      synchronous: "FULL",
      folder: folder.path,
    });
    tell(survey, seed);
    bad += survey.images - survey.kept;
  }
  console.log(`${images} images, ${bad} not kept`);
  return bad === 0;
}

/** @returns whether every fault was borne */
async function failCalls(seed: number): Promise<boolean> {
  await using folder = await TempFolder.make();
  const trial = new FaultTrial({ seed, steps: FAULT_STEPS, folder: folder.path });
  const results = await trial.bearAll(await trial.faults());
  const bad = results.filter(({ complaints }) => complaints.length > 0);
  for (const { fault, complaints } of bad)
    console.log(`${fault.call} ${fault.at} with ${fault.error}: ${complaints.join("; ")}`);
  const refused = results.filter(({ isRefused }) => isRefused).length;
  console.log(`${results.length} faults (${refused} answered with a failure), ${bad.length} not borne`);
  return bad.length === 0;
}

const why = whyNotHere();
if (why !== undefined) {
  console.error(`nothing was tried: ${why}`);
  process.exit(2);
}
const { images, faults } = readOptions();
const seed = runSeed();
process.exit((await (faults ? failCalls(seed) : cutPower(images, seed))) ? 0 : 1);
