/**
 * Lines that are printed in one turn of the event loop: in their order, neighbours for one stream in one write.
 *
 * For programs that read: with one answer of a tracker come lines by the hundred, and each write is a call of the system. A
 * person's terminal is drawn at once, since what is drawn around a line must not overtake it.
 */
import type { Printer } from "./printer.ts";

export class PrintTurn {
  #due: { readonly printer: Printer; readonly lines: string[] }[] = [];

  print(printer: Printer, lines: readonly string[]): void {
    if (this.#due.length === 0) queueMicrotask(() => this.end());
    const last = this.#due.at(-1);
    if (last?.printer === printer) last.lines.push(...lines);
    else this.#due.push({ printer, lines: [...lines] });
  }

  /** Prints what is due, without waiting for the turn's end. */
  end(): void {
    for (const { printer, lines } of this.#due.splice(0)) printer.print(lines);
  }
}
