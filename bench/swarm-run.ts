/**
 * One run of one contender: opened, told to begin, timed to the last byte on disk, held against the original, closed.
 *
 * Only fetching is timed. What the memory of a virtual machine would add is paid before (`touch`).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MiB, sha1Of, writeRandomFile } from "../e2e/harness/files.ts";
import type { Contender, Downloader, Layout, Original, Swarm } from "./contenders/contender.ts";
import { peakResidentBytes, processorSeconds } from "./process-cost.ts";

const TOUCHED_BYTES_MAX = 512 * MiB;

export interface Run {
  /** Of each downloader, in the layout's order. */
  readonly seconds: readonly number[];
  /** Of all ends together; NaN where processes are not counted. */
  readonly processorSeconds: number;
  readonly peakDownloaderBytes: number;
  readonly peakSeederBytes: number;
}

export function secondsOfLast({ seconds }: Run): number {
  return Math.max(...seconds);
}

/**
 * A virtual machine gives memory that lay unused back to its host, and gets it again slowly: whoever runs first would
 * pay for it. So the pages a run needs are used right before it: for the file it reads, its memory, and last its output,
 * whose pages lie free from then on and would be given back first.
 */
export async function touch(folder: string, bytes: number, read?: string): Promise<void> {
  if (read !== undefined) await sha1Of(read);
  Buffer.alloc(Math.min(TOUCHED_BYTES_MAX, Math.max(64 * MiB, bytes)), 1);
  const scratch = join(folder, "scratch");
  writeRandomFile(scratch, bytes, 1);
  rmSync(scratch);
}

export async function runOnce(contender: Contender, layout: Layout, original: Original): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), `${contender.name.replaceAll(/\W/g, "-")}-`));
  try {
    await using swarm = await contender.open(folder, layout, original);
    await touch(folder, original.bytes * layout.downloaders.length, original.path);
    return await timed(swarm, original);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function timed({ downloaders, seederPids }: Swarm, original: Original): Promise<Run> {
  const isCounted = seederPids.length > 0;
  const spent = () => {
    const downloading = downloaders.flatMap((each) => each.pid() ?? []);
    return isCounted
      ? sum([...seederPids, ...downloading].map((pid) => processorSeconds({ pid })))
      : Number.NaN;
  };
  const spentBefore = spent();
  const startedMs = performance.now();
  const seconds = await Promise.all(
    downloaders.map(async (each) => {
      await each.fetch();
      return (performance.now() - startedMs) / 1000;
    }),
  );
  const run = {
    seconds,
    processorSeconds: spent() - spentBefore,
    peakDownloaderBytes: peakOf(downloaders.flatMap((each) => each.pid() ?? [])),
    peakSeederBytes: peakOf(seederPids),
  };
  for (const each of downloaders) await check(each, original);
  return run;
}

function peakOf(pids: readonly number[]): number {
  return pids.length === 0 ? Number.NaN : Math.max(...pids.map((pid) => peakResidentBytes({ pid })));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function check({ destination }: Downloader, { sha1 }: Original): Promise<void> {
  if (destination === undefined) return;
  if ((await sha1Of(destination)) !== sha1) throw new Error(`${destination} is not the file that was shared`);
}
