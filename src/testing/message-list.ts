/**
 * The messages of errors, read out of the program's own text: of each `new Failure(code, message)` the code and what the message
 * says, with `<what>` in place of what is put in.
 *
 * Literals in the place of a message are what counts: a choice between two gives both, a sum of them is one, and one that is
 * handed in from elsewhere gives none, since it is listed where it is made.
 */
export interface ListedMessage {
  /** `various` where the code is chosen as the program runs. */
  readonly code: string;
  readonly text: string;
  /** On which the `Failure` is made; the first is 1. */
  readonly line: number;
  /** What stands before, between and after the holes. */
  readonly literals: readonly string[];
}

interface Literal {
  readonly text: string;
  readonly literals: readonly string[];
  /** Of its last character. */
  readonly end: number;
}

const BEGIN = /new Failure\(\s*(?:"([a-z-]+)"|[\w.?: "-]+?)\s*,/g;

export function messagesOf(source: string): ListedMessage[] {
  return [...source.matchAll(BEGIN)].flatMap(({ 0: begin, 1: code = "various", index }) => {
    const line = source.slice(0, index).split("\n").length;
    return literalsFrom(source, index + begin.length)
      .filter(({ text }) => /[a-z] |[a-z]$/.test(text))
      .map(({ text, literals }) => ({ code, text, line, literals }));
  });
}

/** Up to the parenthesis that closes the call. */
function literalsFrom(source: string, from: number): Literal[] {
  const found: Literal[] = [];
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    const char = source[at] ?? "";
    if (char === ")" && depth-- === 0) break;
    if (char === "(") depth++;
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
  return { text, literals: [...literals, since], end: at };
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
