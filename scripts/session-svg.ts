/**
 * Draws a recorded session as one SVG that plays by itself wherever pictures are shown: terminals one below the other,
 * as they were at some moments. Pure: cells in, text out.
 *
 * A row is written once for each time that it stood there unchanged, with the span of time in which it is seen. Whoever
 * wants no motion, or cannot animate, sees the last moment.
 */

import type { StyledRow, StyledRun } from "../e2e/harness/screen.ts";

export interface SessionWindow {
  readonly title: string;
  readonly columns: number;
  readonly rows: number;
}

/** What stands in each window from a moment on, until the next one. */
export interface SessionMoment {
  readonly atMs: number;
  readonly windows: readonly (readonly StyledRow[])[];
}

export interface Session {
  readonly windows: readonly SessionWindow[];
  readonly moments: readonly SessionMoment[];
  /** After which it begins anew. */
  readonly lengthMs: number;
}

const CELL_WIDTH = 8.4;
const ROW_HEIGHT = 18;
const FONT_SIZE = 14;
const MARGIN = 14;
const TITLE_HEIGHT = 28;
const GAP = 14;
/** The terminal's first eight, as read on a dark ground. */
const PALETTE = ["#6e7681", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#76e3ea", "#e6edf3"];
const COLORS = { back: "#0d1117", bar: "#21262d", title: "#9198a1", text: "#e6edf3" } as const;

interface Span {
  readonly row: StyledRow;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The rows that stood at one place of one window, one after the other; empty ones are left out. */
export function rowSpans({ moments, lengthMs }: Session, window: number, at: number): Span[] {
  const spans: Span[] = [];
  let shown: { row: StyledRow; key: string; fromMs: number } | undefined;
  const end = (toMs: number) => {
    if (shown !== undefined && shown.row.length > 0) spans.push({ ...shown, toMs });
  };
  for (const { atMs, windows } of moments) {
    const row = windows[window]?.[at] ?? [];
    const key = JSON.stringify(row);
    if (key === shown?.key) continue;
    end(atMs);
    shown = { row, key, fromMs: atMs };
  }
  end(lengthMs);
  return spans.map(({ row, fromMs, toMs }) => ({ row, fromMs, toMs }));
}

export function renderSession(session: Session): string {
  const sizes = session.windows.map(windowSize);
  const width = Math.max(...sizes.map((size) => size.width));
  const height = sizes.reduce((sum, size) => sum + size.height + GAP, -GAP);
  const motion = new Motion(session.lengthMs);
  let top = 0;
  const drawn = session.windows.map((window, index) => {
    const spans = Array.from({ length: window.rows }, (_, at) => rowSpans(session, index, at));
    const content = spans.map((of, at) => of.map((span) => drawSpan(span, at, motion)).join("")).join("");
    const text = `<g transform="translate(0 ${top})">${drawFrame(window, width)}${content}</g>`;
    top += (sizes[index]?.height ?? 0) + GAP;
    return text;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" role="img">`,
    `<title>${escapeText(session.windows.map(({ title }) => title).join(", "))}</title>`,
    `<style>text{font:${FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:${COLORS.text}}`,
    `.b{font-weight:bold}.d{opacity:.6}.t{fill:${COLORS.title}}`,
    `${motion.rules()}</style>`,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

/** Gives each span of time a class. Those seen at the end are what is seen without motion. */
class Motion {
  readonly #lengthMs: number;
  readonly #classes = new Map<string, string>();

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  classOf({ fromMs, toMs }: Span): string | undefined {
    if (fromMs <= 0 && toMs >= this.#lengthMs) return undefined;
    const key = `${fromMs} ${toMs}`;
    const known = this.#classes.get(key) ?? `m${this.#classes.size}`;
    this.#classes.set(key, known);
    return known;
  }

  rules(): string {
    const spans = [...this.#classes].map(([key, name]) => {
      const [fromMs = 0, toMs = 0] = key.split(" ").map(Number);
      return { name, fromMs, toMs, isLast: toMs >= this.#lengthMs };
    });
    const still = spans.filter(({ isLast }) => !isLast).map(({ name }) => `.${name}`);
    return [
      ...(still.length === 0 ? [] : [`${still.join(",")}{visibility:hidden}`]),
      "@media (prefers-reduced-motion:no-preference){",
      ...spans.map((span) => this.#animation(span)),
      "}",
    ].join("\n");
  }

  #animation({
    name,
    fromMs,
    toMs,
    isLast,
  }: {
    name: string;
    fromMs: number;
    toMs: number;
    isLast: boolean;
  }) {
    const before = fromMs <= 0 ? "" : "0%{visibility:hidden}";
    const after = isLast ? "" : `${this.#percent(toMs)}{visibility:hidden}`;
    const frames = `${before}${this.#percent(fromMs)}{visibility:visible}${after}`;
    return `.${name}{animation:${name} ${this.#lengthMs}ms step-end infinite}@keyframes ${name}{${frames}}`;
  }

  #percent(ms: number): string {
    return `${round((100 * ms) / this.#lengthMs)}%`;
  }
}

function windowSize({ columns, rows }: SessionWindow): { width: number; height: number } {
  return { width: columns * CELL_WIDTH + 2 * MARGIN, height: TITLE_HEIGHT + rows * ROW_HEIGHT + MARGIN };
}

function drawFrame(window: SessionWindow, width: number): string {
  const { height } = windowSize(window);
  return [
    `<rect width="${round(width)}" height="${height}" rx="8" fill="${COLORS.back}"/>`,
    `<path d="M0 ${TITLE_HEIGHT - 4}V8a8 8 0 0 1 8-8H${round(width - 8)}a8 8 0 0 1 8 8V${TITLE_HEIGHT - 4}z" fill="${COLORS.bar}"/>`,
    `<text class="t" x="${MARGIN}" y="17">${escapeText(window.title)}</text>`,
  ].join("");
}

function drawSpan(span: Span, at: number, motion: Motion): string {
  const top = TITLE_HEIGHT + at * ROW_HEIGHT;
  const name = motion.classOf(span);
  const runs = span.row.map((run) => drawRun(run, top)).join("");
  return name === undefined ? runs : `<g class="${name}">${runs}</g>`;
}

/** `textLength` keeps the columns in line in whatever font there is. */
function drawRun({ column, text, color, bold, dim, inverse }: StyledRun, top: number): string {
  const x = round(MARGIN + column * CELL_WIDTH);
  const width = round(text.length * CELL_WIDTH);
  const own = color === undefined ? undefined : PALETTE[color % PALETTE.length];
  const ink = inverse ? COLORS.back : own;
  const classes = [bold ? "b" : "", dim ? "d" : ""].filter(Boolean).join(" ");
  const attributes = [
    classes === "" ? "" : ` class="${classes}"`,
    ink === undefined ? "" : ` style="fill:${ink}"`,
    ` x="${x}" y="${top + 14}" textLength="${width}"`,
  ].join("");
  const ground = inverse
    ? `<rect x="${x}" y="${top}" width="${width}" height="${ROW_HEIGHT}" fill="${own ?? COLORS.text}"/>`
    : "";
  return `${ground}<text${attributes}>${escapeText(text)}</text>`;
}

const round = (value: number) => Math.round(value * 100) / 100;

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
