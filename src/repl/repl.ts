/**
 * The prompt: lines in, one command after the other, replies and events out.
 *
 * Invariant: a command has ended and its reply is printed before the next line is read; one that a person gives up with
 * Ctrl-C counts as ended, and what it still says is heard by nobody. The exit code of a script is 1 once a command or a
 * download has failed; a person has seen it. The program ends with the input of a person, and with that of a pipe when its
 * downloads have ended (or, told to stay, when it is stopped); a stop leaves at once, whatever runs. One that is told to
 * stay is there to share: its `login` is tried until a tracker answers, and one that is refused ends it.
 */
import { defined } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { type Failure, type FailureCode, isFailure, orThrow, toFailure } from "../base/failure.ts";
import { LOGIN_RETRY_MS, PROGRESS_AFTER_MS, PROGRESS_LINE_MS } from "../base/limits.ts";
import type { ClientEvent, ClientIntents, HashProgress } from "../client/views.ts";
import { type Command, type CommandContext, type PathKind, type Reply, shown } from "./command.ts";
import { findCommand } from "./commands.ts";
import { Completer, type CompleterDependencies } from "./completer.ts";
import type { Terminal } from "./contract.ts";
import { EventFolding } from "./event-folding.ts";
import { type ParserOptions, splitWords } from "./parser.ts";
import { ProgressBoard } from "./progress-board.ts";
import { renderHashing, renderLastCopies, renderPrompt, renderUnfinished } from "./render.ts";
import { manyOf, renderEvent, renderEvents } from "./render-event.ts";
import { saidError, saidEvent, saidHashing, saidNotice, saidReply } from "./said.ts";

export interface ReplDependencies {
  readonly client: ClientIntents;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly kindOf: (path: string) => Promise<PathKind>;
  readonly listFolder: CompleterDependencies["listFolder"];
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
  readonly #surroundings: Pick<CommandContext, "client" | "clock" | "kindOf" | "askHidden">;
  readonly #options: ReplOptions;
  /** For a person. */
  readonly #board: ProgressBoard | undefined;
  /** Of the command that runs, where no board shows it: since when, when it was told last, and whether in a line. */
  #hashingOf:
    | { readonly isLook: boolean; readonly sinceMs: number; toldMs: number; isSaid: boolean }
    | undefined;
  #exitCode: 0 | 1 = 0;
  /** That of a service: without it there is nothing to stay for. */
  #isLoginRefused = false;
  #isWaitTold = false;
  /** Which events wait for the reply of the command that runs. */
  #holds: "none" | "verdicts" | "all" = "none";
  #held: ClientEvent[] = [];
  /** Events of which there may be many at once. */
  readonly #folding: EventFolding;
  /** The command that runs. */
  #running: string | undefined;
  /** Of it: aborted when the person gives it up. */
  #givingUp = new AbortController();
  /** What the command that runs has to say after its reply. */
  #notes: { readonly line: string; readonly isFault: boolean }[] = [];

  constructor({ client, terminal, clock, kindOf, listFolder }: ReplDependencies, options: ReplOptions) {
    this.#client = client;
    this.#terminal = terminal;
    this.#clock = clock;
    this.#options = options;
    this.#board = terminal.interactive ? new ProgressBoard({ client, terminal, clock }) : undefined;
    terminal.completeWith(new Completer({ client, clock, listFolder }, options).complete);
    terminal.interruptWith(() => this.#givingUp.abort());
    this.#folding = new EventFolding({ clock, show: (events) => this.#showAlike(events) });
    this.#surroundings = { client, clock, kindOf, askHidden: terminal.askHidden };
  }

  /** @returns the exit code */
  async run(): Promise<number> {
    const unsubscribe = this.#client.subscribe((event) => this.#happened(event));
    const stopped = whenAborted(AbortSignal.any([this.#options.stop, this.#terminal.left]));
    try {
      await Promise.race([this.#readAll(), stopped]);
      if (!this.#options.stop.aborted) await this.#lastCopies((line) => this.#note(line), this.#options.stop);
    } finally {
      unsubscribe();
      this.#folding.flush();
      this.#board?.close();
    }
    this.#releaseNotes();
    return this.#terminal.interactive ? 0 : this.#exitCode;
  }

  async #readAll(): Promise<void> {
    for (;;) {
      this.#terminal.setPrompt(renderPrompt(this.#client.whoAmI()));
      const line = await this.#terminal.nextLine();
      if (line === undefined) break;
      if ((await this.#runLine(line)) === "leave" || this.#isLoginRefused) return;
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
      this.#board?.commandEnded();
      this.#terminal.error(describe(error), saidError(this.#running, toFailure(error)));
      return undefined;
    } finally {
      this.#running = undefined;
      this.#hashingOf = undefined;
      this.#releaseNotes();
      this.#releaseEvents();
      this.#board?.look();
    }
  }

  async #runWords(words: readonly string[]): Promise<"leave" | undefined> {
    const { command, args } = orThrow(findCommand(words));
    this.#running = command.name;
    this.#givingUp = new AbortController();
    this.#holds = command.holdsEvents ? "all" : "verdicts";
    const reply = await this.#runCommand(command, args);
    if (reply === "leave" && this.#terminal.interactive) return reply;
    this.#board?.commandEnded();
    const { lines, result, isData } = reply === "leave" ? shown([], {}) : reply;
    const said = saidReply(command.name, result, isData);
    if (command.isLong) await this.#terminal.replyLong(lines, said);
    else this.#terminal.reply(lines, said);
    return reply === "leave" ? reply : undefined;
  }

  /** Who types it is helped with what is missing; a script's error is one line. */
  async #runCommand(command: Command, args: readonly string[]): Promise<Reply> {
    const { signal } = this.#givingUp;
    try {
      const reply = this.#runUntilAnswered(command, args, signal);
      return await Promise.race([reply, whenAborted(signal).then(() => this.#givenUp(command))]);
    } catch (error) {
      const isShort = isFailure(error) && error.code === "usage" && args.length < command.needs;
      if (isShort && this.#terminal.interactive) this.#note(`For example: ${command.example}`);
      throw error;
    }
  }

  /** A service may start before its tracker does. Without being logged in it would be of no use. */
  async #runUntilAnswered(command: Command, args: readonly string[], signal: AbortSignal): Promise<Reply> {
    for (;;) {
      try {
        return await command.run(this.#contextUntil(signal), args);
      } catch (error) {
        if (!this.#isServiceLogin(command)) throw error;
        if (!isFailure(error) || !UNANSWERED.has(error.code)) {
          this.#isLoginRefused = this.#client.whoAmI().user === undefined;
          throw error;
        }
        this.#tellUnanswered(error);
        await this.#after(LOGIN_RETRY_MS);
      }
    }
  }

  #isServiceLogin({ name }: Command): boolean {
    return name === "login" && this.#options.stay && !this.#terminal.interactive;
  }

  /** Once. */
  #tellUnanswered({ message }: Failure): void {
    if (this.#isWaitTold) return;
    this.#isWaitTold = true;
    const line = `Not logged in yet: ${message}; trying until one does`;
    this.#terminal.notice(line, saidNotice(line));
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }

  /** @param signal after which nobody wants to hear of the command any more */
  #contextUntil(signal: AbortSignal): CommandContext {
    const unlessOver =
      <T>(say: (what: T) => void) =>
      (what: T) => {
        if (!signal.aborted) say(what);
      };
    const note = unlessOver((line: string) => this.#note(line));
    return {
      ...this.#surroundings,
      signal,
      columns: this.#terminal.columns,
      progress: unlessOver((at: HashProgress) => this.#hashing(at)),
      note,
      hint: unlessOver((line: string) => this.#hint(line)),
      fault: unlessOver((line: string) => void this.#notes.push({ line, isFault: true })),
      lastCopies: () => this.#lastCopies(note),
    };
  }

  #givenUp({ givenUp }: Command): Reply {
    this.#note(givenUp);
    return shown([], {});
  }

  #note(line: string): void {
    this.#notes.push({ line, isFault: false });
  }

  /** What a script does not need to be told. */
  #hint(line: string): void {
    if (this.#terminal.interactive) this.#note(line);
  }

  #happened(event: ClientEvent): void {
    if (event.kind === "download-failed") this.#exitCode = 1;
    if (this.#holds === "all" || (this.#holds === "verdicts" && isVerdict(event))) this.#held.push(event);
    else this.#show(event);
  }

  #releaseNotes(): void {
    for (const { line, isFault } of this.#notes.splice(0)) {
      if (!isFault) {
        this.#terminal.notice(line);
        continue;
      }
      this.#exitCode = 1;
      this.#terminal.error(line, undefined);
    }
  }

  #releaseEvents(): void {
    this.#holds = "none";
    for (const event of this.#held.splice(0)) this.#show(event);
    this.#folding.flush();
  }

  #show(event: ClientEvent): void {
    // A person sees it above the prompt.
    if (this.#board !== undefined && isVerifying(event)) return;
    const many = this.#manyOf(event);
    if (many !== undefined) {
      this.#folding.add(many, event);
      return;
    }
    this.#folding.flush();
    this.#showAlike([event]);
  }

  /** Of what it is one of many, where they may be told together. */
  #manyOf(event: ClientEvent): string | undefined {
    const { folds } = this.#terminal;
    const nowMs = this.#clock.nowMs();
    if (folds === "everything" || (folds === "notices" && renderEvent(event, nowMs).kind === "notice"))
      return manyOf(event, nowMs);
    return undefined;
  }

  #showAlike(events: readonly ClientEvent[]): void {
    const lines = renderEvents(events, this.#clock.nowMs());
    this.#terminal.setPrompt(renderPrompt(this.#client.whoAmI()));
    this.#board?.look();
    for (const [at, { kind, line }] of lines.entries()) {
      // A terminal for programs folds nothing: there is a line for each event.
      const said = saidEvent(defined(events[at], "a line for each event, or fewer"));
      if (kind === "reply") this.#terminal.reply([line], said);
      else this.#terminal[kind](line, said);
    }
  }

  /** Comes with every few pieces. Programs hear it now and then, who reads a script's output once, if it takes long. */
  #hashing(at: HashProgress): void {
    if (this.#board !== undefined) {
      this.#board.hashing(at);
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    // A folder is looked through first: that is one thing to tell, its sharing another.
    const isLook = at.file?.number === 0;
    if (this.#hashingOf?.isLook !== isLook)
      this.#hashingOf = { isLook, sinceMs: nowMs, toldMs: Number.NEGATIVE_INFINITY, isSaid: false };
    const hashing = this.#hashingOf;
    if (nowMs - hashing.toldMs < PROGRESS_LINE_MS) return;
    hashing.toldMs = nowMs;
    const isNews = !hashing.isSaid && nowMs - hashing.sinceMs >= PROGRESS_AFTER_MS;
    if (isNews) hashing.isSaid = true;
    this.#terminal.progressed(saidHashing(at), isNews ? renderHashing(at) : undefined);
  }

  /** A person who leaves hears what goes with them; a script has nobody to hear it. */
  async #lastCopies(note: (line: string) => void, stop?: AbortSignal): Promise<void> {
    if (!this.#terminal.interactive || this.#client.whoAmI().user === undefined) return;
    const unfinished = this.#client.showDownloads().filter(({ state }) => state === "downloading").length;
    if (unfinished > 0) note(renderUnfinished(unfinished));
    const asked = this.#client.lastCopies();
    const files = await (stop === undefined ? asked : Promise.race([asked, whenAborted(stop)]));
    if (files !== undefined && files.length > 0) note(renderLastCopies(files));
  }
}

/** What says nothing about the user: another time, or another tracker, may. */
const UNANSWERED: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "tracker-unreachable",
  "timeout",
  "try-later",
  "try-another",
  "too-many",
]);

function isVerifying(event: ClientEvent): boolean {
  return event.kind === "download-waits" && event.view.waits?.kind === "verifying";
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
