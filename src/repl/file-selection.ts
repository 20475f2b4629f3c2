/**
 * Which files of a list are shown, and in which order: `--match` and `--sort`. Pure.
 *
 * Files that are equal by what is sorted by stay in the order of the list, which is that of their names.
 */
import { Failure } from "../base/failure.ts";
import { GLOB_CHARS_MAX } from "../base/limits.ts";
import { nameMatcher } from "../base/name-pattern.ts";
import { forTerminal } from "../base/text.ts";
import type { FileView } from "../client/views.ts";

export const FILE_ORDERS = ["name", "size", "sources", "date"] as const;
export type FileOrder = (typeof FILE_ORDERS)[number];

/** Whether a file of that name is meant. */
export type NameTest = (name: string) => boolean;

export function parseFileOrder(text: string): FileOrder | Failure {
  const found = FILE_ORDERS.find((each) => each === text.toLowerCase());
  return (
    found ??
    new Failure("usage", `--sort takes ${FILE_ORDERS.join(", ")}; got ${forTerminal(text.slice(0, 40))}`)
  );
}

export function parseGlob(text: string): NameTest | Failure {
  if (text === "" || text.length > GLOB_CHARS_MAX)
    return new Failure("usage", `--match takes a pattern of 1 to ${GLOB_CHARS_MAX} characters, as '*.mp4'`);
  return nameMatcher(text);
}

/** Largest, most shared and newest first. */
export function selectFiles<Row>(
  rows: readonly Row[],
  fileOf: (row: Row) => FileView,
  { sort = "name", match }: { readonly sort?: FileOrder | undefined; readonly match?: NameTest | undefined },
): readonly Row[] {
  const meant = match === undefined ? rows : rows.filter((row) => match(fileOf(row).name));
  const weight = WEIGHTS[sort];
  return weight === undefined
    ? meant
    : meant.toSorted((left, right) => weight(fileOf(right)) - weight(fileOf(left)));
}

const WEIGHTS: Readonly<Record<FileOrder, ((file: FileView) => number) | undefined>> = {
  name: undefined,
  size: ({ size }) => size,
  sources: ({ sources }) => sources,
  date: ({ addedMs = 0 }) => addedMs,
};
