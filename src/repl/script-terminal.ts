/** Opens the terminal of a script that was told how to speak, or what to say: nobody is asked anything there. */
import type { Terminal } from "./contract.ts";
import { JsonTerminal } from "./json-terminal.ts";
import { splitCommands } from "./parser.ts";
import { PipedTerminal } from "./piped-terminal.ts";
import type { StandardStreams } from "./terminal.ts";

export interface ScriptOptions {
  /** Texts of commands; undefined: they come from standard input. */
  readonly texts: readonly string[] | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly windows: boolean;
}

export function openScriptTerminal(streams: StandardStreams, options: ScriptOptions): Terminal {
  const { stdin, stdout, stderr } = streams;
  const { texts, json, quiet } = options;
  const input = texts === undefined ? stdin : given(texts, options);
  if (json) return new JsonTerminal({ input, output: stdout }, { quiet });
  return new PipedTerminal({ input, output: stdout, errors: stderr }, { quiet });
}

/** As they would come through a pipe, a command a line. */
async function* given(texts: readonly string[], { windows }: ScriptOptions): AsyncGenerator<Uint8Array> {
  for (const text of texts)
    for (const command of splitCommands(text, { windows })) yield Buffer.from(`${command}\n`);
}
