/**
 * One process per data folder. The operating system lets go of the lock when its process ends, however it ends.
 *
 * The lock is an open transaction on an empty SQLite database: SQLite does on every system the file locking that Bun
 * itself does not offer. The number of the process that holds it stands in a file beside it, for the message alone; it
 * may be stale and decides nothing.
 */
import { Database } from "bun:sqlite";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, isFailure } from "../base/failure.ts";
import { forTerminal } from "../base/text.ts";

export interface FolderLock {
  readonly folder: string;
  release(): void;
}

/** Keeps each held database reachable: one that is garbage collected closes, and its lock is gone. */
const held = new Set<Database>();

/** @param folders in order of preference. @throws Failure of the last one if all are in use, or of the first that cannot be used */
export function lockFirstFree(folders: readonly string[]): FolderLock {
  const [first = "", ...others] = folders;
  try {
    return lockFolder(first);
  } catch (error) {
    const inUse = isFailure(error) && error.code === "data-folder-in-use";
    if (!inUse || others.length === 0) throw error;
    return lockFirstFree(others);
  }
}

/** Makes the folder if need be. @throws Failure "data-folder-in-use" or "disk-error" */
export function lockFolder(folder: string): FolderLock {
  const shown = forTerminal(folder);
  const pidFile = join(folder, "lock.pid");
  const database = openLocked(folder, shown, pidFile);
  held.add(database);
  noteHolder(pidFile);
  return {
    folder,
    release() {
      if (held.delete(database)) database.close();
    },
  };
}

/** Only looks; the folder is there. A folder in which no lock was ever made is nobody's. */
export function isFolderLocked(folder: string): boolean {
  let database: Database | undefined;
  try {
    database = new Database(join(folder, "lock"), { readonly: true, strict: true });
    database.run("PRAGMA busy_timeout = 0");
    database.query("SELECT 1 FROM sqlite_schema").all();
    return false;
  } catch (error) {
    return String((error as { code?: string }).code).startsWith("SQLITE_BUSY");
  } finally {
    database?.close();
  }
}

function openLocked(folder: string, shown: string, pidFile: string): Database {
  let database: Database | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    database = new Database(join(folder, "lock"), { create: true, readwrite: true, strict: true });
    database.run("PRAGMA busy_timeout = 0");
    database.run("PRAGMA locking_mode = EXCLUSIVE");
    database.run("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database?.close();
    const code = (error as { code?: string }).code ?? String(error);
    if (code.startsWith("SQLITE_BUSY"))
      throw new Failure(
        "data-folder-in-use",
        `the data folder ${shown} is in use by another p2p${holder(pidFile)}; end that one, or give another port, which has its own folder, or another --data-dir`,
      );
    throw new Failure(
      "disk-error",
      `cannot use the data folder ${shown} (${forTerminal(code)}); give another one with --data-dir`,
    );
  }
}

/** Whoever cannot be named holds the lock all the same. */
function noteHolder(pidFile: string): void {
  try {
    writeFileSync(pidFile, `${process.pid}\n`);
  } catch {
    // It is said without a number then.
  }
}

function holder(pidFile: string): string {
  try {
    const pid = readFileSync(pidFile, "utf8").trim();
    return /^\d{1,10}$/.test(pid) ? ` (process ${pid})` : "";
  } catch {
    return "";
  }
}
