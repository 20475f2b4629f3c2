/**
 * The messages of errors, read out of the program's own text: of each `new Failure(code, message)` the code and what the message
 * says, with `<what>` in place of what is put in.
 *
 * Literals in the place of a message are what counts: a choice between two gives both, one that is handed in from elsewhere gives
 * none, since it is listed where it is made.
 */
export interface ListedMessage {
  /** `various` where the code is chosen as the program runs. */
  readonly code: string;
  readonly text: string;
}

const BEGIN = /new Failure\(\s*(?:"([a-z-]+)"|[\w.?: "-]+?)\s*,/g;

export function messagesOf(source: string): ListedMessage[] {
  return [...source.matchAll(BEGIN)].flatMap(({ 0: begin, 1: code = "various", index }) =>
    literalsFrom(source, index + begin.length)
      .filter((text) => /[a-z] |[a-z]$/.test(text))
      .map((text) => ({ code, text })),
  );
}

/** Up to the parenthesis that closes the call. */
function literalsFrom(source: string, from: number): string[] {
  const literals: string[] = [];
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    const char = source[at] ?? "";
    if (char === ")" && depth-- === 0) break;
    if (char === "(") depth++;
    if (char !== '"' && char !== "`") continue;
    const { text, end } = literalAt(source, at);
    // What is compared with, or handed to a function, is no message.
    if (depth === 0 && !/[=!]==\s*$/.test(source.slice(from, at))) literals.push(text);
    at = end;
  }
  return literals;
}

function literalAt(source: string, start: number): { readonly text: string; readonly end: number } {
  const quote = source[start];
  let text = "";
  let at = start + 1;
  for (; at < source.length && source[at] !== quote; at++) {
    if (source[at] === "\\") text += source[++at];
    else if (quote === "`" && source.startsWith("${", at)) {
      const end = holeEnd(source, at + 2);
      text += `<${nameOfHole(source.slice(at + 2, end))}>`;
      at = end;
    } else text += source[at];
  }
  return { text, end: at };
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
