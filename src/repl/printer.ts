/**
 * Lines to a stream, in order, and the knowledge of when they are out.
 *
 * Invariant: nothing that a terminal would act on passes through. A stream that the other side has closed swallows what
 * is written: a command's effect does not depend on its being read.
 */
import type { Writable } from "node:stream";
import { forTerminal } from "../base/text.ts";

export class Printer {
  readonly #stream: Writable;
  #last: Promise<void> = Promise.resolve();

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", () => {});
  }

  /** One write for all lines: a list of many is one system call. */
  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const text = lines.map((line) => `${forTerminal(line)}\n`).join("");
    this.#last = new Promise((resolve) => {
      this.#stream.write(text, () => resolve());
    });
  }

  /** Writes of a stream end in order, so that the last one stands for all. */
  flushed(): Promise<void> {
    return this.#last;
  }
}
