/** As much of a text as a row of the screen holds. Pure. */
export const ELLIPSIS = "...";

export function fitting(line: string, columns: number): string {
  if (Bun.stringWidth(line) <= columns) return line;
  return head(line, columns - ELLIPSIS.length) + ELLIPSIS;
}

/** A wide character at the cut is left out: a slice may take it in. */
export function head(text: string, columns: number): string {
  const cut = Bun.sliceAnsi(text, 0, columns);
  return Bun.stringWidth(cut) <= columns ? cut : Bun.sliceAnsi(text, 0, columns - 1);
}
