/** The messages of errors of the whole program, each with the file that makes it: what `docs/MESSAGES.md` shows. */
import { join } from "node:path";
import { assert } from "../base/assert.ts";
import type { FailureCode } from "../base/failure.ts";
import { type ListedMessage, messagesOf, wordsOf } from "./message-list.ts";

export interface ProgramMessage extends ListedMessage {
  /** From `src`, with `/`. */
  readonly file: string;
}

const SOURCE = join(import.meta.dir, "..");

/** Where messages are chosen by their words alone; see `wordsOf`. */
const WORDS: readonly (readonly [file: string, begin: string, code: FailureCode])[] = [
  ["base/ids.ts", "refuse(", "invalid-name"],
  ["base/ids.ts", "refuseName(what, ", "invalid-name"],
  ["base/text.ts", "return ", "invalid-name"],
  ["cli/command-line.ts", "usage(", "usage"],
  ["cli/tracker-info-json.ts", "why: ", "usage"],
  ["cli/tracker-info.ts", "return ", "usage"],
  ["cli/tracker-info.ts", "fault = ", "usage"],
  ["cli/tracker-info.ts", "? ", "usage"],
  ["cli/tracker-info.ts", ": ", "usage"],
  ["net/network-failure.ts", "const CAUSES: ReadonlyMap<string, string> = new Map(", "peer-unreachable"],
  ["net/tls-tcp.ts", "lost(", "peer-unreachable"],
  ["tracker/store/stored-vectors.ts", "damaged(", "corrupt"],
  [
    "transfer/disk/disk-failure.ts",
    "const KNOWN = new Map<string, readonly [FailureCode, string]>(",
    "disk-error",
  ],
  ["transfer/disk/source-file.ts", "broken(", "file-changed"],
  ["wire/client-peer.ts", "malformed(", "protocol"],
  ["wire/signed.ts", "const GRANT_REFUSALS = {", "peer-refused"],
];

export async function programMessages(): Promise<ProgramMessage[]> {
  const paths = [...new Bun.Glob("**/*.ts").scanSync(SOURCE)].map((path) => path.replaceAll("\\", "/"));
  const program = paths.filter((path) => !/\.(test|contract)\.ts$|^testing\//.test(path)).sort();
  return (await Promise.all(program.map(messagesIn))).flat();
}

async function messagesIn(file: string): Promise<ProgramMessage[]> {
  const source = await Bun.file(join(SOURCE, file)).text();
  const words = WORDS.filter(([where]) => where === file).flatMap(([, begin, code]) => {
    const found = wordsOf(source, begin, code);
    assert(found.length > 0, `there are words in ${file} after ${begin}`);
    return found;
  });
  return [...messagesOf(source), ...words].map((message) => ({ ...message, file }));
}
