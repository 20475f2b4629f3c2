/** Runs of `scripts/sim.ts`, which are most of what the unit tests compute. For tests. */
import { join } from "node:path";
import { type ChildRun, childRun } from "./child-runs.ts";

/** For one test that waits for its turn among such runs, on a machine that has much else to do. */
export const SIM_RUN_MS_MAX = 600_000;

export function simRun(...args: readonly string[]): Promise<ChildRun> {
  return childRun([join("scripts", "sim.ts"), ...args]);
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
export function entriesIn({ exitCode, output }: ChildRun): number {
  const made = /no promise broken, (\d+) entries made/.exec(output)?.[1];
  if (exitCode !== 0 || made === undefined) throw new Error(output.split("\n").slice(-60).join("\n"));
  return Number(made);
}
