/**
 * A list that is longer than the screen, a screen at a time. Pure: what is shown next, not how.
 *
 * A line that is wider than the screen takes the rows that it is broken into; one row is left for the word that there is more.
 */
import type { ScreenSize } from "./contract.ts";
import { fitting } from "./fitting.ts";
import { wrappedReply } from "./wrapped-reply.ts";

export class Pager {
  readonly #lines: readonly string[];
  #shown = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  get isDone(): boolean {
    return this.#shown >= this.#lines.length;
  }

  /** What stands below the lines while there are more: all the keys, as long as there is room. */
  status(columns: number): string {
    const shown = `${this.#shown} of ${this.#lines.length}`;
    const whole = `-- ${shown}: space for more, Enter for a line, q to stop --`;
    return Bun.stringWidth(whole) <= columns ? whole : fitting(`${shown}: space, Enter or q`, columns);
  }

  /** The next screen. */
  nextScreen({ rows, columns }: ScreenSize): readonly string[] {
    const from = this.#shown;
    let left = Math.max(1, rows - 1);
    for (const line of this.#lines.slice(from)) {
      left -= rowsOf(line, columns);
      if (left < 0 && this.#shown > from) break;
      this.#shown++;
    }
    return this.#lines.slice(from, this.#shown);
  }

  nextLine(): readonly string[] {
    return this.#lines.slice(this.#shown, ++this.#shown);
  }
}

/** @param lines as they are printed */
export function fitsScreen(lines: readonly string[], { rows, columns }: ScreenSize): boolean {
  let left = rows - 1;
  for (const line of lines) {
    left -= rowsOf(line, columns);
    if (left < 0) return false;
  }
  return true;
}

function rowsOf(line: string, columns: number): number {
  const rows = wrappedReply(line, columns).map((row) =>
    Math.ceil(Bun.stringWidth(row) / Math.max(1, columns)),
  );
  return rows.reduce((sum, each) => sum + Math.max(1, each), 0);
}
