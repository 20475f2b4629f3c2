/**
 * The foot of a terminal's screen: rows of progress, and below them the line that is being typed.
 *
 * Owns what of the screen is drawn again and again. Everything else is printed above it once and scrolls away. Invariant:
 * between two calls the cursor is in the input, which is the last thing on the screen. Rows and input go out in one
 * write, so that nothing flickers. What the input is, and when it is drawn for a key, is not its business.
 */
import type { Writable } from "node:stream";
import type { ProgressRows, ScreenSize } from "./contract.ts";

export type Screen = Writable & { readonly columns?: number; readonly rows?: number };

export interface FootInput {
  /** How many rows of it are above the cursor. */
  cursorRow(): number;
  /** Draws it where the cursor is, at the beginning of an empty row. */
  draw(): void;
}

const SIZE_DEFAULT: ScreenSize = { columns: 80, rows: 24 };

export class ScreenFoot {
  readonly #screen: Screen;
  readonly #input: FootInput;
  #progress: ProgressRows | undefined;
  /** The rows of progress that are on the screen. */
  #shown: readonly string[] = [];
  /** What goes out together; undefined: each write by itself. */
  #batch: string[] | undefined;

  constructor(screen: Screen, input: FootInput) {
    this.#screen = screen;
    this.#input = input;
  }

  get size(): ScreenSize {
    // A terminal that does not know its size says 0.
    const { columns, rows } = this.#screen;
    return { columns: columns || SIZE_DEFAULT.columns, rows: rows || SIZE_DEFAULT.rows };
  }

  /** The only way to the screen for whoever draws the input. */
  write(text: string): void {
    if (this.#batch === undefined) this.#screen.write(text);
    else this.#batch.push(text);
  }

  progress(progress: ProgressRows | undefined): void {
    this.#progress = progress;
    const next = this.#rows();
    if (next.length !== this.#shown.length || next.some((row, index) => row !== this.#shown[index]))
      this.redraw();
  }

  /** After a change of the input or of the screen's size. */
  redraw(): void {
    this.#together(() => {
      this.#wipe();
      this.#draw();
    });
  }

  /** Prints whole lines where the foot begins; it comes below them again. */
  above(print: () => void): void {
    this.#together(() => this.#wipe());
    print();
    this.#together(() => this.#draw());
  }

  /**
   * The input is final, and the cursor in the row after it: it becomes a part of what is above.
   * @param text all of it
   */
  settle(text: string): void {
    if (this.#shown.length === 0) return;
    const inputRows = Math.floor(Bun.stringWidth(text) / this.size.columns) + 1;
    this.#together(() => {
      this.#wipeFrom(inputRows);
      this.write(`${text}\n`);
      this.#draw();
    });
  }

  #together(draw: () => void): void {
    this.#batch = [];
    try {
      draw();
    } finally {
      const text = this.#batch.join("");
      this.#batch = undefined;
      if (text !== "") this.#screen.write(text);
    }
  }

  #wipe(): void {
    this.#wipeFrom(this.#input.cursorRow());
  }

  /** @param inputRows of the input above the cursor */
  #wipeFrom(inputRows: number): void {
    const { columns } = this.size;
    // After a change of size: most terminals break a row that is too long now into several.
    const heights = this.#shown.map((row) => Math.max(1, Math.ceil(Bun.stringWidth(row) / columns)));
    const up = heights.reduce((sum, height) => sum + height, inputRows);
    this.#shown = [];
    this.write(`${up > 0 ? `\u001b[${up}A` : ""}\u001b[1G\u001b[0J`);
  }

  #draw(): void {
    this.#shown = this.#rows();
    for (const row of this.#shown) this.write(`${row}\n`);
    this.#input.draw();
  }

  #rows(): readonly string[] {
    return this.#progress?.(this.size) ?? [];
  }
}
