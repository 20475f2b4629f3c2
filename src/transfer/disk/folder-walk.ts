/**
 * All plain files below a folder, in order of name.
 *
 * Invariant: no link is followed below the folder itself, so the walk ends and shows nothing from elsewhere. What is
 * neither file nor folder is counted and left out. It opens no file.
 */
import type { Dirent } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../../base/failure.ts";
import { FOLDER_FILES_MAX } from "../../base/limits.ts";
import { forTerminal } from "../../base/text.ts";
import { onDisk } from "./disk-failure.ts";
import { lookAt } from "./file-identity.ts";

export interface FoundFile {
  /** Absolute. */
  readonly path: string;
  /** From the folder, with `/` on every system. */
  readonly name: string;
}

export interface Walked {
  readonly files: readonly FoundFile[];
  /** Links, sockets, devices, pipes. */
  readonly leftOut: number;
}

export interface WalkOptions {
  readonly matches: (name: string) => boolean;
  /** Part files of downloads, to be left out, as they were named when they were made. */
  readonly parts: () => readonly string[];
  /** After which the walk ends with a Failure. */
  readonly signal?: AbortSignal | undefined;
  /** Hears how many files there are so far, after each folder. */
  readonly found?: (files: number) => void;
}

/** @throws Failure */
export async function walkFolder(
  folder: string,
  { matches, parts, signal, found }: WalkOptions,
): Promise<Walked> {
  const root = await onDisk("read", folder, () => realpath(folder));
  const files: FoundFile[] = [];
  let leftOut = 0;
  let ownParts: Promise<ReadonlySet<string>> | undefined;

  async function take(path: string, name: string): Promise<void> {
    if (!matches(name)) return;
    if (name.endsWith(".part")) {
      ownParts ??= placesOf(parts());
      if ((await ownParts).has((await placeOf(path)) ?? "")) return;
    }
    if (files.length === FOLDER_FILES_MAX)
      throw new Failure(
        "too-many",
        `${forTerminal(folder)} holds more than ${FOLDER_FILES_MAX} files: share its folders one by one`,
      );
    files.push({ path, name });
  }

  async function walk(path: string, prefix: string): Promise<void> {
    const entries = await onDisk("read", path, () => readdir(path, { withFileTypes: true }));
    for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
      if (signal?.aborted)
        throw new Failure("try-later", `the walk through ${forTerminal(folder)} was stopped`);
      const [inner, name] = [join(path, entry.name), prefix + entry.name];
      const kind = await kindOf(entry, inner);
      if (kind === "folder") await walk(inner, `${name}/`);
      else if (kind === "file") await take(inner, name);
      else if (matches(name)) leftOut++;
    }
    found?.(files.length);
  }

  await walk(root, "");
  return { files, leftOut };
}

/** Some file systems do not tell in a list what its entries are. */
async function kindOf(entry: Dirent, path: string): Promise<"file" | "folder" | "other"> {
  const isTold = entry.isFile() || entry.isDirectory() || entry.isSymbolicLink();
  const there = isTold ? entry : await lookAt(path);
  if (there?.isFile()) return "file";
  return there?.isDirectory() ? "folder" : "other";
}

async function placesOf(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const places = new Set<string>();
  for (const path of paths) {
    const place = await placeOf(path).catch(() => undefined);
    if (place !== undefined) places.add(place);
  }
  return places;
}

async function placeOf(path: string): Promise<string | undefined> {
  const there = await lookAt(path);
  if (there === undefined) return undefined;
  return there.ino === 0n ? await realpath(path) : `${there.dev}.${there.ino}`;
}
