/**
 * Whether each message of errors on `docs/MESSAGES.md` is provoked by a test: `npm run messages:seen`.
 *
 * Alone it runs the unit tests, less those that take long or run at random, and watches what they come upon;
 * `scripts/test.ts`, which has watched its own, names the folder with the notes of that. Either way the messages that no
 * test provoked are listed, and make it fail.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { programMessages } from "../src/testing/program-messages.ts";
import { type MadeMessage, messageFaults } from "../src/testing/seen-messages.ts";
import { UNPROVOKED } from "../src/testing/unprovoked-messages.ts";
import { WATCHED } from "./test-plan.ts";
import times from "./test-times.json";

const ROOT = join(import.meta.dir, "..");
/** Elsewhere tests are left out that need links, modes of files, or a device that is always full. */
const IS_JUDGED = process.platform === "linux";
/** For one test. */
const DEADLINE_MS = 60_000;

async function seenIn(folder: string): Promise<boolean> {
  const listed = await programMessages();
  const faults = messageFaults(listed, notesOf(folder), UNPROVOKED);
  for (const { place, text, fault } of faults) console.log(`${place}: "${text}": ${fault}`);
  const seen = listed.length - faults.length;
  console.log(`${seen} of ${listed.length} messages of errors are as they should be: provoked by a test`);
  if (faults.length === 0) return true;
  if (!IS_JUDGED) console.log("No failure here: some tests run on Linux only");
  return !IS_JUDGED;
}

/** One file for each process and test file, one line for each `Failure`. */
function notesOf(folder: string): MadeMessage[] {
  return readdirSync(folder).flatMap((name) =>
    readFileSync(join(folder, name), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as MadeMessage),
  );
}

/** @returns whether the tests themselves went well */
async function runTests(folder: string): Promise<boolean> {
  const isQuick = (file: string) => !file.startsWith("src/testing/") && !(file in times.files);
  const files = [...new Bun.Glob("src/**/*.test.ts").scanSync(ROOT)].map((path) =>
    path.replaceAll("\\", "/"),
  );
  const parallel = `--parallel=${Math.max(2, availableParallelism())}`;
  const args = [...files.filter(isQuick).map((file) => `./${file}`), `--timeout=${DEADLINE_MS}`, parallel];
  const child = Bun.spawn([process.execPath, "test", ...WATCHED, ...args, "--only-failures"], {
    cwd: ROOT,
    env: { ...process.env, P2P_MESSAGES: folder },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return (await child.exited) === 0;
}

const [watched] = process.argv.slice(2);
if (watched !== undefined) process.exit((await seenIn(watched)) ? 0 : 1);
const notes = mkdtempSync(join(tmpdir(), "p2p-messages-"));
try {
  const isWell = await runTests(notes);
  process.exitCode = (await seenIn(notes)) && isWell ? 0 : 1;
} finally {
  rmSync(notes, { recursive: true, force: true });
}
