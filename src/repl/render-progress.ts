/**
 * What is under way as rows of a screen, one each. Pure.
 *
 * Where there are more than there is room for, the first row tells of all downloads together, and the others of what takes its
 * time: rows of files that are over at once tell nothing and make the screen restless.
 *
 * A row is shorter than the screen is wide, so that it never wraps, and the rows take a third of its height at most. On
 * a narrow screen what matters least is left out first: the bar, then sources, then how many bytes.
 */
import { count, formatBytes, formatDuration, forTerminal } from "../base/text.ts";
import type { WaitReason } from "../client/views.ts";
import type { ScreenSize } from "./contract.ts";
import { ELLIPSIS, fitting, head } from "./fitting.ts";
import { renderWait } from "./render-download.ts";

export interface ProgressItem {
  readonly name: string;
  readonly doing: "hashing" | "downloading" | "verifying" | "sharing" | "looking";
  /** Of "sharing" and "looking": files, and so is `total`. */
  readonly doneBytes: number;
  readonly total: number;
  /** Bytes a second, of this run; 0 if unknown. */
  readonly rate: number;
  /** Connected ones; undefined where there are none by nature. */
  readonly sources: number | undefined;
  /** Why it does not go on; undefined if it does. */
  readonly waits: WaitReason | undefined;
  /** Has not been at it for long enough to be read. */
  readonly isBrief: boolean;
}

const GAP = "  ";
const NAME_COLUMNS_MIN = 16;
const BAR_COLUMNS_MIN = 12;
const BAR_COLUMNS_MAX = 32;
const ROWS_MIN = 2;

/** @param nowMs wall clock, for "last seen". @param all the downloads of `items`, as one */
export function renderProgress(
  items: readonly ProgressItem[],
  { columns, rows }: ScreenSize,
  nowMs: number,
  all?: ProgressItem,
): string[] {
  const most = Math.max(ROWS_MIN, Math.floor(rows / 3));
  const sorted = [...items].sort((left, right) => rank(left) - rank(right));
  if (sorted.length > most && all !== undefined) {
    const lasting = sorted.filter((item) => !item.isBrief && item.waits?.kind !== "queued");
    return rowsOf([all, ...lasting.slice(0, most - 1)], columns - 1, nowMs);
  }
  const shown = sorted.length > most ? sorted.slice(0, most - 1) : sorted;
  const left = sorted.length - shown.length;
  const lines = rowsOf(shown, columns - 1, nowMs);
  return left === 0 ? lines : [...lines, fitting(`... and ${left} more`, columns - 1)];
}

/** What moves comes first. */
function rank(item: ProgressItem): number {
  if (item.waits?.kind === "queued") return 3;
  if (isHeld(item)) return 2;
  return item.doing === "verifying" ? 1 : 0;
}

function rowsOf(items: readonly ProgressItem[], width: number, nowMs: number): string[] {
  const names = items.map(({ name }) => forTerminal(name));
  const longest = Math.max(0, ...names.map((name) => Bun.stringWidth(name)));
  const figures = items.map((item) => (isHeld(item) ? [] : figuresOf(item)));
  const level = levelFor(figures, width - Math.min(longest, NAME_COLUMNS_MIN));
  const texts = aligned(figures.map((of) => of.slice(0, level)));
  const widest = Math.max(0, ...texts.map((text) => Bun.stringWidth(text)));
  const nameColumns = Math.max(
    Math.min(longest, NAME_COLUMNS_MIN),
    Math.min(longest, width - widest - GAP.length),
  );
  const barColumns = Math.min(BAR_COLUMNS_MAX, width - nameColumns - widest - 2 * GAP.length);
  return items.map((item, index) => {
    const name = padded(shortened(names[index] ?? "", nameColumns), nameColumns);
    if (isHeld(item)) return fitting([name, percentOf(item), reasonOf(item, nowMs)].join(GAP), width);
    const bar = barColumns < BAR_COLUMNS_MIN || item.doing === "looking" ? [] : [barOf(item, barColumns)];
    return fitting([name, ...bar, texts[index] ?? ""].join(GAP), width);
  });
}

/** Waits for something: its row says why, and nothing of a speed. */
function isHeld({ waits }: ProgressItem): boolean {
  return waits !== undefined && waits.kind !== "verifying";
}

function reasonOf({ waits }: ProgressItem, nowMs: number): string {
  return waits === undefined ? "" : forTerminal(renderWait(waits, nowMs));
}

function percentOf({ doneBytes, total }: ProgressItem): string {
  return `${total === 0 ? 100 : Math.floor((100 * doneBytes) / total)}%`.padStart(4);
}

/** How many figures of each row fit beside the name; the first always stays. */
function levelFor(figures: readonly (readonly string[])[], width: number): number {
  const most = Math.max(0, ...figures.map((of) => of.length));
  for (let level = most; level > 1; level--) {
    const texts = aligned(figures.map((of) => of.slice(0, level)));
    if (texts.every((text) => Bun.stringWidth(text) + GAP.length <= width)) return level;
  }
  return 1;
}

/** The most important first. */
function figuresOf(item: ProgressItem): string[] {
  const { doing, doneBytes, total, rate, sources } = item;
  if (doing === "looking") return [`looking through it: ${count(total, "file")} so far`];
  const first = percentOf(item) + (doing === "downloading" ? "" : `${GAP}${doing}`);
  if (doing === "sharing") return [first, `${doneBytes} of ${count(total, "file")}`];
  if (rate <= 0) return [first, bytesOf(doneBytes, total)];
  const left = `${formatDuration((total - doneBytes) / rate)} left`;
  const from = sources === undefined ? [] : [count(sources, "source")];
  return [first, `${formatBytes(rate)}/s`, left, bytesOf(doneBytes, total), ...from];
}

function bytesOf(doneBytes: number, total: number): string {
  return `${formatBytes(doneBytes)} of ${formatBytes(total)}`;
}

/** Figures of one kind stand below each other; the last of a row is not padded. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const several = rows.filter((row) => row.length > 1);
  const widths: number[] = [];
  for (const row of several)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, Bun.stringWidth(cell));
  return rows.map((row) =>
    row.map((cell, at) => (at === row.length - 1 ? cell : padded(cell, widths[at] ?? 0))).join(GAP),
  );
}

function barOf({ doneBytes, total }: ProgressItem, columns: number): string {
  const inside = columns - 2;
  const full = total === 0 ? inside : Math.min(inside, Math.floor((inside * doneBytes) / total));
  return `[${"#".repeat(full)}${"-".repeat(inside - full)}]`;
}

function padded(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - Bun.stringWidth(text)));
}

/** The end of a name tells most of what kind of file it is: the middle goes. */
function shortened(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  const room = columns - ELLIPSIS.length;
  const tail = Math.floor(room / 2);
  return head(text, room - tail) + ELLIPSIS + ending(text, tail);
}

function ending(text: string, columns: number): string {
  const cut = Bun.sliceAnsi(text, -columns);
  return Bun.stringWidth(cut) <= columns ? cut : Bun.sliceAnsi(text, 1 - columns);
}
