/**
 * Runs of `scripts/sim.ts` in processes of their own, two at a time: simulations are most of what the unit tests compute,
 * and a test process uses one core. For tests.
 */
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");
const RUNS_AT_ONCE_MAX = 2;
/** For one test that waits for its turn among such runs, on a machine that has much else to do. */
export const SIM_RUN_MS_MAX = 600_000;

export interface SimRun {
  readonly exitCode: number;
  readonly output: string;
}

const line: (() => void)[] = [];
let running = 0;

/** In the order in which they are asked for. */
export function simRun(...args: readonly string[]): Promise<SimRun> {
  return scriptRun("sim.ts", args);
}

/** Of another script beside it, in the same line. */
export async function scriptRun(script: string, args: readonly string[]): Promise<SimRun> {
  while (running >= RUNS_AT_ONCE_MAX) await new Promise<void>((resolve) => line.push(resolve));
  running++;
  try {
    const child = Bun.spawn([process.execPath, join("scripts", script), ...args], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [output, errors, exitCode] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { exitCode, output: output + errors };
  } finally {
    running--;
    line.shift()?.();
  }
}

/** Seeds from 1 on, in parts of one test each. @returns by the name of each part */
export function simParts(world: "cluster" | "merge", seeds: number, parts: number): Map<string, SimPart> {
  const part = seeds / parts;
  return new Map(
    Array.from({ length: parts }, (_, index) => {
      const from = 1 + index * part;
      const args = ["--world", world, "--from", String(from), "--seeds", String(part)];
      return [`seeds ${from} to ${from + part - 1}`, { seeds: part, args }];
    }),
  );
}

export interface SimPart {
  readonly seeds: number;
  readonly args: readonly string[];
}

/** @returns how many entries were made in all. @throws with the end of what was printed if a promise was broken */
export function entriesIn({ exitCode, output }: SimRun): number {
  const made = /no promise broken, (\d+) entries made/.exec(output)?.[1];
  if (exitCode !== 0 || made === undefined) throw new Error(output.split("\n").slice(-60).join("\n"));
  return Number(made);
}
