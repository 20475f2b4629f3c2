/**
 * The prompt on a terminal: line editing by readline; lines that come unasked, and progress, above what is being typed.
 *
 * Ctrl-C ends the command that runs, with all that was typed or pasted behind it, gives the question up, or clears the line;
 * with nothing of that there, or while the command does not end, twice in a row, it leaves, as Ctrl-D does. Readline keeps the terminal in raw mode, so that neither arrives as a signal, and both are seen while a command runs. An answer
 * that is not echoed is kept in no history, nor is a line that holds a password, nor one typed ahead before it is taken
 * as a command: it may be the answer to a question yet to come. What Tab asks for may take its time: who types on loses
 * only the completion. What is wider than the screen is broken between words, and a reply only where nothing is parted that may be copied (`wrapped-reply`). While a long reply is read its pager stands in place of what is typed, and no key is a part of a line.
 */
import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";
import { HISTORY_LINES_MAX, LINES_AHEAD_MAX } from "../base/limits.ts";
import { forTerminal } from "../base/text.ts";
import { wrapped } from "../base/wrapped.ts";
import type { Complete, Completion, LineHistory, ProgressRows, Terminal } from "./contract.ts";
import { fitsScreen, Pager } from "./pager.ts";
import { Printer } from "./printer.ts";
import { renderChoices } from "./render-choices.ts";
import { type Screen, ScreenFoot } from "./screen-foot.ts";
import { wrappedReply } from "./wrapped-reply.ts";

export interface TerminalStreams {
  readonly input: NodeJS.ReadableStream;
  readonly output: Screen;
  readonly errors: Writable;
}

export interface InteractiveTerminalOptions {
  /** Which lines are not kept in the history. */
  readonly holdsPassword: (line: string) => boolean;
  readonly history: LineHistory;
  /** Whether errors may be red. */
  readonly colors: boolean;
}

interface HiddenQuestion {
  readonly text: string;
  readonly answer: (line: string | undefined) => void;
}

/** A long reply that is on the screen in part. */
interface Reading {
  readonly pager: Pager;
  /** What stands below it, as it was drawn last. */
  status: string;
  readonly end: () => void;
}

/** What readline has and its types do not tell, or only for reading. */
interface Editor {
  line: string;
  cursor: number;
  history: string[];
  /** Rows that it goes up before it draws anew. */
  prevRows?: number;
}

type LineEditor = Omit<Interface, keyof Editor> & Editor;

const RED = "\u001b[31m";
const COLOR_AS_BEFORE = "\u001b[39m";

export class InteractiveTerminal implements Terminal {
  readonly interactive = true;
  readonly #leaving = new AbortController();
  readonly left = this.#leaving.signal;
  readonly folds = "everything";
  readonly #output: Printer;
  readonly #errors: Printer;
  readonly #errorStream: Writable;
  readonly #foot: ScreenFoot;
  readonly #readline: LineEditor;
  readonly #options: InteractiveTerminalOptions;
  #complete: Complete = async () => undefined;
  #interruptCommand = () => {};
  /** Lines typed before they were asked for. */
  readonly #ahead: string[] = [];
  /** Who waits for the next line; while somebody does, the prompt is on the screen. */
  #waiter: ((line: string | undefined) => void) | undefined;
  #question: HiddenQuestion | undefined;
  #reading: Reading | undefined;
  /** What is to be seen of progress; nothing is while a long reply is read. */
  #progress: ProgressRows | undefined;
  #prompt = "> ";
  /** Whether the last key was a Ctrl-C with nothing to clear, or for a command that runs still. */
  #interrupted = false;
  #closed = false;

  constructor({ input, output, errors }: TerminalStreams, options: InteractiveTerminalOptions) {
    this.#options = options;
    this.#output = new Printer(output);
    this.#errors = new Printer(errors);
    this.#errorStream = errors;
    this.#foot = new ScreenFoot(output, {
      cursorRow: () => this.#cursorRow(),
      draw: () => this.#drawInput(),
    });
    this.#readline = withEditor(
      createInterface({
        input,
        output: this.#screenOfReadline(),
        terminal: true,
        history: options.history.lines.slice(0, HISTORY_LINES_MAX),
        historySize: HISTORY_LINES_MAX,
        completer: (line: string) => {
          this.#tab(line);
          return [[], line];
        },
      }),
    );
    this.#readline.on("line", (line) => this.#take(line));
    this.#readline.on("history", (history) => this.#remember(history));
    this.#readline.on("SIGINT", () => this.#interrupt());
    this.#readline.on("close", () => this.#leave());
    output.on("resize", () => this.#foot.redraw());
    input.on("keypress", (_, key?: { ctrl?: boolean; name?: string }) => {
      if (key?.ctrl !== true || key.name !== "c") this.#interrupted = false;
      this.#turn(key?.name);
    });
  }

  readonly askHidden = async (question: string): Promise<string | undefined> => {
    const typed = this.#ahead.shift();
    if (typed !== undefined || this.#closed) return typed;
    return new Promise((answer) => {
      this.#question = { text: forTerminal(question), answer };
      this.#foot.redraw();
    });
  };

  get columns(): number {
    return this.#foot.size.columns;
  }

  setPrompt(prompt: string): void {
    this.#prompt = forTerminal(prompt);
  }

  completeWith(complete: Complete): void {
    this.#complete = complete;
  }

  interruptWith(interrupt: () => void): void {
    this.#interruptCommand = interrupt;
  }

  async nextLine(): Promise<string | undefined> {
    if (this.#closed) return undefined;
    const typed = this.#ahead.shift();
    if (typed !== undefined) {
      this.#foot.above(() => this.#output.print([this.#prompt + typed]));
      this.#rememberAhead(typed);
      if (this.#ahead.length < LINES_AHEAD_MAX) this.#readline.resume();
      return typed;
    }
    // The command is given up: a second Ctrl-C meant the same.
    this.#interrupted = false;
    return new Promise((resolve) => {
      this.#waiter = resolve;
      this.#foot.redraw();
    });
  }

  reply(lines: readonly string[]): void {
    this.#foot.above(() => this.#print(lines));
  }

  /** Where lines were typed or pasted ahead, nobody sits there to turn pages. */
  async replyLong(lines: readonly string[]): Promise<void> {
    const isAhead = this.#ahead.length > 0 || this.#readline.line !== "";
    if (this.#closed || isAhead || fitsScreen(lines, this.#foot.size)) {
      this.reply(lines);
      return;
    }
    this.#foot.progress(undefined);
    await new Promise<void>((end) => {
      const reading = { pager: new Pager(lines), status: "", end };
      this.#reading = reading;
      this.#showMore(reading, reading.pager.nextScreen(this.#foot.size));
    });
  }

  notice(line: string): void {
    this.reply(wrapped(forTerminal(line), this.columns));
  }

  error(line: string): void {
    const { colors } = this.#options;
    this.#foot.above(() => {
      if (colors) this.#errorStream.write(RED);
      this.#errors.print(wrapped(forTerminal(`error: ${line}`), this.columns));
      if (colors) this.#errorStream.write(COLOR_AS_BEFORE);
    });
  }

  progressed(): void {}

  progress(rows: ProgressRows | undefined): void {
    if (this.#closed) return;
    this.#progress = rows;
    if (this.#reading === undefined) this.#foot.progress(rows);
  }

  async close(): Promise<void> {
    this.#readline.close();
    await Promise.all([this.#output.flushed(), this.#errors.flushed()]);
  }

  // --- lines and keys ---

  #take(line: string): void {
    if (this.#reading !== undefined) {
      this.#showMore(this.#reading, this.#reading.pager.nextLine());
      return;
    }
    const waiter = this.#waiter;
    if (this.#question !== undefined) {
      this.#answer(line);
      return;
    }
    this.#waiter = undefined;
    this.#foot.settle(waiter === undefined ? line : this.#prompt + forTerminal(line));
    if (waiter !== undefined) waiter(line);
    else if (this.#ahead.push(line) >= LINES_AHEAD_MAX) this.#readline.pause();
  }

  #answer(line: string | undefined): void {
    const question = this.#question;
    if (question === undefined) return;
    this.#question = undefined;
    this.#foot.write("\n");
    this.#foot.settle(question.text);
    question.answer(line);
  }

  #interrupt(): void {
    if (this.#interrupted) {
      this.#leave();
      return;
    }
    const isAsked = this.#question !== undefined || this.#reading !== undefined;
    const isRunning = !isAsked && this.#waiter === undefined;
    const isSomethingToEnd = isAsked || isRunning || this.#readline.line !== "";
    this.#clearTyped();
    this.#ahead.length = 0;
    this.#stopReading();
    this.#answer(undefined);
    if (isRunning) this.#interruptCommand();
    this.#interrupted = isRunning || !isSomethingToEnd;
    if (isSomethingToEnd) return;
    this.notice("Press Ctrl-C again to leave");
  }

  #clearTyped(): void {
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
  }

  #leave(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#progress = undefined;
    this.#foot.progress(undefined);
    if (this.#waiter !== undefined) this.#foot.write("\n");
    this.#leaving.abort();
    this.#stopReading();
    this.#answer(undefined);
    this.#waiter?.(undefined);
    this.#waiter = undefined;
  }

  // --- a long reply ---

  /** Enter and Ctrl-C come from readline, which has taken every other key for its own line too. */
  #turn(key: string | undefined): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    this.#clearTyped();
    if (key === "space") this.#showMore(reading, reading.pager.nextScreen(this.#foot.size));
    else if (key === "q") this.#stopReading();
  }

  #showMore({ pager }: Reading, lines: readonly string[]): void {
    if (pager.isDone) this.#stopReading(lines);
    else this.reply(lines);
  }

  /** @param lines the last of it */
  #stopReading(lines: readonly string[] = []): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    this.#foot.above(() => {
      this.#reading = undefined;
      this.#print(lines);
    });
    this.#foot.progress(this.#progress);
    reading.end();
  }

  // --- history ---

  /** Of readline, which has put the line first. */
  #remember(history: string[]): void {
    const [line = ""] = history;
    if (this.#waiter === undefined || this.#question !== undefined || this.#options.holdsPassword(line))
      history.shift();
    else this.#options.history.add(line);
  }

  #rememberAhead(line: string): void {
    const { history } = this.#readline;
    if (line.trim() === "" || this.#options.holdsPassword(line)) return;
    if (history[0] !== line) history.unshift(line);
    this.#options.history.add(line);
  }

  // --- completion ---

  #tab(typed: string): void {
    if (this.#waiter === undefined || this.#question !== undefined) return;
    const isAsTyped = () =>
      this.#waiter !== undefined && this.#readline.line.slice(0, this.#readline.cursor) === typed;
    void this.#complete(typed).then((completion) => {
      if (completion !== undefined && isAsTyped()) this.#put(completion, typed);
    });
  }

  #put({ start, text, choices }: Completion, typed: string): void {
    const { line, cursor } = this.#readline;
    const isMore = text !== typed.slice(start);
    if (!isMore && choices.length > 1) this.reply(renderChoices(choices, this.#foot.size.columns));
    if (!isMore) return;
    const row = this.#cursorRow();
    this.#readline.line = line.slice(0, start) + text + line.slice(cursor);
    this.#readline.cursor = start + text.length;
    this.#redrawInput(row);
  }

  // --- the screen ---

  #print(lines: readonly string[]): void {
    this.#output.print(lines.flatMap((line) => wrappedReply(forTerminal(line), this.columns)));
  }

  #cursorRow(): number {
    const asked = this.#question?.text ?? this.#reading?.status;
    if (asked !== undefined) return Math.floor(Bun.stringWidth(asked) / this.#foot.size.columns);
    this.#readline.setPrompt(this.#drawnPrompt);
    return this.#readline.getCursorPos().rows;
  }

  #drawInput(): void {
    if (this.#question !== undefined) this.#foot.write(this.#question.text);
    else if (this.#reading !== undefined) this.#drawStatus(this.#reading);
    else this.#redrawInput(0);
  }

  #drawStatus(reading: Reading): void {
    reading.status = reading.pager.status(this.#foot.size.columns - 1);
    this.#foot.write(reading.status);
  }

  /** @param row of the input that the cursor is in */
  #redrawInput(row: number): void {
    const isAsked = this.#waiter !== undefined;
    // When it has closed, readline draws no more.
    if (this.#closed) {
      if (isAsked) this.#foot.write(this.#prompt + this.#readline.line);
      return;
    }
    this.#readline.setPrompt(this.#drawnPrompt);
    this.#readline.prevRows = row;
    // Before a command has ended there may be nothing to draw, and `prompt` would let in what is held back.
    if (isAsked || this.#readline.line !== "") this.#readline.prompt(true);
  }

  /** None before what is typed ahead. */
  get #drawnPrompt(): string {
    return this.#waiter === undefined ? "" : this.#prompt;
  }

  /** The screen as readline sees it: while a hidden question stands or a long reply is read, what it would echo goes nowhere. */
  #screenOfReadline(): Writable {
    const foot = this.#foot;
    const isMuted = () => this.#question !== undefined || this.#reading !== undefined;
    const seen = new Writable({
      write(chunk, _, done) {
        if (!isMuted()) foot.write(String(chunk));
        done();
      },
    });
    Object.defineProperty(seen, "columns", { get: () => foot.size.columns });
    return seen;
  }
}

function withEditor(readline: unknown): LineEditor {
  return readline as LineEditor;
}
