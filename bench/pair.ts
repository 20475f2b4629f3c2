/**
 * One seeder to one downloader on loopback, encrypted, verified and on disk, against `curl` from nginx piped through
 * `sha1sum`: `npm run bench [-- --mib 1024 --rounds 5]`.
 *
 * Printed, never asserted: a number depends on the machine. The two take turns, each round compares neighbours, and the
 * median of the ratios is quoted with its spread. Peak resident memory is what the kernel counted for each process.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildBinary } from "../e2e/harness/binary.ts";
import { MiB, sha1Of, writeRandomFile } from "../e2e/harness/files.ts";
import { World } from "../e2e/harness/world.ts";
import { formatBytes } from "../src/base/text.ts";
import { missingForBaseline, Nginx } from "./nginx.ts";
import { peakResidentBytes, processorSeconds } from "./process-cost.ts";
import { neighbourRatios, spreadOf } from "./ratios.ts";

const GROUP = "bench";
const FILE = "data.bin";
const TOUCHED_BYTES = 512 * MiB;

interface Sizes {
  readonly bytes: number;
  readonly rounds: number;
}

function readSizes(): Sizes {
  const { values } = parseArgs({
    options: { mib: { type: "string", default: "1024" }, rounds: { type: "string", default: "5" } },
  });
  const whole = (name: "mib" | "rounds") => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`--${name} is a number from 1, given: ${values[name]}`);
    return value;
  };
  return { bytes: whole("mib") * MiB, rounds: whole("rounds") };
}

/**
 * A virtual machine gives memory that lay unused back to its host, and gets it again slowly: whoever runs first would
 * pay for it. So the pages a run needs are used right before it: for its memory, its output, and the file it reads.
 */
async function touch(world: World, bytes: number, original: string): Promise<void> {
  Buffer.alloc(TOUCHED_BYTES, 1);
  const scratch = world.path("scratch");
  writeRandomFile(scratch, bytes, 1);
  rmSync(scratch);
  await sha1Of(original);
}

interface Run {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakBytes: number;
}

/** A machine that never saw the file, each time: its own key and folder, the same account. */
async function downloadOnce(world: World, round: number): Promise<Run> {
  await using client = world.startClient(`downloader-${round}`);
  await client.ok("login down secret");
  const destination = join(world.dir(client.name, "files"), FILE);
  const processorBefore = processorSeconds(client);
  const startedMs = performance.now();
  client.write(`download_file ${GROUP} ${FILE} ${destination}\n`);
  await client.downloaded(destination);
  const seconds = (performance.now() - startedMs) / 1000;
  const peakBytes = peakResidentBytes(client);
  const spent = processorSeconds(client) - processorBefore;
  rmSync(destination);
  return { seconds, processorSeconds: spent, peakBytes };
}

async function prepare(world: World, original: string) {
  const tracker = await world.startTracker();
  const seeder = world.startClient("seeder");
  await using other = world.startClient("other");
  for (const [client, user] of [
    [seeder, "seed"],
    [other, "down"],
  ] as const) {
    await client.ok(`create_user ${user} secret`);
    await client.ok(`login ${user} secret`);
  }
  await seeder.ok(`create_group ${GROUP}`);
  await other.ok(`join_group ${GROUP}`);
  await seeder.ok(`accept_request ${GROUP} down`);
  const startedMs = performance.now();
  await seeder.ok(`upload_file ${original} ${GROUP}`);
  return { tracker, seeder, shareSeconds: (performance.now() - startedMs) / 1000 };
}

function printRates(name: string, bytes: number, seconds: readonly number[]): void {
  const rates = seconds.map((value) => bytes / value);
  const { median, least, most } = spreadOf(rates);
  const shown = (rate: number) => `${formatBytes(rate)}/s`;
  console.log(`  ${name.padEnd(22)} median ${shown(median)} (${shown(least)} to ${shown(most)})`);
}

interface Measurement {
  /** Seconds of each fetch; one more than downloads. */
  readonly curl: readonly number[];
  readonly downloads: readonly Run[];
  readonly shareSeconds: number;
  readonly seedingProcessorSeconds: number;
  readonly seederPeakBytes: number;
  readonly trackerPeakBytes: number;
}

async function measure(world: World, { bytes, rounds }: Sizes): Promise<Measurement> {
  const original = join(world.dir("seeder", "files"), FILE);
  writeRandomFile(original, bytes, 1);
  const sha1 = await sha1Of(original);
  const { tracker, seeder, shareSeconds } = await prepare(world, original);
  await using nginx = await Nginx.start(world.dir("nginx"), world.dir("seeder", "files"));

  const seederBefore = processorSeconds(seeder);
  const curl: number[] = [];
  const downloads: Run[] = [];
  for (let round = 0; ; round++) {
    await touch(world, bytes, original);
    curl.push(await nginx.fetch(FILE, sha1));
    if (round === rounds) break;
    await touch(world, bytes, original);
    const run = await downloadOnce(world, round);
    downloads.push(run);
    console.log(`  round ${round + 1}: curl ${curl.at(-1)?.toFixed(2)} s, p2p ${run.seconds.toFixed(2)} s`);
  }
  return {
    curl,
    downloads,
    shareSeconds,
    seedingProcessorSeconds: (processorSeconds(seeder) - seederBefore) / rounds,
    seederPeakBytes: peakResidentBytes(seeder),
    trackerPeakBytes: peakResidentBytes(tracker),
  };
}

function report({ bytes, rounds }: Sizes, measured: Measurement): void {
  const { curl, downloads } = measured;
  const seconds = downloads.map((run) => run.seconds);
  const rate = (value: number) => bytes / value;
  const ratios = spreadOf(neighbourRatios(curl.map(rate), seconds.map(rate)));
  const downloading = spreadOf(downloads.map((run) => run.processorSeconds)).median;
  console.log(`\n${formatBytes(bytes)}, loopback, ${rounds} rounds, ${navigator.hardwareConcurrency} cores`);
  printRates("curl | sha1sum", bytes, curl);
  printRates("p2p", bytes, seconds);
  console.log(
    `  p2p is ${ratios.median.toFixed(2)} times as fast (${ratios.least.toFixed(2)} to ${ratios.most.toFixed(2)})`,
  );
  console.log(`  sharing (hashing all of it once): ${formatBytes(bytes / measured.shareSeconds)}/s`);
  console.log(
    `  processor time of a download ${downloading.toFixed(2)} s, of seeding it ${measured.seedingProcessorSeconds.toFixed(2)} s`,
  );
  console.log("  peak resident memory:");
  console.log(`    downloader ${formatBytes(Math.max(...downloads.map((run) => run.peakBytes)))}`);
  console.log(`    seeder     ${formatBytes(measured.seederPeakBytes)}`);
  console.log(`    tracker    ${formatBytes(measured.trackerPeakBytes)}`);
}

async function main(): Promise<void> {
  const sizes = readSizes();
  const missing = missingForBaseline();
  if (missing !== undefined) {
    console.log(`skipped: ${missing}`);
    return;
  }
  await buildBinary();
  await using world = new World();
  report(sizes, await measure(world, sizes));
}

process.exit(
  await main().then(
    () => 0,
    (error: unknown) => {
      console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    },
  ),
);
