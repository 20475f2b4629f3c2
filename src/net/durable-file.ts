/**
 * Small private files of the data folder, read whole and replaced whole.
 *
 * Invariant: after a crash or power cut at any moment the file is the old one or the new one, complete, and readable by
 * its owner alone. One writer at a time is assumed: the data folder is locked by whoever runs in it.
 */
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncThrough } from "../base/drive-sync.ts";
import { Failure } from "../base/failure.ts";
import { NET_FILE_BYTES_MAX } from "../base/limits.ts";
import { HERE } from "../base/platform.ts";
import { patiently } from "../base/sharing-patience.ts";
import { forTerminal } from "../base/text.ts";

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
/** A file that a crash left half written is in nobody's way, and a link in its place is not followed. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/** @returns undefined if there is no such file; one that others may read, as a backup may leave it, is closed to them. @throws Failure "disk-error" */
export async function readSmallFile(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, "r");
    const { size, mode } = await file.stat();
    if ((mode & OTHERS) !== 0) await closeToOthers(file);
    if (size > NET_FILE_BYTES_MAX)
      throw new Failure("disk-error", `${forTerminal(path)} is longer than ${NET_FILE_BYTES_MAX} bytes`);
    return await file.readFile("utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw diskFailure("read", path, error);
  }
}

/** Where a file system knows no modes, or the file is another user's, there is nothing to mend: the folder is private too. */
async function closeToOthers(file: FileHandle): Promise<void> {
  if (HERE.hasModes) await file.chmod(OWNER_ONLY).catch(() => {});
}

/** @throws Failure "disk-error" */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await patiently(() => rm(temporary, { force: true }));
    {
      await using file = await open(temporary, NEW_FILE, OWNER_ONLY);
      await file.writeFile(text);
      await syncThrough(file, "in order");
    }
    await patiently(() => rename(temporary, path));
    await syncFolder(dirname(path));
  } catch (error) {
    throw diskFailure("write", path, error);
  }
}

/** Makes the rename itself last. */
async function syncFolder(folder: string): Promise<void> {
  if (!HERE.syncsFolders) return;
  await using handle = await open(folder, "r");
  await syncThrough(handle, "for good");
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function diskFailure(verb: string, path: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const cause = error instanceof Error ? error.message : String(error);
  return new Failure("disk-error", `cannot ${verb} ${forTerminal(path)}: ${forTerminal(cause)}`);
}
