/**
 * The prompt on a terminal: line editing and history by readline, lines that come unasked above what is being typed.
 *
 * Ctrl-C clears the line or gives the question up; with nothing typed, twice in a row, it leaves, as Ctrl-D does. Readline
 * keeps the terminal in raw mode, so that neither arrives as a signal, and both are seen while a command runs. An answer
 * that is not echoed is not kept in the history, nor is a line that holds a password.
 */
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from "node:readline";
import { Writable } from "node:stream";
import { LINES_AHEAD_MAX } from "../base/limits.ts";
import { forTerminal } from "../base/text.ts";
import type { Terminal } from "./contract.ts";
import { fitsScreen, Pager, type ScreenSize } from "./pager.ts";
import { Printer } from "./printer.ts";

export interface TerminalStreams {
  readonly input: NodeJS.ReadableStream;
  readonly output: Writable & { readonly columns?: number; readonly rows?: number };
  readonly errors: Writable;
}

export interface InteractiveTerminalOptions {
  /** What Tab completes. */
  readonly commandNames: readonly string[];
  /** Which lines are not kept in the history. */
  readonly holdsPassword: (line: string) => boolean;
}

interface HiddenQuestion {
  readonly text: string;
  readonly answer: (line: string | undefined) => void;
}

interface Reading {
  readonly pager: Pager;
  readonly end: () => void;
}

const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

export class InteractiveTerminal implements Terminal {
  readonly interactive = true;
  readonly #leaving = new AbortController();
  readonly left = this.#leaving.signal;
  readonly #screen: TerminalStreams["output"];
  readonly #output: Printer;
  readonly #errors: Printer;
  readonly #readline: Interface & { prevRows?: number };
  /** Lines typed before they were asked for. */
  readonly #ahead: string[] = [];
  /** Who waits for the next line; while somebody does, the prompt is on the screen. */
  #waiter: ((line: string | undefined) => void) | undefined;
  #question: HiddenQuestion | undefined;
  /** A long reply is being read; meanwhile no key is a part of a line. */
  #reading: Reading | undefined;
  #prompt = "> ";
  /** Whether the last key was a Ctrl-C with nothing to clear. */
  #interrupted = false;
  #closed = false;

  constructor(
    { input, output, errors }: TerminalStreams,
    { commandNames, holdsPassword }: InteractiveTerminalOptions,
  ) {
    this.#screen = output;
    this.#output = new Printer(output);
    this.#errors = new Printer(errors);
    this.#readline = createInterface({
      input,
      output: muted(output, () => this.#question !== undefined || this.#reading !== undefined),
      terminal: true,
      historySize: LINES_AHEAD_MAX,
      completer: (line: string) => [
        commandNames.filter((name) => name.startsWith(line)).map((name) => `${name} `),
        line,
      ],
    });
    this.#readline.on("line", (line) => this.#take(line));
    this.#readline.on("history", (history) => {
      if (this.#question !== undefined || holdsPassword(history[0] ?? "")) history.shift();
    });
    this.#readline.on("SIGINT", () => this.#interrupt());
    this.#readline.on("close", () => this.#leave());
    input.on("keypress", (_, key?: { ctrl?: boolean; name?: string }) => {
      if (key?.ctrl !== true || key.name !== "c") this.#interrupted = false;
      this.#turn(key?.name);
    });
  }

  readonly askHidden = async (question: string): Promise<string | undefined> => {
    const typed = this.#ahead.shift();
    if (typed !== undefined || this.#closed) return typed;
    this.#screen.write(forTerminal(question));
    return new Promise((answer) => {
      this.#question = { text: question, answer };
    });
  };

  setPrompt(prompt: string): void {
    this.#prompt = forTerminal(prompt);
    this.#readline.setPrompt(this.#prompt);
  }

  async nextLine(): Promise<string | undefined> {
    if (this.#closed) return undefined;
    const typed = this.#ahead.shift();
    if (typed !== undefined) {
      this.#output.print([this.#prompt + typed]);
      if (this.#ahead.length < LINES_AHEAD_MAX) this.#readline.resume();
      return typed;
    }
    this.#readline.prompt(true);
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }

  reply(lines: readonly string[]): void {
    this.#aboveInput(() => this.#output.print(lines));
  }

  /** Where lines were typed or pasted ahead, nobody sits there to turn pages. */
  async replyLong(lines: readonly string[]): Promise<void> {
    if (this.#closed || this.#ahead.length > 0 || fitsScreen(lines, this.#size)) {
      this.reply(lines);
      return;
    }
    await new Promise<void>((end) => {
      const pager = new Pager(lines);
      this.#reading = { pager, end };
      this.#showMore(pager.nextScreen(this.#size));
    });
  }

  notice(line: string): void {
    this.#aboveInput(() => this.#output.print([line]));
  }

  error(line: string): void {
    this.#aboveInput(() => this.#errors.print([`error: ${line}`]));
  }

  progress(line: string | undefined): void {
    if (this.#waiter !== undefined || this.#question !== undefined) return;
    this.#wipeLine();
    if (line !== undefined) this.#screen.write(fitting(forTerminal(line), this.#screen.columns));
  }

  async close(): Promise<void> {
    this.#readline.close();
    await Promise.all([this.#output.flushed(), this.#errors.flushed()]);
  }

  get #size(): ScreenSize {
    return { rows: this.#screen.rows ?? ROWS_DEFAULT, columns: this.#screen.columns ?? COLUMNS_DEFAULT };
  }

  /** A key while a long reply is read. Enter and Ctrl-C come from readline, which has taken the key for its own line too. */
  #turn(key: string | undefined): void {
    if (this.#reading === undefined) return;
    this.#clearTyped();
    if (key === "space") this.#showMore(this.#reading.pager.nextScreen(this.#size));
    else if (key === "q") this.#stopReading();
  }

  #showMore(lines: readonly string[]): void {
    const { pager } = this.#reading ?? {};
    this.#wipeLine();
    this.#output.print(lines);
    if (pager?.isDone !== false) this.#stopReading();
    else this.#screen.write(fitting(pager.status, this.#screen.columns));
  }

  #stopReading(): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    this.#wipeLine();
    this.#reading = undefined;
    reading.end();
  }

  #take(line: string): void {
    if (this.#reading !== undefined) {
      this.#showMore(this.#reading.pager.nextLine());
      return;
    }
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (this.#question !== undefined) this.#answer(line);
    else if (waiter !== undefined) waiter(line);
    else if (this.#ahead.push(line) >= LINES_AHEAD_MAX) this.#readline.pause();
  }

  #answer(line: string | undefined): void {
    const question = this.#question;
    if (question === undefined) return;
    this.#question = undefined;
    this.#screen.write("\n");
    question.answer(line);
  }

  #interrupt(): void {
    if (this.#interrupted) {
      this.#leave();
      return;
    }
    const isSomethingToEnd =
      this.#reading !== undefined || this.#question !== undefined || this.#readline.line !== "";
    this.#clearTyped();
    this.#ahead.length = 0;
    this.#stopReading();
    this.#answer(undefined);
    if (isSomethingToEnd) return;
    this.#interrupted = true;
    this.notice("Press Ctrl-C again to leave");
  }

  #clearTyped(): void {
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
  }

  #leave(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#waiter !== undefined) this.#screen.write("\n");
    this.#leaving.abort();
    this.#stopReading();
    this.#answer(undefined);
    this.#waiter?.(undefined);
    this.#waiter = undefined;
  }

  /** Prints where the prompt or question stands and puts that, with what was typed, below it again. */
  #aboveInput(print: () => void): void {
    if (this.#waiter === undefined) {
      this.#wipeLine();
      print();
      if (this.#question !== undefined) this.#screen.write(forTerminal(this.#question.text));
      if (this.#reading !== undefined)
        this.#screen.write(fitting(this.#reading.pager.status, this.#screen.columns));
      return;
    }
    const { rows } = this.#readline.getCursorPos();
    moveCursor(this.#screen, 0, -rows);
    this.#wipeLine();
    print();
    // Undocumented: readline goes up by the rows of its last drawing before it draws anew; that one is wiped.
    this.#readline.prevRows = 0;
    this.#readline.prompt(true);
  }

  #wipeLine(): void {
    cursorTo(this.#screen, 0);
    clearScreenDown(this.#screen);
  }
}

/** The screen as readline sees it: while `isMuted`, what it would echo goes nowhere. */
function muted(screen: TerminalStreams["output"], isMuted: () => boolean): Writable {
  const seen = new Writable({
    write(chunk, _, done) {
      if (!isMuted()) screen.write(chunk);
      done();
    },
  });
  Object.defineProperty(seen, "columns", { get: () => screen.columns ?? COLUMNS_DEFAULT });
  screen.on("resize", () => seen.emit("resize"));
  return seen;
}

/** As much of a line as one row of the screen holds. */
function fitting(line: string, columns = COLUMNS_DEFAULT): string {
  let text = line;
  while (text !== "" && Bun.stringWidth(text) >= columns) text = text.slice(0, -1);
  return text;
}
