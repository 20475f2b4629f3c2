/**
 * The help of the program as a screen shows it: no row is broken within a word, and nothing stands there in a colour that
 * a light or a dark background swallows. Pure. What citty has drawn is taken by its form: names to the left, four blanks, what they mean.
 */
import { wrapped } from "../base/wrapped.ts";

/** Grey and cyan, of citty; bold and underlined stay. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[(3\\d|9\\d)m`, "g");
const NAME_AND_MEANING = /^( *\S.*?) {4}(\S.*)$/;
/** A word, or what stands between quotes with it. */
const WORD = /(?:'[^']*'|\S)+/g;
const GOES_ON = " \\";
/** Columns that what a name means needs to be read beside it. */
const MEANING_COLUMNS_MIN = 30;

/** @param columns undefined: as many as it takes */
export function helpOnScreen(help: string, columns: number | undefined): string {
  const lines = help.replace(COLOURS, "").split("\n");
  if (!columns) return lines.join("\n");
  return lines.flatMap((line) => fitted(line.trimEnd(), columns)).join("\n");
}

function fitted(line: string, columns: number): readonly string[] {
  const [, name = "", meaning = ""] = NAME_AND_MEANING.exec(line) ?? [];
  if (name === "") return line.startsWith(" ") ? exampleOn(line, columns) : wrapped(line, columns);
  const beside = Bun.stringWidth(name) + 4;
  if (beside + MEANING_COLUMNS_MIN > columns)
    return [`  ${name.trim()}`, ...wrapped(meaning, columns, "      ")];
  const [first = "", ...rest] = wrapped(meaning, columns, " ".repeat(beside));
  return [name + first.slice(name.length), ...rest];
}

/** To be copied: where it is broken, a shell goes on reading, and nothing between quotes is. */
function exampleOn(line: string, columns: number): readonly string[] {
  if (Bun.stringWidth(line) <= columns) return [line];
  const [first = "", ...words] = line.match(WORD) ?? [];
  const rows: string[] = [];
  let row = `  ${first}`;
  for (const word of words) {
    if (Bun.stringWidth(`${row} ${word}${GOES_ON}`) <= columns) {
      row += ` ${word}`;
      continue;
    }
    rows.push(row + GOES_ON);
    row = `      ${word}`;
  }
  return [...rows, row];
}
