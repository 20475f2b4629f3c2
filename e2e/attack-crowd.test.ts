/** Connections without end that mean nothing, at both listeners: those who have a right to be there go on beside them. */
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./harness/client.ts";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { enter, formGroup } from "./harness/group.ts";
import type { Tracker } from "./harness/tracker.ts";
import { calmAgain, HAS_VITALS, inWords, vitalsOf } from "./harness/vitals.ts";
import { World } from "./harness/world.ts";
import { Attacker } from "./hostile/attacker.ts";
import type { CrowdOrder, Idleness } from "./hostile/order.ts";

const FILE_BYTES = 192 * MiB;
const CROWD = 5_000;
const PAIRS = 3;
const EVERY_KIND: readonly Idleness[] = ["mute", "drip", "keyed", "greeted"];

interface Lab {
  readonly world: World;
  readonly tracker: Tracker;
  readonly ann: Client;
  readonly bob: Client;
  readonly seederPort: number;
}

/** Of what `whoami` says. */
async function portOf(client: Client): Promise<number> {
  await client.run("list_groups");
  const line = client.out.findLast((text) => text.startsWith("listening")) ?? "";
  return Number(/:(\d+)$/.exec(line)?.[1]);
}

async function lab(world: World): Promise<Lab> {
  const tracker = await world.startTracker();
  const ann = world.startClient("ann");
  const bob = world.startClient("bob");
  for (const client of [ann, bob]) await enter(client);
  await formGroup(ann, [bob]);
  return { world, tracker, ann, bob, seederPort: await portOf(ann) };
}

let filesMade = 0;

/** @returns the name of a file that nobody has fetched yet */
async function share({ world, ann }: Lab): Promise<string> {
  const name = `film-${++filesMade}.bin`;
  const path = join(world.dir("ann", "files"), name);
  writeRandomFile(path, FILE_BYTES, filesMade);
  await ann.ok(`upload_file ${path} lab`);
  return name;
}

/** @returns MiB a second, from the command to the file in its place */
async function fetchRate(here: Lab): Promise<number> {
  const { world, bob } = here;
  const name = await share(here);
  const copy = join(world.dir("bob", "files"), name);
  const startMs = performance.now();
  await bob.ok(`download_file lab ${name} ${copy}`);
  await bob.downloaded(copy);
  const rate = FILE_BYTES / MiB / ((performance.now() - startMs) / 1000);
  const original = join(world.dir("ann", "files"), name);
  expect(await sha1Of(copy)).toBe(await sha1Of(original));
  for (const path of [copy, original]) rmSync(path);
  return rate;
}

function crowdAt(port: number, listener: "tracker" | "peer", over: Partial<CrowdOrder> = {}): Attacker {
  return Attacker.start({
    attack: "crowd",
    target: { port, listener },
    connections: CROWD,
    addresses: 50,
    from: 0,
    kinds: EVERY_KIND,
    ...over,
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

test.skipIf(!HAS_VITALS)(
  "beside 5,000 idle connections, at the tracker or at the seeder, a download reaches at least half its undisturbed rate",
  async () => {
    await using world = new World();
    const here = await lab(world);
    const { tracker, ann, seederPort } = here;
    await fetchRate(here);
    const [trackerPort = 0] = world.ports;
    const before = { tracker: vitalsOf(tracker), ann: vitalsOf(ann) };
    for (const listener of ["tracker", "peer"] as const) {
      const ratios: number[] = [];
      const rates: string[] = [];
      for (let pair = 0; pair < PAIRS; pair++) {
        const quiet = await fetchRate(here);
        await using crowd = crowdAt(listener === "tracker" ? trackerPort : seederPort, listener);
        await crowd.until(({ begun }) => begun >= CROWD);
        if (listener === "tracker") await crowd.until(({ open }) => open > 0.9 * CROWD);
        const crowded = await fetchRate(here);
        ratios.push(crowded / quiet);
        rates.push(`${crowded.toFixed(0)}/${quiet.toFixed(0)}`);
        console.log(JSON.stringify(crowd.tally), inWords(vitalsOf(tracker)), inWords(vitalsOf(ann)));
      }
      console.log(`${listener}: ${rates.join(", ")} MiB/s, median ${median(ratios).toFixed(2)}`);
      expect(median(ratios)).toBeGreaterThanOrEqual(0.5);
    }
    console.log("tracker", inWords(before.tracker), inWords(await calmAgain(tracker, before.tracker)));
    console.log("seeder", inWords(before.ann), inWords(await calmAgain(ann, before.ann)));
  },
);
