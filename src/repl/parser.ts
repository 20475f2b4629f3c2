/**
 * A typed or piped line -> its words, as a shell would cut it. Pure.
 *
 * Quotes and `\` group characters into a word; on Windows `\` is part of a path and quotes nothing. What the words mean
 * is for the commands: no word is special here but a leading `#`, a comment, and a leading `~/`, the home folder.
 */
import { Failure } from "../base/failure.ts";
import { COMMAND_LINE_BYTES_MAX } from "../base/limits.ts";
import { cleanPasted, utf8Length } from "../base/text.ts";

export interface ParserOptions {
  /** The user's home folder, for `~/`. */
  readonly home: string;
  readonly windows: boolean;
}

const CONTROL = /[\u0000-\u0008\u000A-\u001F\u007F-\u009F]/;

/** @returns no words for a blank line or a comment */
export function splitWords(line: string, options: ParserOptions): readonly string[] | Failure {
  if (utf8Length(line) > COMMAND_LINE_BYTES_MAX)
    return new Failure("usage", `the line is longer than ${COMMAND_LINE_BYTES_MAX} bytes`);
  const text = cleanPasted(line).trim();
  if (text.startsWith("#")) return [];
  if (CONTROL.test(text)) return new Failure("usage", "the line holds a control character; type it anew");
  return cutWords(text, options);
}

function cutWords(text: string, options: ParserOptions): readonly string[] | Failure {
  const escapes = options.windows ? "" : "\\";
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (isBlank(text[at])) {
      at++;
      continue;
    }
    const homeLength = homePrefix(text.slice(at, at + 3), options.windows);
    let word = homeLength > 0 ? options.home : "";
    at += homeLength;
    while (at < text.length && !isBlank(text[at])) {
      const char = text[at] ?? "";
      const part = char === "'" || char === '"' ? quoted(text, at, escapes) : plain(text, at, escapes);
      if (part instanceof Failure) return part;
      word += part.text;
      at = part.end;
    }
    words.push(word);
  }
  return words;
}

/**
 * The commands of one text: each ends at a `;` outside of quotes or with its line. What they hold is for `splitWords`: a
 * quote that is not closed takes in the rest of its line, and so does a comment.
 */
export function splitCommands(text: string, { windows }: Pick<ParserOptions, "windows">): readonly string[] {
  const commands = text.split(/\r?\n/).flatMap((line) => cutCommands(line, windows ? "" : "\\"));
  return commands.map((each) => each.trim()).filter((each) => each !== "");
}

function cutCommands(line: string, escapes: string): string[] {
  const commands: string[] = [];
  let begin = 0;
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? "";
    if (char === "#" && line.slice(begin, at).trim() === "") break;
    if (char === escapes) at++;
    else if (char === "'" || char === '"') {
      const end = quoted(line, at, escapes);
      if (end instanceof Failure) break;
      at = end.end - 1;
    } else if (char === ";") {
      commands.push(line.slice(begin, at));
      begin = at + 1;
    }
  }
  return [...commands, line.slice(begin)];
}

function isBlank(char: string | undefined): boolean {
  return char === " " || char === "\t";
}

/** @returns how many characters stand for the home folder: `~` of `~/x` or of `~` alone */
function homePrefix(text: string, windows: boolean): 0 | 1 {
  if (text[0] !== "~") return 0;
  const next = text[1];
  return next === undefined || isBlank(next) || next === "/" || (windows && next === "\\") ? 1 : 0;
}

interface Part {
  readonly text: string;
  /** Where the next part begins. */
  readonly end: number;
}

function plain(text: string, at: number, escapes: string): Part | Failure {
  const char = text[at] ?? "";
  if (char !== escapes) return { text: char, end: at + 1 };
  const next = text[at + 1];
  if (next === undefined)
    return new Failure("usage", "the line ends with \\; write \\\\ for the character itself");
  return { text: next, end: at + 2 };
}

/** From the quote at `at` to its partner. Between `"` a `\` makes `"` and `\` plain; between `'` nothing is special. */
function quoted(text: string, at: number, escapes: string): Part | Failure {
  const quote = text[at] ?? "";
  let inside = "";
  for (let next = at + 1; next < text.length; next++) {
    const char = text[next] ?? "";
    if (char === quote) return { text: inside, end: next + 1 };
    const after = text[next + 1];
    const escaped = quote === '"' && char === escapes && (after === '"' || after === "\\");
    if (escaped) next++;
    inside += escaped ? after : char;
  }
  const other = quote === "'" ? '"' : "'";
  return new Failure(
    "usage",
    `the quote ${quote} is not closed; close it, or put a word that holds it between ${other}`,
  );
}

/** `word` as one would type it: what `splitWords` makes one word of again, wherever a quote can do that. */
export function quoteWord(word: string): string {
  if (word !== "" && !/[\s'"\\]|^[#~]/.test(word)) return word;
  return word.includes("'") ? `"${word}"` : `'${word}'`;
}
