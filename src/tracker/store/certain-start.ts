/**
 * What SQLite leaves to chance when a tracker starts on files that an earlier run has written.
 *
 * A sync that failed is told once, to the process that asked: afterwards the system holds what it was for to be clean, so
 * that the next process reads it, builds on it, and no sync of its own ever writes it to the disk. And that the folder
 * could not be synced, SQLite passes over in silence.
 */
import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { HERE } from "../../base/platform.ts";

const CHUNK_BYTES = 1_048_576;

/** Writes what is read of a file to its own place again, so that it is on the disk. Without the file it does nothing. */
export function writeAgain(path: string): void {
  const file = openExisting(path);
  if (file === undefined) return;
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let at = 0;
    for (let length = -1; length !== 0; at += length) {
      length = readSync(file, chunk, 0, CHUNK_BYTES, at);
      writeAll(file, chunk.subarray(0, length), at);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, "r+");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function writeAll(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
}

/** Makes the names in it certain. */
export function syncFolder(folder: string): void {
  if (!HERE.syncsFolders) return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
