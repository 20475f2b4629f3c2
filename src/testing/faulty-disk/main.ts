/**
 * Makes disk calls of the transfer fail, one in each trial, and prints what broke a promise: a line of JSON each, then a
 * last line that counts. Its arguments: a seed, and how many faults to try, drawn by it; all that there are without.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Prng } from "../../base/prng.ts";
import type { PlannedFault } from "./fault-gate.ts";
import { faultsOf, runTrial, SCENES, type Scene } from "./trial.ts";

const [seed = "1", faultsMax = "1000000"] = process.argv.slice(2);
const dice = new Prng(Number(seed));
const root = await mkdtemp(join(tmpdir(), "p2p-faults-"));
let trials = 0;
let hit = 0;
let told = 0;
let current = "";
let broken = 0;

function complain(what: unknown): void {
  broken++;
  console.log(JSON.stringify({ trial: current, broken: String(what) }));
}

process.on("unhandledRejection", (error) => complain(`nobody waits for this failure: ${error}`));
process.on("uncaughtException", (error) => complain(`an exception: ${error}`));

async function tryOne(scene: Scene, planned?: PlannedFault): Promise<readonly string[]> {
  current = `${scene}: ${planned?.call ?? "no fault"} ${planned?.fault ?? ""}`;
  const folder = join(root, String(trials++));
  try {
    const { isHit, failures, calls } = await runTrial(folder, scene, planned);
    if (failures.length > 0) told++;
    if (planned === undefined && failures.length > 0) complain(failures);
    if (planned !== undefined && isHit) hit++;
    return calls;
  } catch (error) {
    complain(error instanceof Error ? error.message : error);
    return [];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const faults: { readonly scene: Scene; readonly planned: PlannedFault }[] = [];
for (const scene of SCENES)
  for (const call of new Set(await tryOne(scene)))
    for (const fault of faultsOf(call)) faults.push({ scene, planned: { call, fault } });
for (const { scene, planned } of dice.shuffle(faults).slice(0, Number(faultsMax)))
  await tryOne(scene, planned);
await rm(root, { recursive: true });
console.log(`${hit} faults of ${faults.length}, ${told} told, ${broken} broken promises`);
process.exit(broken === 0 ? 0 : 1);
