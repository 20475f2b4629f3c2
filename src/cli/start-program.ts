/** The process `p2p` from its words to its end. */
import type { CommandDef } from "citty";
import { EXAMPLES } from "./examples.ts";
import { runProgram } from "./run-program.ts";

function commandsOf(version: string): ReadonlyMap<string, () => Promise<CommandDef>> {
  const commands = new Map<string, () => Promise<CommandDef>>([
    ["client", async () => (await import("./client-command.ts")).clientCommand(version)],
    ["tracker", async () => (await import("./tracker-command.ts")).trackerCommand(version)],
    ["doctor", async () => (await import("./doctor-command.ts")).doctorCommand(version)],
  ]);
  const completion = async () => (await import("./completion-command.ts")).completionCommand(commands);
  return commands.set("completion", completion);
}

const REMARK =
  "login, upload_file and all the others are typed at the prompt of p2p client, where help lists them.";

/** @param about of the program, as its package says. Ends the process. */
export async function startProgram(
  { description, version }: { readonly description: string; readonly version: string },
  words: readonly string[],
): Promise<never> {
  // With this variable the runtime would believe any certificate. Ours are compared by fingerprint; nothing may loosen that.
  Reflect.deleteProperty(process.env, "NODE_TLS_REJECT_UNAUTHORIZED");

  // Whoever reads the output may go away: that ends nothing.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

  const commands = commandsOf(version);
  const program = { name: "p2p", version, description, commands, examples: EXAMPLES, remark: REMARK };
  const exitCode = await runProgram(program, words, process);

  // Sockets or an input that is still open must not keep a program that is done.
  return process.exit(exitCode);
}
