/**
 * The lines typed at the prompt, in a file of the data folder that only this user may read.
 *
 * Each line is appended when it is typed, so that a crash loses none. A history that cannot be read or written is no
 * reason to stop anybody: then there is less of it. Which lines are fit to be kept is for the prompt to say.
 */
import {
  chmodSync,
  closeSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { HISTORY_BYTES_MAX, HISTORY_LINES_MAX } from "../base/limits.ts";

const FOR_ME_ALONE = 0o600;

export class LineHistoryFile {
  /** The newest first. */
  readonly lines: readonly string[];
  readonly #path: string;
  #newest: string | undefined;

  constructor(path: string) {
    this.#path = path;
    const { lines, isLong } = readLines(path);
    this.lines = lines;
    this.#newest = lines[0];
    if (isLong) this.#cutDown();
  }

  add(line: string): void {
    if (line === this.#newest || line.trim() === "" || /[\r\n]/.test(line)) return;
    this.#newest = line;
    orNot(() => {
      const file = openSync(this.#path, "a", FOR_ME_ALONE);
      try {
        writeSync(file, `${line}\n`);
      } finally {
        closeSync(file);
      }
    });
  }

  #cutDown(): void {
    orNot(() => {
      const fresh = `${this.#path}.new`;
      writeFileSync(fresh, this.lines.toReversed().join("\n").concat("\n"), { mode: FOR_ME_ALONE });
      renameSync(fresh, this.#path);
    });
  }
}

interface Read {
  /** The newest first. */
  readonly lines: readonly string[];
  /** Whether the file holds more than is worth keeping. */
  readonly isLong: boolean;
}

function readLines(path: string): Read {
  return (
    orNot(() => {
      chmodSync(path, FOR_ME_ALONE);
      const { text, isCut } = readEnd(path);
      // A crash may have left half of the last line, a cut half of the first.
      const whole = text.split("\n").slice(isCut ? 1 : 0);
      const all = whole.filter((line) => line !== "").reverse();
      return { lines: all.slice(0, HISTORY_LINES_MAX), isLong: isCut || all.length > 2 * HISTORY_LINES_MAX };
    }) ?? { lines: [], isLong: false }
  );
}

function readEnd(path: string): { text: string; isCut: boolean } {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const from = Math.max(0, size - HISTORY_BYTES_MAX);
    const bytes = Buffer.alloc(size - from);
    const length = readSync(file, bytes, 0, bytes.length, from);
    return { text: bytes.toString("utf8", 0, length), isCut: from > 0 };
  } finally {
    closeSync(file);
  }
}

function orNot<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
