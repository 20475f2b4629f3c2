/**
 * Preloaded into the unit tests: notes which `Failure`s the program makes, in the folder that P2P_MESSAGES names.
 *
 * A class looks up what it extends each time that one is made, so `Failure` is observed from here and knows nothing of it. Of the
 * stack the maker's file is taken: what a test makes itself, or a connection makes anew of what the other end said, does not count.
 * Nor does what the tests of `src/testing` come upon, which are random runs: a message is to be seen by a test that means it.
 */
import { appendFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Failure } from "../base/failure.ts";

const SOURCE = join(import.meta.dir, "..");
/** Of one file: enough for each of its messages, and an end where a random run makes texts without end. */
const TEXTS_PER_FILE_MAX = 500;

class ObservedError extends Error {
  constructor(text?: string) {
    super(text);
    note(makerOf(this), this.message);
  }
}

const folder = process.env["P2P_MESSAGES"];
const notesPath = join(folder ?? "", `${process.pid}-${Bun.hash(Bun.main)}.jsonl`);
const textsOfFiles = new Map<string, Set<string>>();

/** The innermost file of the program. */
function makerOf({ stack = "", message }: Error): string | undefined {
  for (const [, path = ""] of stack.slice(message.length).matchAll(/^ +at .*?\(?([^\s(]+\.ts):\d+:\d+\)?$/gm)) {
    const file = relative(SOURCE, path).replaceAll("\\", "/");
    if (!file.startsWith("..")) return file;
  }
  return undefined;
}

function note(file: string | undefined, text: string): void {
  if (file === undefined) return;
  const texts = textsOfFiles.get(file) ?? new Set();
  textsOfFiles.set(file, texts);
  if (texts.size >= TEXTS_PER_FILE_MAX || texts.has(text)) return;
  texts.add(text);
  appendFileSync(notesPath, `${JSON.stringify({ file, text })}\n`);
}

const isOfTesting = !relative(import.meta.dir, Bun.main).startsWith("..");
if (folder !== undefined && !isOfTesting) Object.setPrototypeOf(Failure, ObservedError);
