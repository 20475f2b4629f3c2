/** The process `p2p` from its words to its end. */
import { runProgram } from "./run-program.ts";

/** @param about of the program, as its package says. Ends the process. */
export async function startProgram(
  { description, version }: { readonly description: string; readonly version: string },
  words: readonly string[],
): Promise<never> {
  // With this variable the runtime would believe any certificate. Ours are compared by fingerprint; nothing may loosen that.
  Reflect.deleteProperty(process.env, "NODE_TLS_REJECT_UNAUTHORIZED");

  // Whoever reads the output may go away: that ends nothing.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

  const exitCode = await runProgram(
    {
      name: "p2p",
      version,
      description,
      commands: new Map([
        ["client", async () => (await import("./client-command.ts")).clientCommand(version)],
        ["tracker", async () => (await import("./tracker-command.ts")).trackerCommand(version)],
      ]),
    },
    words,
    process,
  );

  // Sockets or an input that is still open must not keep a program that is done.
  return process.exit(exitCode);
}
