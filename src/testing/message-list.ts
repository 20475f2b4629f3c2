/**
 * The messages of errors, read out of the program's own text: of each `new Failure(code, message)` the code and what the message
 * says, with `<what>` in place of what is put in.
 *
 * Literals in the place of a message are what counts: a choice between two gives both, a sum of them is one. One that is handed
 * in gives none: it is another failure's, or of words that are found in their own place.
 */
import { FAILURE_CODES } from "../base/failure.ts";

export interface ListedMessage {
  /** `various` where the code is chosen as the program runs. */
  readonly code: string;
  readonly text: string;
  /** On which the `Failure` is made; the first is 1. */
  readonly line: number;
  /** What stands before, between and after the holes. */
  readonly literals: readonly string[];
  /** It is only handed on from there, and becomes a message, or a part of one, in another place. */
  readonly isHandedOn?: true;
}

interface Literal {
  readonly text: string;
  readonly literals: readonly string[];
  /** Of its first character. */
  readonly start: number;
  /** Of its last character. */
  readonly end: number;
}

const BEGIN = /new Failure\(\s*(?:"([a-z-]+)"|[\w.?: "-]+?)\s*,/g;

export function messagesOf(source: string): ListedMessage[] {
  return [...source.matchAll(BEGIN)].flatMap(({ 0: begin, 1: code = "various", index }) =>
    literalsFrom(source, index + begin.length)
      .filter(({ text }) => /[a-z] |[a-z]$/.test(text))
      .map(({ text, literals }) => ({ code, text, line: lineAt(source, index), literals })),
  );
}

/**
 * What is handed to a function that makes messages of words, or stands in a table of them, or is given back to be handed on.
 * @param begin of the calls or of the table, up to where words begin in its bracket; or what is right before each of them
 * @param code of all, unless a row of the table begins with its own
 */
export function wordsOf(source: string, begin: string, code: string): ListedMessage[] {
  const words: ListedMessage[] = [];
  const isBracket = /[({,] ?$/.test(begin);
  let codeNow = code;
  for (let at = source.indexOf(begin); at >= 0; at = source.indexOf(begin, at + 1)) {
    if (/\w$/.test(source.slice(0, at))) continue;
    const from = at + begin.length;
    for (const found of isBracket ? literalsFrom(source, from) : literalsAt(source, from)) {
      const { text, literals, start } = found;
      if (CODES.has(text)) codeNow = text;
      else if (/[a-z] /.test(text))
        words.push({ code: codeNow, text, line: lineAt(source, start), literals, isHandedOn: true });
    }
  }
  return words;
}

const CODES: ReadonlySet<string> = new Set(FAILURE_CODES);

function lineAt(source: string, index: number): number {
  return source.slice(0, index).split("\n").length;
}

function literalsAt(source: string, at: number): Literal[] {
  return /["`]/.test(source[at] ?? "") ? [sumAt(source, at)] : [];
}

/** Up to the bracket that closes what they stand in. */
function literalsFrom(source: string, from: number): Literal[] {
  const found: Literal[] = [];
  const [open, close] = source[from - 1] === "{" ? ["{", "}"] : ["(", ")"];
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    const char = source[at] ?? "";
    if (char === close && depth-- === 0) break;
    if (char === open) depth++;
    if (char !== '"' && char !== "`") continue;
    const literal = sumAt(source, at);
    // What is compared with, or handed to a function, is no message.
    if (depth === 0 && !/[=!]==\s*$/.test(source.slice(from, at))) found.push(literal);
    at = literal.end;
  }
  return found;
}

/** The literal that begins there, with those that are added to it. */
function sumAt(source: string, start: number): Literal {
  const first = literalAt(source, start);
  const plus = /^\s*\+\s*(?=["`])/.exec(source.slice(first.end + 1));
  if (plus === null) return first;
  const rest = sumAt(source, first.end + 1 + plus[0].length);
  const [head = "", ...tail] = rest.literals;
  return {
    text: first.text + rest.text,
    literals: [...first.literals.slice(0, -1), `${first.literals.at(-1)}${head}`, ...tail],
    start,
    end: rest.end,
  };
}

function literalAt(source: string, start: number): Literal {
  const quote = source[start];
  const literals: string[] = [];
  let text = "";
  let since = "";
  let at = start + 1;
  for (; at < source.length && source[at] !== quote; at++) {
    let put = source[at] ?? "";
    if (put === "\\") put = source[++at] ?? "";
    else if (quote === "`" && source.startsWith("${", at)) {
      const end = holeEnd(source, at + 2);
      literals.push(since);
      text += `<${nameOfHole(source.slice(at + 2, end))}>`;
      since = put = "";
      at = end;
    }
    text += put;
    since += put;
  }
  return { text, literals: [...literals, since], start, end: at };
}

/** Of the brace that closes what begins there. */
function holeEnd(source: string, from: number): number {
  for (let at = from, depth = 0; at < source.length; at++) {
    const char = source[at];
    if (char === '"' || char === "`") at = literalAt(source, at).end;
    else if (char === "{") depth++;
    else if (char === "}" && depth-- === 0) return at;
  }
  return source.length;
}

/** The last name in it: `forTerminal(path)` is a path. */
function nameOfHole(expression: string): string {
  const names = expression.replace(/"[^"]*"|`[^`]*`/g, "").match(/[A-Za-z_]\w*/g) ?? [];
  return (
    names.findLast((name) => !/^(slice|join|length|map|toString|hex)$/.test(name)) ?? "text"
  ).toLowerCase();
}
