/**
 * What is before the cursor of a half-typed line, for completion: the words that are done and the one under way. Pure.
 *
 * Cuts as `parser.ts` does, but an open quote or a `\` at the end is no mistake here. `written` is the way back: a word as
 * it may stand in a line, in the quotes that were begun.
 */
import type { ParserOptions } from "./parser.ts";

export interface WordAtCursor {
  /** Those before it. */
  readonly before: readonly string[];
  /** Where it begins in the line. */
  readonly start: number;
  /** As it stands there. */
  readonly raw: string;
  /** Without its quotes; a leading `~/` is left as it is. */
  readonly text: string;
  /** The quote it begins with, after `~/`; `""` if none. */
  readonly quote: string;
  /** Whether `~/` at its beginning means the home folder. */
  readonly atHome: boolean;
}

export function wordAtCursor(line: string, { windows }: Pick<ParserOptions, "windows">): WordAtCursor {
  const before: string[] = [];
  let at = 0;
  for (;;) {
    while (isBlank(line[at])) at++;
    const start = at;
    const atHome = /^~[/\\]/.test(line.slice(start)) && (windows || line[start + 1] === "/");
    const body = atHome ? start + 2 : start;
    const { text, end } = scan(line, body, windows ? "" : "\\");
    const word = line.slice(start, body) + text;
    const first = line[body] ?? "";
    if (end >= line.length)
      return {
        before,
        start,
        raw: line.slice(start),
        text: word,
        quote: first === "'" || first === '"' ? first : "",
        atHome,
      };
    before.push(word);
    at = end;
  }
}

function isBlank(char: string | undefined): boolean {
  return char === " " || char === "\t" || char === "\u00a0";
}

/** @returns the word from `at` on, and where the blank after it is, or the end of the line */
function scan(line: string, at: number, escapes: string): { text: string; end: number } {
  let text = "";
  let quote = "";
  let next = at;
  for (; next < line.length; next++) {
    const char = line[next] ?? "";
    const after = line[next + 1] ?? "";
    if (quote === "" && isBlank(char)) break;
    if (quote === "" && (char === "'" || char === '"')) quote = char;
    else if (char === quote) quote = "";
    else if (char === escapes && quote !== "'" && (quote === "" || after === '"' || after === "\\")) {
      text += after;
      next++;
    } else text += char;
  }
  return { text, end: Math.max(next, at) };
}

/**
 * A word as it is written in a line: in the quotes that it began with, else with `\` where one is needed; on Windows, where
 * `\` is part of a path, in quotes.
 * @param done whether nothing is to follow in it: then its quote is closed and a blank put behind
 */
export function written(word: string, at: WordAtCursor, done: boolean, windows: boolean): string {
  const home = at.atHome ? word.slice(0, 2) : "";
  const rest = word.slice(home.length);
  const isPlain = !/[\s'"\\]/.test(windows ? rest.replaceAll("\\", "/") : rest);
  const quote = at.quote !== "" && !rest.includes(at.quote) ? at.quote : isPlain || !windows ? "" : '"';
  if (quote !== "") return home + quote + quoted(rest, quote, windows) + (done ? `${quote} ` : "");
  return home + (windows ? rest : withEscapes(rest, home !== "")) + (done ? " " : "");
}

/** Nothing is special to the parser between `'`; between `"` only `"` and `\` are. */
function quoted(text: string, quote: string, windows: boolean): string {
  return quote === '"' && !windows ? text.replace(/["\\]/g, (char) => `\\${char}`) : text;
}

function withEscapes(text: string, isInside: boolean): string {
  const inside = text.replace(/[\s'"\\]/g, (char) => `\\${char}`);
  return isInside ? inside : inside.replace(/^[#~]/, (char) => `\\${char}`);
}
