/**
 * The prompt for programs: commands from a pipe, a file or the command line, and on standard output one line of JSON for
 * each reply, error and event. Nothing goes to standard error.
 *
 * Quiet, it leaves out what only confirms or tells: errors remain, and what was asked for.
 */
import type { Writable } from "node:stream";
import type { Failure } from "../base/failure.ts";
import { COMMAND_LINE_BYTES_MAX } from "../base/limits.ts";
import { boundedLines } from "../base/lines.ts";
import { jsonLine } from "../base/text.ts";
import type { Terminal } from "./contract.ts";
import { PrintTurn } from "./print-turn.ts";
import { Printer } from "./printer.ts";
import { type Said, saidNotice } from "./said.ts";

export interface JsonStreams {
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: Writable;
}

export class JsonTerminal implements Terminal {
  readonly interactive = false;
  readonly left = new AbortController().signal;
  readonly askHidden = undefined;
  readonly folds = "nothing";
  readonly columns = undefined;
  readonly #lines: AsyncGenerator<string | Failure>;
  readonly #output: Printer;
  readonly #turn = new PrintTurn();
  readonly #isQuiet: boolean;

  constructor({ input, output }: JsonStreams, { quiet = false } = {}) {
    this.#lines = boundedLines(input, COMMAND_LINE_BYTES_MAX);
    this.#output = new Printer(output);
    this.#isQuiet = quiet;
  }

  setPrompt(): void {}

  async nextLine(): Promise<string | Failure | undefined> {
    await this.#flushed();
    const next = await this.#lines.next();
    return next.done ? undefined : next.value;
  }

  reply(_: readonly string[], said: Said): void {
    if (said.isData || !this.#isQuiet) this.#print(said);
  }

  async replyLong(lines: readonly string[], said: Said): Promise<void> {
    this.reply(lines, said);
  }

  notice(line: string, said = saidNotice(line)): void {
    if (!this.#isQuiet) this.#print(said);
  }

  error(_: string, said: Said | undefined): void {
    if (said !== undefined) this.#print(said);
  }

  progress(): void {}

  progressed(said: Said): void {
    if (!this.#isQuiet) this.#print(said);
  }

  completeWith(): void {}

  interruptWith(): void {}

  async close(): Promise<void> {
    await this.#flushed();
  }

  #print({ record }: Said): void {
    this.#turn.print(this.#output, [jsonLine(record)]);
  }

  async #flushed(): Promise<void> {
    this.#turn.end();
    await this.#output.flushed();
  }
}
