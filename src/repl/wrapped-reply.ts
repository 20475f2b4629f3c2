/**
 * A line of a reply on as many rows as it needs, none wider than the screen unless a word is. Pure.
 *
 * What a reply lists is copied, so that nothing is parted that is one thing: a row of a table is broken between its cells,
 * prose between words, but a path, which may hold blanks, nowhere. A word that has room in a row of its own is never broken for the sake
 * of an indent. Leading blanks are those of every row; what is below a table's row stands two further in.
 */

interface Piece {
  /** What stands before it, unless it begins a row. */
  readonly gap: string;
  readonly text: string;
}

const CELLS = /( *)(\S+(?: \S+)*)/g;
const WORDS = /( *)(\S+)/g;
const IS_TABLE = /\S {2,}\S/;
const PATH_BEGINS = /^(~?\/|[A-Za-z]:\\|\\\\)/;
const PHRASE_ENDS = /[;,]$/;
const HANG = "  ";

/** @param columns undefined: one row */
export function wrappedReply(line: string, columns: number | undefined): readonly string[] {
  if (columns === undefined || Bun.stringWidth(line) <= columns) return [line];
  const indent = /^ */.exec(line)?.[0] ?? "";
  const text = line.slice(indent.length);
  const isTable = IS_TABLE.test(text);
  const pieces = isTable ? cellsOf(text, columns) : wordsOf(text);
  return laid(pieces, columns, indent, isTable ? indent + HANG : indent);
}

function laid(pieces: readonly Piece[], columns: number, indent: string, further: string): string[] {
  const rows: string[] = [];
  let row = "";
  for (const { gap, text } of pieces) {
    const longer = row === "" ? indent + text : row + gap + text;
    if (row === "" || Bun.stringWidth(longer) <= columns) {
      row = longer;
      continue;
    }
    rows.push(row);
    row = Bun.stringWidth(further + text) <= columns ? further + text : text;
  }
  return [...rows, row];
}

/** A cell too long for a row of its own, as one of prose, in its words. */
function cellsOf(text: string, columns: number): Piece[] {
  return [...text.matchAll(CELLS)].flatMap(([, gap = "", cell = ""]) => {
    if (Bun.stringWidth(cell) <= columns) return [{ gap, text: cell }];
    const [first, ...rest] = wordsOf(cell);
    return first === undefined ? [] : [{ ...first, gap }, ...rest];
  });
}

/** From where a path begins all is one, up to the end of the phrase. */
function wordsOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let path: Piece | undefined;
  for (const [, gap = "", word = ""] of text.matchAll(WORDS)) {
    const piece = path === undefined ? { gap, text: word } : { gap: path.gap, text: path.text + gap + word };
    if (path !== undefined) pieces.pop();
    pieces.push(piece);
    path = PATH_BEGINS.test(piece.text) && !PHRASE_ENDS.test(word) ? piece : undefined;
  }
  return pieces;
}
