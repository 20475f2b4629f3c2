/**
 * Where a download goes: what the user typed as `<destination_path>`, with the safe form of the file's name.
 *
 * As `cp` does: an existing folder means inside it; anything else is the file's own path. As `rsync` does: a path that ends
 * like a folder means inside it too, and the last folder of it need not exist: who writes the separator says that a folder is
 * meant, and one level is no typing error in the middle of a path that would make a tree. A name that leads through folders
 * keeps them below that folder; whoever makes the file makes all of those.
 * Folders that the user typed may be reached over links. What is at the last component is not looked at here beyond
 * whether it is a folder: whoever creates the file does so without following a link or replacing anything.
 */
import { stat } from "node:fs/promises";
import { assert } from "../../base/assert.ts";
import { Failure } from "../../base/failure.ts";
import { HERE, type Platform } from "../../base/platform.ts";
import { forTerminal } from "../../base/text.ts";
import { errorCode, onDisk } from "./disk-failure.ts";
import { refuseTypedName, safeFilePath } from "./safe-path.ts";

export type PathKind = "folder" | "file" | "nothing";

export interface DestinationContext {
  /** What a relative path is relative to. */
  readonly workingFolder: string;
  /** What a path leads to, links followed. */
  readonly kindOf?: (path: string) => Promise<PathKind>;
  readonly platform?: Platform;
}

export interface ResolvedDestination {
  /** Absolute: of the file to make. */
  readonly path: string;
  /** A folder that exists and that the user chose: what of `path` is below it is made, and no link in it is followed. */
  readonly base: string;
}

/** What the user typed, whatever is to come there. */
type Place =
  | { readonly kind: "file"; readonly path: string; readonly base: string }
  /** Inside that folder, which is the base or is to be made in it. */
  | { readonly kind: "folder"; readonly folder: string; readonly base: string };

/**
 * @param typed with `~/` already expanded
 * @param name of the file, as another machine gave it
 * @throws Failure
 */
export async function resolveDestination(
  typed: string,
  name: string,
  context: DestinationContext,
): Promise<ResolvedDestination> {
  const place = await resolvePlace(typed, context);
  return place.kind === "folder" ? inside(place, name, context) : { path: place.path, base: place.base };
}

/**
 * Of many files that go into the same folder, whatever its name ends with: that is looked at once.
 * @throws Failure
 * @returns what gives the destination of each name, and throws Failure for one that cannot have any
 */
export async function resolveDestinations(
  typed: string,
  context: DestinationContext,
): Promise<(name: string) => ResolvedDestination> {
  const place = await resolvePlace(typed === "" ? typed : `${typed}/`, context);
  assert(place.kind === "folder", "what ends like a folder means one");
  return (name) => inside(place, name, context);
}

async function resolvePlace(
  typed: string,
  { workingFolder, kindOf = kindOnDisk, platform = HERE }: DestinationContext,
): Promise<Place> {
  if (typed === "" || typed.includes("\0"))
    throw new Failure("usage", `not a destination path: ${forTerminal(JSON.stringify(typed.slice(0, 80)))}`);
  const { basename, dirname, resolve } = platform.path;
  const path = resolve(workingFolder, typed);
  const endsAsFolder = (platform.backslashSeparates ? /(^|[/\\])\.{0,2}$/ : /(^|\/)\.{0,2}$/).test(typed);
  const kind = await kindOf(path);
  if (kind === "folder") return { kind: "folder", folder: path, base: path };
  if (endsAsFolder && kind === "file") throw noFolder(path);
  const base = dirname(path);
  if ((await kindOf(base)) !== "folder") throw noFolder(base);
  const unfit = refuseTypedName(basename(path), platform);
  if (unfit !== undefined) throw unfit;
  return endsAsFolder ? { kind: "folder", folder: path, base } : { kind: "file", path, base };
}

/** @returns the absolute path of a folder that is there. @throws Failure */
export async function resolveFolder(
  typed: string,
  { workingFolder, kindOf = kindOnDisk, platform = HERE }: DestinationContext,
): Promise<string> {
  const path = platform.path.resolve(workingFolder, typed);
  if ((await kindOf(path)) !== "folder") throw noFolder(path);
  return path;
}

function inside(
  { folder, base }: { readonly folder: string; readonly base: string },
  name: string,
  { platform = HERE }: DestinationContext,
): ResolvedDestination {
  const safe = safeFilePath(name);
  if (safe instanceof Failure) throw safe;
  return { path: platform.path.join(folder, ...safe), base };
}

function noFolder(path: string): Failure {
  return new Failure(
    "file-missing",
    `no such folder: ${forTerminal(path)}; make it first or name another one`,
  );
}

function kindOnDisk(path: string): Promise<PathKind> {
  return onDisk("look at", path, async () => {
    try {
      return (await stat(path)).isDirectory() ? "folder" : "file";
    } catch (error) {
      if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return "nothing";
      throw error;
    }
  });
}
