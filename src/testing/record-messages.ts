/**
 * Preloaded into the unit tests: notes which `Failure`s the program makes, in the folder that P2P_MESSAGES names.
 *
 * A class looks up what it extends each time that one is made, so `Failure` is observed from here and knows nothing of it. Of the
 * stack the maker's file is taken: what a test makes itself, or a connection makes anew of what the other end said, does not count.
 * Nor does what the tests of `src/testing` or random properties come upon, in one run and not in the next: a message is to be seen
 * by a test that means it.
 */
import { appendFileSync } from "node:fs";
import { join, relative } from "node:path";
import * as fc from "fast-check";
import { Failure } from "../base/failure.ts";
import type { MadeMessage } from "./seen-messages.ts";

const SOURCE = join(import.meta.dir, "..");
/** Made in one place: enough for each text that it chooses from, and an end where a random run makes texts without end. */
const TEXTS_PER_PLACE_MAX = 100;

const FRAME = /^ +at .*?\(?([^\s(]+\.ts):(\d+):\d+\)?$/gm;

type Place = Omit<MadeMessage, "text">;

class ObservedError extends Error {
  constructor(text?: string) {
    super(text);
    note(makerOf(this), this.message);
  }
}

const folder = process.env["P2P_MESSAGES"];
const notesPath = join(folder ?? "", `${process.pid}-${Bun.hash(Bun.main)}.jsonl`);
const textsOfPlaces = new Map<string, Set<string>>();
/** While a property is held against an example. */
let isRandom = false;

/** The innermost place in the program. */
function makerOf({ stack = "", message }: Error): Place | undefined {
  for (const [, path = "", line] of stack.slice(message.length).matchAll(FRAME)) {
    const file = relative(SOURCE, path).replaceAll("\\", "/");
    if (!file.startsWith("..")) return { file, line: Number(line) };
  }
  return undefined;
}

function note(place: Place | undefined, text: string): void {
  if (place === undefined || isRandom) return;
  const key = `${place.file}:${place.line}`;
  const texts = textsOfPlaces.get(key) ?? new Set();
  textsOfPlaces.set(key, texts);
  if (texts.size >= TEXTS_PER_PLACE_MAX || texts.has(text)) return;
  texts.add(text);
  appendFileSync(notesPath, `${JSON.stringify({ ...place, text })}\n`);
}

const isOfTesting = !relative(import.meta.dir, Bun.main).startsWith("..");
if (folder !== undefined && !isOfTesting) {
  Object.setPrototypeOf(Failure, ObservedError);
  fc.configureGlobal({
    beforeEach: () => {
      isRandom = true;
    },
    afterEach: () => {
      isRandom = false;
    },
  });
}
