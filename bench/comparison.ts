/** Ours beside theirs, and its line in the table. Less is better in all of them: times, or processor seconds. Pure. */
import { spreadOf } from "./ratios.ts";
import { shownNumber } from "./table.ts";
import { type Turn, turnRatios } from "./turns.ts";

export interface Comparison {
  readonly what: string;
  readonly against: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  /** Ours divided by theirs, of neighbours. */
  readonly ratios: readonly number[];
  /** The median ratio is to be at most this. */
  readonly aim?: number;
}

export const COMPARISON_HEAD = ["case", "against", "ours", "theirs", "min", "median", "max", "aim", "met"];

export function comparisonRow({ what, against, unit, ours, theirs, ratios, aim }: Comparison): string[] {
  const { least, median, most } = spreadOf(ratios);
  const shown = (values: readonly number[]) => `${shownNumber(spreadOf(values).median)} ${unit}`;
  return [
    what,
    against,
    shown(ours),
    shown(theirs),
    ...[least, median, most].map((ratio) => ratio.toFixed(2)),
    ...(aim === undefined ? ["", ""] : [`<= ${aim}`, median <= aim ? "yes" : "no"]),
  ];
}

interface Compared<T> {
  readonly what: string;
  readonly against: string;
  readonly turns: readonly Turn<T>[];
  readonly measure: (run: T) => number;
  readonly unit?: string;
  readonly aim?: number | undefined;
}

export function compared<T>({ what, against, turns, measure, unit = "s", aim }: Compared<T>): Comparison {
  return {
    what,
    against,
    unit,
    ours: turns.flatMap(({ ours }) => ours.map(measure)),
    theirs: turns.map(({ theirs }) => measure(theirs)),
    ratios: turnRatios(turns, measure),
    ...(aim === undefined ? {} : { aim }),
  };
}

/** Each of ours held against one value that nothing can be below. */
export function comparedWithBound(
  what: string,
  against: string,
  ours: readonly number[],
  bound: number,
  aim: number,
): Comparison {
  const ratios = ours.map((value) => value / bound);
  return { what, against, unit: "s", ours, theirs: [bound], ratios, aim };
}

/** Which of them had the least median. @returns undefined if there is none */
export function bestOf<T>(
  byName: ReadonlyMap<string, readonly Turn<T>[]>,
  measure: (run: T) => number,
): string | undefined {
  const medianOf = (turns: readonly Turn<T>[]) => spreadOf(turns.map(({ theirs }) => measure(theirs))).median;
  return [...byName].sort(([, left], [, right]) => medianOf(left) - medianOf(right))[0]?.[0];
}
