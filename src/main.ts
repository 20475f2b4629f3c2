/** The program `p2p`: its sub-commands. What each takes and does is in `cli/`. */
import packageFile from "../package.json" with { type: "json" };
import { runProgram } from "./cli/run-program.ts";

// With this variable the runtime would believe any certificate. Ours are compared by fingerprint; nothing may loosen that.
Reflect.deleteProperty(process.env, "NODE_TLS_REJECT_UNAUTHORIZED");

// Whoever reads the output may go away: that ends nothing.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const exitCode = await runProgram(
  {
    name: "p2p",
    version: packageFile.version,
    description: packageFile.description,
    commands: new Map([
      ["client", async () => (await import("./cli/client-command.ts")).clientCommand(packageFile.version)],
      ["tracker", async () => (await import("./cli/tracker-command.ts")).trackerCommand],
    ]),
  },
  process.argv.slice(2),
  process,
);

// Sockets or an input that is still open must not keep a program that is done.
process.exit(exitCode);
