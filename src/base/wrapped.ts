/**
 * Words of a text on as many rows as they need, none wider than the screen unless a word is. Pure.
 *
 * A fingerprint stays behind its address: the two are copied into a file together, where they are one line.
 */

const BETWEEN_WORDS = / (?!sha256:)/;

/** @param columns undefined: one row. @param indent in front of every row, and before the blanks that the text begins with */
export function wrapped(text: string, columns: number | undefined, indent = ""): string[] {
  if (columns === undefined) return [indent + text];
  const blanks = text.length - text.trimStart().length;
  if (blanks > 0) return wrapped(text.slice(blanks), columns, indent + text.slice(0, blanks));
  const room = Math.max(1, columns - Bun.stringWidth(indent));
  const rows: string[] = [];
  let row = "";
  for (const word of text.split(BETWEEN_WORDS)) {
    const longer = row === "" ? word : `${row} ${word}`;
    if (row === "" || Bun.stringWidth(longer) <= room) {
      row = longer;
      continue;
    }
    rows.push(indent + row);
    row = word;
  }
  return [...rows, indent + row];
}

/**
 * A name and what it means, side by side where the name leaves room for it, else below each other.
 * @param width of the column of names
 */
export function besideOrBelow(name: string, text: string, width: number, columns?: number): string[] {
  const isBeside = Bun.stringWidth(name) <= width;
  const indent = " ".repeat(width + 2);
  const [first = "", ...rest] = wrapped(text, columns, indent);
  if (isBeside) return [name.padEnd(width + 2) + first.trimStart(), ...rest];
  return [...wrapped(name, columns), first, ...rest];
}

/** Undefined where rows need not be broken: a pipe, a file, a terminal that does not know its width. */
export function screenColumns({
  isTTY,
  columns,
}: {
  readonly isTTY?: boolean;
  readonly columns?: number;
}): number | undefined {
  return isTTY && columns ? columns : undefined;
}
