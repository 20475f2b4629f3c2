/** What there is to say of a data folder, without touching it: a client may be running there. */
import { readdir, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HERE } from "../base/platform.ts";
import { isFolderLocked } from "./folder-lock.ts";

export interface FolderFacts {
  readonly folder: string;
  readonly exists: boolean;
  /** Permissions; undefined where the system has none. */
  readonly mode: number | undefined;
  /** Files with keys that others may read. */
  readonly openFiles: readonly { readonly path: string; readonly mode: number }[];
  /** Whether a process uses it. */
  readonly isLocked: boolean;
  /** Of the disk it is on, or would be on; undefined if that cannot be told. */
  readonly freeBytes: number | undefined;
  /** Why nothing can be said. */
  readonly trouble: string | undefined;
}

export async function lookAtFolder(folder: string): Promise<FolderFacts> {
  const nothing = {
    folder,
    exists: false,
    mode: undefined,
    openFiles: [],
    isLocked: false,
    trouble: undefined,
  };
  const freeBytes = await freeAt(folder);
  try {
    const there = await stat(folder);
    if (!there.isDirectory()) return { ...nothing, freeBytes, trouble: "it is no folder" };
    const mode = modeOf(there.mode);
    const openFiles = mode === undefined ? [] : await openFilesIn(folder);
    return { ...nothing, exists: true, mode, openFiles, isLocked: isFolderLocked(folder), freeBytes };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return { ...nothing, freeBytes };
    return { ...nothing, freeBytes, trouble: code ?? String(error) };
  }
}

function modeOf(mode: number): number | undefined {
  return HERE.hasModes ? mode & 0o777 : undefined;
}

async function openFilesIn(folder: string) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".pem"));
  const files = names.map(async (name) => {
    const path = join(folder, name);
    return { path, mode: (await stat(path)).mode & 0o777 };
  });
  return (await Promise.all(files)).filter(({ mode }) => (mode & 0o077) !== 0);
}

/** Of the folder, or of the nearest one above that is there. */
async function freeAt(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    const above = dirname(folder);
    return above === folder ? undefined : freeAt(above);
  }
}
