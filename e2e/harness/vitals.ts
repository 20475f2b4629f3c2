/** What a process holds and has read, as the kernel counts it: to see that an attack leaves nothing behind. Linux. */
import { readdirSync, readFileSync } from "node:fs";
import { MiB } from "./files.ts";
import type { Program } from "./program.ts";
import { HAS_PROC } from "./system.ts";

export const HAS_VITALS = HAS_PROC;

/** What the runtime keeps of what was freed, and gives back when it likes. */
const SLACK_BYTES = 96 * MiB;
/** Of the program itself: a database file that was opened meanwhile, a link between two programs. */
const SLACK_DESCRIPTORS = 8;
const CALM_MS_MAX = 60_000;
const PAUSE_MS = 50;

export interface Vitals {
  readonly rssBytes: number;
  readonly descriptors: number;
}

export function vitalsOf({ pid }: Program): Vitals {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssKiB = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN);
  return { rssBytes: rssKiB * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** Bytes that it has read so far, from files, pipes and sockets. */
export function readBytes({ pid }: Program): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? Number.NaN);
}

/** Resolves when the process holds about what it held before. @throws if it does not, or has ended */
export async function calmAgain(program: Program, before: Vitals): Promise<Vitals> {
  const deadlineMs = performance.now() + CALM_MS_MAX;
  for (;;) {
    if (program.exitCode !== undefined)
      throw new Error(`${program.name} has ended with code ${program.exitCode}\n${program.transcript()}`);
    const now = vitalsOf(program);
    if (isCalm(now, before)) return now;
    if (performance.now() > deadlineMs)
      throw new Error(`${program.name} keeps too much: ${inWords(before)} before, ${inWords(now)} after`);
    await Bun.sleep(PAUSE_MS);
  }
}

function isCalm(now: Vitals, before: Vitals): boolean {
  return (
    now.descriptors <= before.descriptors + SLACK_DESCRIPTORS && now.rssBytes <= before.rssBytes + SLACK_BYTES
  );
}

export function inWords({ rssBytes, descriptors }: Vitals): string {
  return `${(rssBytes / MiB).toFixed(0)} MiB, ${descriptors} descriptors`;
}
