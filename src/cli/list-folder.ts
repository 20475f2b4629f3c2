/** What is in a folder, for completion: as many entries as are worth looking at, links as what they lead to. */
import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FOLDER_ENTRIES_MAX } from "../base/limits.ts";

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** @throws if it cannot be read */
export async function listFolder(path: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of await opendir(path)) {
    const { name } = entry;
    const isFolder = entry.isSymbolicLink() ? await leadsToFolder(join(path, name)) : entry.isDirectory();
    entries.push({ name, isFolder });
    if (entries.length === FOLDER_ENTRIES_MAX) break;
  }
  return entries;
}

async function leadsToFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
