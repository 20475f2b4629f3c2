/** Opens the terminal that fits: a person sits there only if both input and output are one. */
import type { ReadStream, WriteStream } from "node:tty";
import { holdsPassword } from "./commands.ts";
import type { LineHistory, Terminal } from "./contract.ts";
import { DumbTerminal } from "./dumb-terminal.ts";
import { InteractiveTerminal } from "./interactive-terminal.ts";
import { PipedTerminal } from "./piped-terminal.ts";

export interface StandardStreams {
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
}

export interface TerminalOptions {
  readonly history: () => LineHistory;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function openTerminal(
  { stdin, stdout, stderr }: StandardStreams,
  { history, env }: TerminalOptions,
): Terminal {
  const streams = { input: stdin, output: stdout, errors: stderr };
  if (!stdin.isTTY || !stdout.isTTY) return new PipedTerminal(streams);
  if (env["TERM"] === "dumb") return new DumbTerminal(streams);
  const colors = stderr.isTTY && !env["NO_COLOR"];
  return new InteractiveTerminal(streams, { holdsPassword, history: history(), colors });
}
