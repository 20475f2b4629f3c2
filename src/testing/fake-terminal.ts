/** A terminal of which a test types the lines and reads the screen. */
import type { Failure } from "../base/failure.ts";
import type { Complete, ProgressRows, Terminal } from "../repl/contract.ts";

export class FakeTerminal implements Terminal {
  /** Everything printed, in order: `out:`, `note:`, `err:`; `>` stands before what was typed. */
  readonly screen: string[] = [];
  /** Of progress, as they are now. */
  rows: readonly string[] = [];
  folds: Terminal["folds"] = "nothing";
  columns: number | undefined;
  /** Ctrl-C. */
  interrupt = () => {};
  complete: Complete = async () => undefined;
  readonly #leaving = new AbortController();
  readonly left = this.#leaving.signal;
  readonly #lines: (string | Failure)[];
  #prompt = "";

  constructor(
    lines: readonly (string | Failure)[],
    readonly interactive = false,
    readonly askHidden: Terminal["askHidden"] = undefined,
  ) {
    this.#lines = [...lines];
  }

  leave(): void {
    this.#leaving.abort();
  }

  setPrompt(prompt: string): void {
    this.#prompt = prompt;
  }

  async nextLine(): Promise<string | Failure | undefined> {
    const line = this.#lines.shift();
    if (line !== undefined) this.screen.push(`${this.#prompt}${line instanceof Error ? "..." : line}`);
    return line;
  }

  reply(lines: readonly string[]): void {
    this.screen.push(...lines.map((line) => `out: ${line}`));
  }

  async replyLong(lines: readonly string[]): Promise<void> {
    this.screen.push(...lines.map((line) => `long: ${line}`));
  }

  notice(line: string): void {
    this.screen.push(`note: ${line}`);
  }

  error(line: string): void {
    this.screen.push(`err: ${line}`);
  }

  progress(rows: ProgressRows | undefined): void {
    this.rows = rows?.({ columns: 80, rows: 24 }) ?? [];
  }

  progressed(_: unknown, line?: string): void {
    if (line !== undefined) this.notice(line);
  }

  completeWith(complete: Complete): void {
    this.complete = complete;
  }

  interruptWith(interrupt: () => void): void {
    this.interrupt = interrupt;
  }

  async close(): Promise<void> {}
}
