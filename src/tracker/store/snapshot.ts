/**
 * One copy of the tracker's database for its operator, made while the tracker goes on; and which copies there are.
 *
 * A copy appears under its name whole and on the disk, or not at all: it is made in a temporary file, synced, renamed, its
 * folder synced. It holds everything that was committed before it began. Blocking: runs in `snapshot-worker.ts`.
 */
import { Database } from "bun:sqlite";
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SNAPSHOTS_KEPT } from "../../base/limits.ts";
import { HERE } from "../../base/platform.ts";

const NAME = /^tracker-(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d)-(\d{3})Z\.sqlite$/;
const TEMPORARY = /^tracker-.*\.tmp(?:-journal)?$/;

export interface SnapshotOrder {
  /** The database, open in the tracker. */
  readonly database: string;
  /** Where the copies lie; made if it is not there. */
  readonly folder: string;
  /** Wall clock: names the copy. */
  readonly nowMs: number;
}

/** Makes a copy, then removes all but the newest SNAPSHOTS_KEPT, and what an interrupted one left. @throws of the disk */
export function takeSnapshot({ database, folder, nowMs }: SnapshotOrder): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) if (TEMPORARY.test(name)) rmSync(join(folder, name));
  const path = join(folder, snapshotName(nowMs));
  const temporary = `${path}.tmp`;
  // Made here, so that nobody else may read it: it holds password hashes.
  closeSync(openSync(temporary, "wx", 0o600));
  copyInto(database, temporary);
  sync(temporary, "r+");
  renameSync(temporary, path);
  if (HERE.syncsFolders) sync(folder, "r");
  for (const name of snapshotNames(folder).slice(0, -SNAPSHOTS_KEPT)) rmSync(join(folder, name));
}

/** Wall clock of the newest copy; undefined if there is none. */
export function lastSnapshotMs(folder: string): number | undefined {
  const parts = NAME.exec(snapshotNames(folder).at(-1) ?? "");
  return parts === null ? undefined : Date.parse(`${parts[1]}:${parts[2]}:${parts[3]}.${parts[4]}Z`);
}

/** The oldest first: their order is that of time. */
function snapshotNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => NAME.test(name))
      .sort();
  } catch {
    return [];
  }
}

function snapshotName(nowMs: number): string {
  return `tracker-${new Date(nowMs).toISOString().replace(/[:.]/g, "-")}.sqlite`;
}

function copyInto(database: string, path: string): void {
  const db = new Database(database, { strict: true, readwrite: true });
  try {
    db.run("VACUUM INTO ?", [path]);
  } finally {
    db.close();
  }
}

function sync(path: string, flags: "r" | "r+"): void {
  const descriptor = openSync(path, flags);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
