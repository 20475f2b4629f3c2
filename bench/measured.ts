/** A measured figure beside what the machine alone could do, and its line in the table. Pure. */
import { spreadOf } from "./ratios.ts";
import { shownNumber } from "./table.ts";

export interface Measured {
  readonly what: string;
  readonly unit: string;
  /** At least one, in order of measuring. */
  readonly values: readonly number[];
  /** The machine without this program, measured in turn with it. */
  readonly alone?: { readonly what: string; readonly values: readonly number[] };
  readonly aim?: { readonly atLeast: number } | { readonly atMost: number };
  /** Below the table. */
  readonly note?: string;
}

export const MEASURED_HEAD = ["what", "min", "median", "max", "machine alone", "ratio", "aim", "met"];

export function measuredRow({ what, unit, values, alone, aim }: Measured): string[] {
  const { least, median, most } = spreadOf(values);
  const machine = alone === undefined ? Number.NaN : spreadOf(alone.values).median;
  return [
    `${what} (${unit})`,
    ...[least, median, most, machine, median / machine].map(shownNumber),
    ...aimCells(median, aim),
  ];
}

/** What the machine alone did, and what else there is to say. */
export function measuredNote({ what, alone, note }: Measured): string[] {
  const said = [alone === undefined ? [] : [`alone: ${alone.what}`], note ?? []].flat();
  return said.length === 0 ? [] : [`${what}: ${said.join("; ")}`];
}

function aimCells(median: number, aim: Measured["aim"]): [string, string] {
  if (aim === undefined) return ["", ""];
  if ("atLeast" in aim) return [`>= ${shownNumber(aim.atLeast)}`, median >= aim.atLeast ? "yes" : "no"];
  return [`<= ${shownNumber(aim.atMost)}`, median <= aim.atMost ? "yes" : "no"];
}
