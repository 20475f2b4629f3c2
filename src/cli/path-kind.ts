/** What is at a path, in the words in which people are told. */
import { stat } from "node:fs/promises";
import type { ReplDependencies } from "../repl/repl.ts";

/** Links are followed; what cannot be looked at counts as nothing. */
export const kindOf: ReplDependencies["kindOf"] = async (path) => {
  try {
    const there = await stat(path);
    if (there.isFile()) return "file";
    if (there.isDirectory()) return "folder";
    if (there.isFIFO()) return "named pipe";
    return there.isSocket() ? "socket" : "device";
  } catch {
    return "nothing";
  }
};
