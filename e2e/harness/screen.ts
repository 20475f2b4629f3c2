/**
 * The program on a real pseudo-terminal, and the screen that a person would see: what is typed goes in as keys, what
 * comes out is drawn by a terminal emulator (xterm's own, without its window), which also reflows at a resize.
 *
 * Nobody waits for time: a wait is a condition on the screen, looked at again after each drawing, and fails with the
 * whole screen when its deadline passes or the program has ended.
 */

import { type IBufferCell, Terminal } from "@xterm/headless";
import type { Subprocess } from "bun";
import { BINARY, cleanEnvironment } from "./binary.ts";

export interface ScreenOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
}

export const KEYS = {
  enter: "\r",
  tab: "\t",
  up: "\u001b[A",
  left: "\u001b[D",
  ctrlC: "\u0003",
  ctrlD: "\u0004",
} as const;

/** How cells look. */
export interface Look {
  /** One of the terminal's numbered colors; absent: its own. */
  readonly color?: number;
  readonly bold?: true;
  readonly dim?: true;
  readonly inverse?: true;
}

export interface StyledRun extends Look {
  /** From 0. */
  readonly column: number;
  readonly text: string;
}

export type StyledRow = readonly StyledRun[];

function lookOf(cell: IBufferCell): Look {
  return {
    ...(cell.isFgPalette() ? { color: cell.getFgColor() } : {}),
    ...(cell.isBold() ? { bold: true } : {}),
    ...(cell.isDim() ? { dim: true } : {}),
    ...(cell.isInverse() ? { inverse: true } : {}),
  };
}

function sameLook(a: Look, b: Look): boolean {
  return a.color === b.color && a.bold === b.bold && a.dim === b.dim && a.inverse === b.inverse;
}

/** With nothing typed behind it. */
const PROMPT = /^\S+>$/;
const WAIT_MS_MAX = 30_000;

const running = new Set<Subprocess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Why no program can be run on a terminal here; undefined if it can. */
export function noTerminalHere(): string | undefined {
  return process.platform === "win32" ? "no pseudo-terminal on Windows" : undefined;
}

export class ScreenProgram {
  readonly name: string;
  readonly #child: Subprocess;
  readonly #terminal: Terminal;
  readonly #changed = new Set<() => void>();
  readonly #decoder = new TextDecoder();
  /** All that came out, escape sequences too. */
  raw = "";
  #exitCode: number | undefined;

  constructor({ name, args, cwd, home, env = {}, columns = 80, rows = 24 }: ScreenOptions) {
    this.name = name;
    this.#terminal = new Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: false });
    this.#child = Bun.spawn([BINARY, ...args], {
      cwd,
      env: { ...cleanEnvironment(home), TERM: "xterm-256color", ...env },
      terminal: { cols: columns, rows, data: (_, bytes) => this.#draw(bytes) },
    });
    running.add(this.#child);
    void this.#child.exited.then((code) => {
      this.#exitCode = code;
      running.delete(this.#child);
      this.#notify();
    });
  }

  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  type(keys: string): void {
    this.#child.terminal?.write(keys);
  }

  /** Types a command, and waits for a row that matches and the next prompt. */
  async run(command: string, reply: RegExp): Promise<void> {
    const before = this.count(reply);
    this.type(command + KEYS.enter);
    await this.until(`${reply} once more after ${command}`, () => this.count(reply) > before || undefined);
    await this.until("the next prompt", () => PROMPT.test(this.rows().at(-1) ?? "") || undefined);
  }

  /** How many rows of all that was ever shown match. */
  count(pattern: RegExp): number {
    return this.all().filter((row) => pattern.test(row)).length;
  }

  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows);
    this.#child.terminal?.resize(columns, rows);
  }

  /** The rows on the screen, without blank ones at its end and blanks at theirs. */
  rows(): string[] {
    const { baseY } = this.#terminal.buffer.active;
    return this.all().slice(baseY);
  }

  /** Those that have scrolled away too. */
  all(): string[] {
    const { active } = this.#terminal.buffer;
    const lines = Array.from(
      { length: active.length },
      (_, at) => active.getLine(at)?.translateToString().trimEnd() ?? "",
    );
    return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1);
  }

  /** How each row on the screen looks, as runs of cells of one look. */
  styledRows(): StyledRow[] {
    const { baseY } = this.#terminal.buffer.active;
    return this.rows().map((text, at) => this.#styledRow(baseY + at, text.length));
  }

  /** Where the cursor is on the screen, from 0. */
  cursor(): { column: number; row: number } {
    const { cursorX, cursorY } = this.#terminal.buffer.active;
    return { column: cursorX, row: cursorY };
  }

  /** Resolves with the first value other than undefined that `look` finds on the screen. */
  until<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(deadline);
        this.#changed.delete(check);
        act();
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${this.name}: ${why}: ${what}\n${this.all().join("\n")}`)));
      const deadline = setTimeout(() => fail(`not within ${WAIT_MS_MAX} ms`), WAIT_MS_MAX);
      const check = () => {
        const found = look();
        if (found !== undefined) settle(() => resolve(found));
        else if (this.#exitCode !== undefined) fail(`ended with code ${this.#exitCode} without`);
      };
      this.#changed.add(check);
      check();
    });
  }

  async exited(): Promise<number> {
    return await this.until("its end", () => this.#exitCode);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#child.terminal?.close();
    this.#terminal.dispose();
  }

  #styledRow(line: number, columns: number): StyledRow {
    const cells = this.#terminal.buffer.active.getLine(line);
    const runs: StyledRun[] = [];
    for (let column = 0; column < columns; column++) {
      const cell = cells?.getCell(column);
      if (cell === undefined || cell.getWidth() === 0) continue;
      const look = lookOf(cell);
      const text = cell.getChars() || " ";
      const last = runs.at(-1);
      if (last !== undefined && sameLook(last, look))
        runs[runs.length - 1] = { ...last, text: last.text + text };
      else runs.push({ column, text, ...look });
    }
    return runs;
  }

  #draw(bytes: Uint8Array): void {
    this.raw += this.#decoder.decode(bytes, { stream: true });
    this.#terminal.write(bytes, () => this.#notify());
  }

  #notify(): void {
    for (const check of [...this.#changed]) check();
  }
}
