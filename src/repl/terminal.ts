/** Opens the terminal that fits: a person sits there only if both input and output are one. */
import type { ReadStream, WriteStream } from "node:tty";
import { COMMANDS, holdsPassword } from "./commands.ts";
import type { Terminal } from "./contract.ts";
import { InteractiveTerminal } from "./interactive-terminal.ts";
import { PipedTerminal } from "./piped-terminal.ts";

export interface StandardStreams {
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
}

export function openTerminal({ stdin, stdout, stderr }: StandardStreams): Terminal {
  const streams = { input: stdin, output: stdout, errors: stderr };
  if (stdin.isTTY && stdout.isTTY)
    return new InteractiveTerminal(streams, { commandNames: [...COMMANDS.keys()], holdsPassword });
  return new PipedTerminal(streams);
}
