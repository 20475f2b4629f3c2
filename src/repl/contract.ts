/** What the prompt needs of a terminal or pipe. `terminal.ts` opens the one that fits; nothing else prints. */
import type { Failure } from "../base/failure.ts";
import type { Said } from "./said.ts";

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** The rows of progress for a screen of that size; each fits one row. */
export type ProgressRows = (size: ScreenSize) => readonly string[];

/** What Tab makes of a line. */
export interface Completion {
  /** What stood before the cursor from here on is replaced. */
  readonly start: number;
  readonly text: string;
  /** What it may become; shown when there are several. */
  readonly choices: readonly string[];
}

/** @param line up to the cursor @returns undefined if nothing is known in time */
export type Complete = (line: string) => Promise<Completion | undefined>;

/** The lines that a person typed in earlier runs, and where this run's are kept. */
export interface LineHistory {
  /** The newest first. */
  readonly lines: readonly string[];
  add(line: string): void;
}

export interface Terminal {
  /** Whether a person sits there. */
  readonly interactive: boolean;
  /** Aborted when the person wants to leave while a command runs. */
  readonly left: AbortSignal;
  /** Asks without echo; undefined as the answer: never mind. Absent where nobody can be asked. */
  readonly askHidden: ((question: string) => Promise<string | undefined>) | undefined;
  /** What may come to it many in one line; the rest one by one. */
  readonly folds: "everything" | "notices" | "nothing";
  /** Columns that a line has; undefined where there is no screen. */
  readonly columns: number | undefined;
  /** What stands before the cursor from now on. */
  setPrompt(prompt: string): void;
  /** The next line once everything printed so far is out; undefined at the end of input; a Failure for one too long. */
  nextLine(): Promise<string | Failure | undefined>;
  /** To standard output. @param said the same for programs, here and below */
  reply(lines: readonly string[], said: Said): void;
  /** A reply that a person reads a screen at a time; resolves when it was read, or enough of it. Elsewhere as `reply`. */
  replyLong(lines: readonly string[], said: Said): Promise<void>;
  /** To the person, or standard error. */
  notice(line: string, said?: Said): void;
  /** To standard error, as `error: line`. @param said undefined: a reply has told it to programs */
  error(line: string, said: Said | undefined): void;
  /** Rows above the prompt, each call in place of the last; undefined wipes them. Nothing on a pipe. */
  progress(rows: ProgressRows | undefined): void;
  /** How far something is, for programs; with a line where whoever reads a script's output should know too. */
  progressed(said: Said, line?: string): void;
  /** What Tab does from now on. */
  completeWith(complete: Complete): void;
  /** What Ctrl-C does from now on while a command runs and nothing else is there to be ended by it. */
  interruptWith(interrupt: () => void): void;
  /** Ends reading, and resolves when all that was printed is out. */
  close(): Promise<void>;
}
