/**
 * The prompt on a terminal that can do nothing but print (`TERM=dumb`: a shell inside an editor, a paper log).
 *
 * The terminal's own driver edits the line, so that nothing is ever drawn twice: no progress, no completion, no history,
 * and what comes unasked stands between what was typed and a new prompt. Ctrl-C is a signal here, and ends the program.
 * While a hidden question stands the driver is told not to echo.
 */
import { createInterface, type Interface } from "node:readline";
import type { Writable } from "node:stream";
import { forTerminal } from "../base/text.ts";
import type { Terminal } from "./contract.ts";
import { Printer } from "./printer.ts";

export interface DumbStreams {
  readonly input: NodeJS.ReadableStream & { setRawMode?(raw: boolean): unknown };
  readonly output: Writable;
  readonly errors: Writable;
}

const ERASED = /[^\u0008\u007f][\u0008\u007f]/;

export class DumbTerminal implements Terminal {
  readonly interactive = true;
  readonly #leaving = new AbortController();
  readonly left = this.#leaving.signal;
  readonly folds = "everything";
  readonly columns = undefined;
  readonly #streams: DumbStreams;
  readonly #output: Printer;
  readonly #errors: Printer;
  readonly #readline: Interface;
  readonly #ahead: string[] = [];
  #waiter: ((line: string | undefined) => void) | undefined;
  /** What stands before what is being typed. */
  #asked = "";
  #prompt = "> ";
  #closed = false;

  constructor(streams: DumbStreams) {
    this.#streams = streams;
    this.#output = new Printer(streams.output);
    this.#errors = new Printer(streams.errors);
    this.#readline = createInterface({ input: streams.input, terminal: false });
    this.#readline.on("line", (line) => this.#take(line));
    this.#readline.on("close", () => this.#leave());
  }

  readonly askHidden = async (question: string): Promise<string | undefined> => {
    const { input, output } = this.#streams;
    input.setRawMode?.(true);
    try {
      const answer = await this.#ask(question);
      return answer === undefined || answer.includes("\u0003") ? undefined : withoutErased(answer);
    } finally {
      input.setRawMode?.(false);
      output.write("\n");
    }
  };

  setPrompt(prompt: string): void {
    this.#prompt = prompt;
  }

  nextLine(): Promise<string | undefined> {
    return this.#ask(this.#prompt);
  }

  reply(lines: readonly string[]): void {
    this.#between(() => this.#output.print(lines));
  }

  async replyLong(lines: readonly string[]): Promise<void> {
    this.reply(lines);
  }

  notice(line: string): void {
    this.reply([line]);
  }

  error(line: string): void {
    this.#between(() => this.#errors.print([`error: ${line}`]));
  }

  progress(): void {}

  progressed(): void {}

  completeWith(): void {}

  interruptWith(): void {}

  async close(): Promise<void> {
    this.#readline.close();
    await Promise.all([this.#output.flushed(), this.#errors.flushed()]);
  }

  async #ask(what: string): Promise<string | undefined> {
    const typed = this.#ahead.shift();
    if (typed !== undefined || this.#closed) return typed;
    this.#asked = forTerminal(what);
    this.#streams.output.write(this.#asked);
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }

  #take(line: string | undefined): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined) waiter(line);
    else if (line !== undefined) this.#ahead.push(line);
  }

  #leave(): void {
    this.#closed = true;
    this.#leaving.abort();
    this.#take(undefined);
  }

  #between(print: () => void): void {
    const { output } = this.#streams;
    const isAsking = this.#waiter !== undefined;
    if (isAsking) output.write("\n");
    print();
    if (isAsking) output.write(this.#asked);
  }
}

/** Without echo the driver passes the keys on: what was erased is still there, and what erased it. */
function withoutErased(answer: string): string {
  let text = answer;
  while (ERASED.test(text)) text = text.replace(ERASED, "");
  return text.replace(/[\u0008\u007f]/g, "");
}
