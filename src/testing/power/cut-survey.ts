/**
 * Many power cuts of one seed: records the store at work, judges the images, counts what became of them.
 *
 * Most cuts are made of a short history, whose images are small; the others of one long enough that SQLite checkpoints
 * its write-ahead log in between and begins it anew.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { TempFolder } from "../temp-folder.ts";
import type { Synchronous } from "./driver-order.ts";
import { type Cut, powerCuts } from "./power-cuts.ts";
import { record } from "./record.ts";
import { storeScript } from "./store-script.ts";

export interface History {
  readonly steps: number;
  /** Of the images. */
  readonly share: number;
}

const HISTORIES: readonly History[] = [
  { steps: 24, share: 0.85 },
  { steps: 135, share: 0.15 },
];
/** Shows quickly what a weaker setting does. */
export const SHORT_HISTORY: readonly History[] = [{ steps: 24, share: 1 }];

export interface SurveyPlan {
  readonly seed: number;
  readonly images: number;
  readonly synchronous: Synchronous;
  /** Instead of the usual ones. */
  readonly histories?: readonly History[];
  /** Real; the recorded stores are made in it. */
  readonly folder: string;
}

export interface Survey {
  readonly images: number;
  readonly kept: number;
  readonly lost: number;
  readonly damaged: number;
  readonly inCheckpoint: number;
  /** In any one image. */
  readonly answersLostMax: number;
  /** A few of those not kept, in words. */
  readonly examples: readonly string[];
}

const EXAMPLES_MAX = 5;
/** Far more than one image with what SQLite puts beside it. */
const IMAGE_BYTES_MAX = 50_000_000;

/** @throws Error if the process under test did anything but end well */
export async function surveyPowerCuts(plan: SurveyPlan): Promise<Survey> {
  const cuts: Cut[] = [];
  // Their syncs would be most of the time, and nobody cuts the power of the machine that judges.
  await using images = await TempFolder.inMemory(IMAGE_BYTES_MAX);
  for (const [index, { steps, share }] of (plan.histories ?? HISTORIES).entries()) {
    const { seed, synchronous } = plan;
    const folder = join(plan.folder, `history-${index}`);
    mkdirSync(join(folder, "store"), { recursive: true });
    const { events, exitCode, stderr } = await record({ seed, steps, synchronous }, folder);
    if (exitCode !== 0 || stderr !== "")
      throw new Error(`the store's process ended with ${exitCode}: ${stderr}`);
    const script = storeScript(seed, steps);
    cuts.push(
      ...powerCuts({ script, events, images: Math.round(share * plan.images), seed, folder: images.path }),
    );
  }
  return count(cuts);
}

function count(cuts: readonly Cut[]): Survey {
  const ofKind = (kind: Cut["verdict"]["kind"]) => cuts.filter(({ verdict }) => verdict.kind === kind).length;
  return {
    images: cuts.length,
    kept: ofKind("kept"),
    lost: ofKind("lost"),
    damaged: ofKind("damaged"),
    inCheckpoint: cuts.filter((cut) => cut.isInCheckpoint).length,
    answersLostMax: Math.max(0, ...cuts.map(({ verdict }) => (verdict.kind === "lost" ? verdict.steps : 0))),
    examples: cuts.flatMap(exampleOf).slice(0, EXAMPLES_MAX),
  };
}

function exampleOf({ at, answered, verdict }: Cut): string[] {
  const where = `cut before call ${at}, after answer ${answered}`;
  if (verdict.kind === "lost") return [`${where}: ${verdict.steps} answered steps are lost`];
  return verdict.kind === "damaged" ? [`${where}: ${verdict.why}`] : [];
}
