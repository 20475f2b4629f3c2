/**
 * The folders between a destination that the user chose and a file whose name leads through folders.
 *
 * Invariant: below the destination nothing is followed: each component is looked at by itself, and one that is a link, or
 * anything else than a folder, ends the download. What leads to the destination is the user's own, links and all. No
 * machine plants a link here over the network; what is guarded against is one that lies in the destination already.
 */
import { mkdir } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { assert } from "../../base/assert.ts";
import { Failure } from "../../base/failure.ts";
import { forTerminal } from "../../base/text.ts";
import { errorCode, onDisk } from "./disk-failure.ts";
import { lookAt } from "./file-identity.ts";
import { syncFolder } from "./folder-sync.ts";

/** Makes what is missing, durably, and checks what is there. @throws Failure "file-refused" */
export async function makeFolders(base: string, path: string): Promise<void> {
  for (const folder of foldersBetween(base, path)) {
    if (await isFolder(folder)) continue;
    await onDisk("make", folder, () => makeOne(folder));
    // Another download may have made it in the same moment; a link that came meanwhile is refused all the same.
    if (!(await isFolder(folder))) throw new Failure("file-missing", `${forTerminal(folder)} has gone again`);
  }
}

/** What is there now is no link, as it was when the folders were made. @throws Failure "file-refused" */
export async function ensureNoLinks(base: string, path: string): Promise<void> {
  for (const folder of foldersBetween(base, path)) if (!(await isFolder(folder))) return;
}

/** Below `base`, from the outermost to the one that `path` is in. */
export function foldersBetween(base: string, path: string): string[] {
  const below = relative(base, dirname(path));
  if (below === "") return [];
  const names = below.split(sep);
  assert(!names.includes(".."), `${path} is not below ${base}`);
  return names.map((_, index) => join(base, ...names.slice(0, index + 1)));
}

/** @returns false if nothing is there */
async function isFolder(path: string): Promise<boolean> {
  const there = await lookAt(path);
  if (there === undefined) return false;
  if (there.isDirectory()) return true;
  throw new Failure(
    "file-refused",
    `${forTerminal(path)} is ${there.isSymbolicLink() ? "a link, which is not followed here" : "no folder"}: ` +
      "move it away or choose another destination",
  );
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
  await syncFolder(dirname(path));
}
