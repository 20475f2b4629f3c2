/**
 * The prompt's commands from a pipe, a file or the command line: replies to standard output, everything else to standard
 * error. Quiet, it leaves out what only confirms or tells: errors remain, and what was asked for.
 *
 * The next line is read only after the replies to the one before are out, so that a reader that is slow holds the
 * commands back and not the memory.
 */
import type { Writable } from "node:stream";
import type { Failure } from "../base/failure.ts";
import { COMMAND_LINE_BYTES_MAX } from "../base/limits.ts";
import { boundedLines } from "../base/lines.ts";
import type { Terminal } from "./contract.ts";
import { PrintTurn } from "./print-turn.ts";
import { Printer } from "./printer.ts";
import type { Said } from "./said.ts";

export interface PipedStreams {
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: Writable;
  readonly errors: Writable;
}

export class PipedTerminal implements Terminal {
  readonly interactive = false;
  readonly left = new AbortController().signal;
  readonly askHidden = undefined;
  readonly folds = "notices";
  readonly columns = undefined;
  readonly #lines: AsyncGenerator<string | Failure>;
  readonly #output: Printer;
  readonly #errors: Printer;
  readonly #turn = new PrintTurn();
  readonly #isQuiet: boolean;

  constructor({ input, output, errors }: PipedStreams, { quiet = false } = {}) {
    this.#lines = boundedLines(input, COMMAND_LINE_BYTES_MAX);
    this.#isQuiet = quiet;
    this.#output = new Printer(output);
    this.#errors = new Printer(errors);
  }

  setPrompt(): void {}

  async nextLine(): Promise<string | Failure | undefined> {
    await this.#flushed();
    const next = await this.#lines.next();
    return next.done ? undefined : next.value;
  }

  reply(lines: readonly string[], said?: Said): void {
    if (said?.isData || !this.#isQuiet) this.#turn.print(this.#output, lines);
  }

  async replyLong(lines: readonly string[], said?: Said): Promise<void> {
    this.reply(lines, said);
  }

  notice(line: string): void {
    if (!this.#isQuiet) this.#turn.print(this.#errors, [line]);
  }

  error(line: string): void {
    this.#turn.print(this.#errors, [`error: ${line}`]);
  }

  progress(): void {}

  progressed(_: Said, line?: string): void {
    if (line !== undefined) this.notice(line);
  }

  completeWith(): void {}

  interruptWith(): void {}

  async close(): Promise<void> {
    await this.#flushed();
  }

  async #flushed(): Promise<void> {
    this.#turn.end();
    await Promise.all([this.#output.flushed(), this.#errors.flushed()]);
  }
}
