/** What a word may become, in columns as a shell lists files. Pure. */
import { CHOICES_SHOWN_MAX } from "../base/limits.ts";
import { forTerminal } from "../base/text.ts";

const GAP = 2;

/** @param columns of the screen */
export function renderChoices(choices: readonly string[], columns: number): string[] {
  const cells = choices.slice(0, CHOICES_SHOWN_MAX).map(forTerminal);
  const width = Math.max(...cells.map((cell) => Bun.stringWidth(cell))) + GAP;
  const perRow = Math.max(1, Math.floor((columns - 1 + GAP) / width));
  const height = Math.ceil(cells.length / perRow);
  const rows = Array.from({ length: height }, (_, row) =>
    cells
      .filter((_, index) => index % height === row)
      .map((cell) => cell + " ".repeat(width - Bun.stringWidth(cell)))
      .join("")
      .trimEnd(),
  );
  const left = choices.length - cells.length;
  return left === 0 ? rows : [...rows, `... and ${left} more`];
}
