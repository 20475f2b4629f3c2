/**
 * The JSON shape of `tracker_info.txt`, turned into lines of the plain shape, each with the line it stands in.
 *
 * `JSON.parse` tells neither where an entry stands nor where a text goes wrong, and people must be shown the line: so
 * the text is also cut into tokens. What the entries mean is for `tracker-info.ts` alone.
 */
import * as v from "valibot";

/** One entry as `no host port pin`. `shown` is how the file has it. */
export interface JsonEntry {
  readonly line: number;
  readonly text: string;
  readonly shown: string;
}

export interface JsonFault {
  readonly line: number;
  readonly why: string;
  readonly shown: string;
}

const word = v.pipe(v.string(), v.regex(/^\S+$/));
const number = v.union([v.pipe(v.number(), v.integer()), v.pipe(v.string(), v.regex(/^\d+$/))]);
const entry = v.union([
  v.pipe(
    v.object({ ip: word, id: v.optional(number), port: v.optional(number), sha256: v.optional(word) }),
    v.transform(({ ip, id, port, sha256 }) => ({ host: ip, no: id, port, sha256 })),
  ),
  v.object({ host: word, no: v.optional(number), port: v.optional(number), sha256: v.optional(word) }),
]);
const list = v.array(v.unknown());
const file = v.union([
  v.pipe(
    v.object({ trackers: list }),
    v.transform(({ trackers }) => trackers),
  ),
  list,
]);

const WANTED = '{"trackers":[{"id":1,"ip":"127.0.0.1","port":5000}]}';

/** `[` alone may begin an IPv6 address. */
export function looksLikeJson(text: string): boolean {
  return /^\s*(\{|\[\s*[{\]"])/.test(text);
}

export function readTrackersJson(text: string): readonly JsonEntry[] | JsonFault {
  const tokens = tokensOf(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const wrong = firstMisplaced(tokens);
    return {
      line: wrong.line,
      why: `not JSON at ${wrong.text || "the end"}`,
      shown: lineOf(text, wrong.line),
    };
  }
  const trackers = v.safeParse(file, value);
  if (!trackers.success)
    return { line: 1, why: `no list of trackers like ${WANTED}`, shown: lineOf(text, 1) };
  const lines = entryLines(tokens);
  return eachEntry(trackers.output, (index) => lines[index] ?? 1);
}

function eachEntry(trackers: readonly unknown[], lineAt: (index: number) => number): JsonEntry[] | JsonFault {
  const entries: JsonEntry[] = [];
  for (const [index, item] of trackers.entries()) {
    const line = lineAt(index);
    const shown = shownItem(item);
    const found = v.safeParse(entry, item);
    if (!found.success) return { line, why: "not a tracker of the form id, ip, port", shown };
    const { no, host, port, sha256 } = found.output;
    const pin = sha256 === undefined || sha256.startsWith("sha256:") ? sha256 : `sha256:${sha256}`;
    entries.push({ line, shown, text: [no, host, port, pin].filter((part) => part !== undefined).join(" ") });
  }
  return entries;
}

/** What `JSON.parse` reads may be nested more deeply than `JSON.stringify` can go. */
function shownItem(item: unknown): string {
  try {
    return JSON.stringify(item);
  } catch (error) {
    if (error instanceof RangeError) return "(nested too deeply)";
    throw error;
  }
}

interface Token {
  readonly text: string;
  readonly line: number;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (const [found] of text.matchAll(/\n|"(?:[^"\\\n]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (found === "\n") line++;
    else tokens.push({ text: found, line });
  }
  return tokens;
}

/** The lines of the items of the outermost list: each begins after its `[` or after one of its commas. */
function entryLines(tokens: readonly Token[]): number[] {
  const lines: number[] = [];
  const open: string[] = [];
  let listDepth = 0;
  for (const [index, { text }] of tokens.entries()) {
    if (text === "{" || text === "[") open.push(text);
    if (text === "}" || text === "]") open.pop();
    if (text === "[" && listDepth === 0) listDepth = open.length;
    const next = tokens[index + 1];
    const beginsItem = (text === "[" || text === ",") && open.length === listDepth && listDepth > 0;
    if (beginsItem && next !== undefined && next.text !== "]") lines.push(next.line);
  }
  return lines;
}

const VALUE = /^(?:"(?:[^"\\]|\\.)*"|true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
/** What may stand after a token of each kind. */
const AFTER: Readonly<Record<string, string>> = {
  "{": "v}",
  "[": "v{[]",
  ",": "v{[",
  ":": "v{[",
  "}": ",}]",
  "]": ",}]",
  v: ",:}]",
};

/** The first token that JSON has no place for; the end of the text if brackets are left open. */
function firstMisplaced(tokens: readonly Token[]): Token {
  let may = "{[";
  for (const token of tokens) {
    const kind = VALUE.test(token.text) ? "v" : token.text;
    if (kind.length > 1 || !may.includes(kind)) return token;
    may = AFTER[kind] ?? "";
  }
  return { text: "", line: tokens.at(-1)?.line ?? 1 };
}

function lineOf(text: string, line: number): string {
  return text.split("\n")[line - 1]?.trim() ?? "";
}
