/** The program `p2p`. What it takes and does is in `cli/`. */
import { description, version } from "../package.json";

/** Of the sources, put in by the build. */
declare const P2P_COMMIT: string | undefined;

const words = process.argv.slice(2);

// Asked by scripts again and again: nothing else is loaded, and not even the streams of the process are opened.
if (words.length === 1 && (words[0] === "--version" || words[0] === "-v"))
  console.log(`${version} (${typeof P2P_COMMIT === "undefined" ? "unknown" : P2P_COMMIT})`);
else {
  const { startProgram } = await import("./cli/start-program.ts");
  await startProgram({ description, version }, words);
}
