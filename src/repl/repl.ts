/**
 * The prompt: lines in, one command after the other, replies and events out.
 *
 * Invariant: a command has ended and its reply is printed before the next line is read. The exit code of a script is 1
 * once a command or a download has failed; a person has seen it. The program ends with the input of a person, and with that of a pipe when its downloads
 * have ended (or, told to stay, when it is stopped); a stop leaves at once, whatever runs.
 */
import type { Clock } from "../base/clock.ts";
import { type Failure, orThrow, toFailure } from "../base/failure.ts";
import { HASH_RATE_MS_MIN, PROGRESS_LINE_MS } from "../base/limits.ts";
import type { ClientEvent, ClientIntents, HashProgress } from "../client/views.ts";
import type { CommandContext, PathKind } from "./command.ts";
import { findCommand } from "./commands.ts";
import type { Terminal } from "./contract.ts";
import { type ParserOptions, splitWords } from "./parser.ts";
import { renderHashing, renderPrompt } from "./render.ts";
import { renderEvent } from "./render-event.ts";

export interface ReplDependencies {
  readonly client: ClientIntents;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly kindOf: (path: string) => Promise<PathKind>;
}

export interface ReplOptions extends ParserOptions {
  /** Go on sharing after the end of a piped input. */
  readonly stay: boolean;
  readonly stop: AbortSignal;
}

export class Repl {
  readonly #client: ClientIntents;
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #context: CommandContext;
  readonly #options: ReplOptions;
  #exitCode: 0 | 1 = 0;
  /** Which events wait for the reply of the command that runs. */
  #holds: "none" | "verdicts" | "all" = "none";
  #held: ClientEvent[] = [];
  /** What the command that runs has to say after its reply. */
  #notes: { readonly line: string; readonly isFault: boolean }[] = [];

  constructor({ client, terminal, clock, kindOf }: ReplDependencies, options: ReplOptions) {
    this.#client = client;
    this.#terminal = terminal;
    this.#clock = clock;
    this.#options = options;
    const { askHidden } = terminal;
    const progress = this.#progressLine();
    const note = (line: string) => void this.#notes.push({ line, isFault: false });
    const fault = (line: string) => void this.#notes.push({ line, isFault: true });
    this.#context = { client, clock, kindOf, progress, note, fault, askHidden };
  }

  /** @returns the exit code */
  async run(): Promise<number> {
    const unsubscribe = this.#client.subscribe((event) => this.#happened(event));
    const stopped = whenAborted(AbortSignal.any([this.#options.stop, this.#terminal.left]));
    try {
      await Promise.race([this.#readAll(), stopped]);
    } finally {
      unsubscribe();
    }
    return this.#terminal.interactive ? 0 : this.#exitCode;
  }

  async #readAll(): Promise<void> {
    for (;;) {
      this.#terminal.setPrompt(renderPrompt(this.#client.whoAmI()));
      const line = await this.#terminal.nextLine();
      if (line === undefined) break;
      if ((await this.#runLine(line)) === "leave") return;
    }
    if (this.#terminal.interactive) return;
    await (this.#options.stay ? whenAborted(this.#options.stop) : this.#client.whenIdle());
  }

  async #runLine(line: string | Failure): Promise<"leave" | undefined> {
    try {
      const words = orThrow(splitWords(orThrow(line), this.#options));
      return words.length === 0 ? undefined : await this.#runWords(words);
    } catch (error) {
      this.#exitCode = 1;
      this.#terminal.progress(undefined);
      this.#terminal.error(describe(error));
      return undefined;
    } finally {
      this.#releaseNotes();
      this.#releaseEvents();
    }
  }

  async #runWords(words: readonly string[]): Promise<"leave" | undefined> {
    const { command, args } = orThrow(findCommand(words));
    this.#holds = command.holdsEvents ? "all" : "verdicts";
    const reply = await command.run(this.#context, args);
    if (reply === "leave") return reply;
    this.#terminal.progress(undefined);
    this.#terminal.reply(reply);
    return undefined;
  }

  #happened(event: ClientEvent): void {
    if (event.kind === "download-failed") this.#exitCode = 1;
    if (this.#holds === "all" || (this.#holds === "verdicts" && isVerdict(event))) this.#held.push(event);
    else this.#show(event);
  }

  #releaseNotes(): void {
    for (const { line, isFault } of this.#notes.splice(0)) {
      if (isFault) this.#exitCode = 1;
      if (isFault) this.#terminal.error(line);
      else this.#terminal.notice(line);
    }
  }

  #releaseEvents(): void {
    this.#holds = "none";
    for (const event of this.#held.splice(0)) this.#show(event);
  }

  #show(event: ClientEvent): void {
    const { kind, line } = renderEvent(event, this.#clock.nowMs());
    this.#terminal.setPrompt(renderPrompt(this.#client.whoAmI()));
    if (kind === "reply") this.#terminal.reply([line]);
    else this.#terminal[kind](line);
  }

  /** Progress of hashing comes with every piece: most of it is not shown. */
  #progressLine(): (at: HashProgress) => void {
    let shownMs = Number.NEGATIVE_INFINITY;
    let from = { name: "", ms: 0, bytes: 0 };
    return (at) => {
      const nowMs = this.#clock.monotonicMs();
      const { name, doneBytes: bytes } = at;
      if (name !== from.name || bytes < from.bytes) from = { name, ms: nowMs, bytes };
      if (nowMs - shownMs < PROGRESS_LINE_MS) return;
      shownMs = nowMs;
      const passedMs = nowMs - from.ms;
      const rate = passedMs < HASH_RATE_MS_MIN ? 0 : ((bytes - from.bytes) / passedMs) * 1_000;
      this.#terminal.progress(renderHashing(at, rate));
    };
  }
}

/** Said of the command that runs: it comes before the answer, and is read after the reply. */
function isVerdict({ kind }: ClientEvent): boolean {
  return kind === "alone" || kind === "together";
}

function describe(error: unknown): string {
  const failure = toFailure(error);
  return failure.code === "internal" ? `an error in p2p itself: ${failure.message}` : failure.message;
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
