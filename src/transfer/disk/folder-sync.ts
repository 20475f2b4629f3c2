/**
 * Brings the names in a folder to the disk: a new, renamed or removed file is not durable without it.
 *
 * Many small files go into one folder together, and one sync serves all that asked for it before it began: whoever asks
 * while one runs shares the next.
 */
import { open } from "node:fs/promises";
import { syncThrough } from "../../base/drive-sync.ts";
import { HERE } from "../../base/platform.ts";
import { errorCode } from "./disk-failure.ts";

/** Folders that may not be read, and systems and file systems where they cannot be synced: nothing to be done. */
const UNSUPPORTED = new Set(["EACCES", "EPERM", "EISDIR", "EINVAL", "ENOTSUP", "EBADF", "ENOSYS"]);

interface Syncs {
  readonly running: Promise<void>;
  /** Begins when that has ended. */
  next: Promise<void> | undefined;
}

const syncsByFolder = new Map<string, Syncs>();

export function syncFolder(path: string): Promise<void> {
  if (!HERE.syncsFolders) return Promise.resolve();
  const syncs = syncsByFolder.get(path);
  if (syncs === undefined) return begin(path);
  const ended = syncs.running.catch(() => {});
  syncs.next ??= ended.then(() => begin(path));
  return syncs.next;
}

function begin(path: string): Promise<void> {
  const syncs: Syncs = { running: syncNow(path), next: undefined };
  syncsByFolder.set(path, syncs);
  const forget = () => {
    if (syncs.next === undefined && syncsByFolder.get(path) === syncs) syncsByFolder.delete(path);
  };
  syncs.running.then(forget, forget);
  return syncs.running;
}

async function syncNow(path: string): Promise<void> {
  try {
    await using folder = await open(path, "r");
    await syncThrough(folder, "for good");
  } catch (error) {
    if (!UNSUPPORTED.has(errorCode(error) ?? "")) throw error;
  }
}
