/** What the prompt needs of a terminal or pipe. `terminal.ts` opens the one that fits; nothing else prints. */
import type { Failure } from "../base/failure.ts";

export interface Terminal {
  /** Whether a person sits there. */
  readonly interactive: boolean;
  /** Aborted when the person wants to leave while a command runs. */
  readonly left: AbortSignal;
  /** Asks without echo; undefined as the answer: never mind. Absent where nobody can be asked. */
  readonly askHidden: ((question: string) => Promise<string | undefined>) | undefined;
  /** What stands before the cursor from now on. */
  setPrompt(prompt: string): void;
  /** The next line once everything printed so far is out; undefined at the end of input; a Failure for one too long. */
  nextLine(): Promise<string | Failure | undefined>;
  /** To standard output. */
  reply(lines: readonly string[]): void;
  /** A reply that a person reads a screen at a time; resolves when it was read, or enough of it. On a pipe as `reply`. */
  replyLong(lines: readonly string[]): Promise<void>;
  /** To the person, or standard error. */
  notice(line: string): void;
  /** To standard error, as `error: line`. */
  error(line: string): void;
  /** One line that each call rewrites; undefined wipes it. Nothing on a pipe. */
  progress(line: string | undefined): void;
  /** Ends reading, and resolves when all that was printed is out. */
  close(): Promise<void>;
}
