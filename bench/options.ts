/** The command line of `npm run bench`. */
import { parseArgs } from "node:util";
import { MiB } from "../e2e/harness/files.ts";

export interface BenchOptions {
  /** Names of cases; undefined for all. */
  readonly only: readonly string[] | undefined;
  /** How the others that take part begin to be named, "none" for nobody; undefined for all. */
  readonly against: readonly string[] | undefined;
  readonly isQuick: boolean;
  readonly isLarge: boolean;
  /** In place of each case's own. */
  readonly rounds: number | undefined;
  readonly bytes: number | undefined;
  /** A file for the tables. */
  readonly markdown: string | undefined;
}

/** @throws with one line for what is wrong */
export function readOptions(args: readonly string[], caseNames: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string", multiple: true },
      against: { type: "string" },
      quick: { type: "boolean", default: false },
      large: { type: "boolean", default: false },
      rounds: { type: "string" },
      mib: { type: "string" },
      markdown: { type: "string" },
    },
  });
  const only = values.only?.flatMap((names) => names.split(","));
  const unknown = only?.filter((name) => !caseNames.includes(name)) ?? [];
  if (unknown.length > 0)
    throw new Error(`--only knows ${caseNames.join(", ")}; given: ${unknown.join(", ")}`);
  const mib = whole("mib", values.mib);
  return {
    only,
    against: values.against?.split(","),
    isQuick: values.quick,
    isLarge: values.large,
    rounds: whole("rounds", values.rounds),
    bytes: mib === undefined ? undefined : mib * MiB,
    markdown: values.markdown,
  };
}

function whole(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is a number from 1, given: ${given}`);
  return value;
}
