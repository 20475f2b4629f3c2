/**
 * Sharing many files in one step: which names they get, how far it is, and what became of each.
 *
 * Several are on their way at once, since a small file costs mostly the way to the tracker and back; the hashing behind it
 * is one after the other all the same. One that fails stops no other; that nobody is logged in any more, or that no tracker
 * answers, stops all.
 */
import { basename, resolve } from "node:path";
import { type Failure, orThrow, toFailure } from "../base/failure.ts";
import { type FileName, type GroupName, parseFileName } from "../base/ids.ts";
import { UPLOADS_OF_FOLDER_AT_ONCE_MAX } from "../base/limits.ts";
import { eachAtOnce } from "./each-at-once.ts";
import { givenUp } from "./given-up.ts";
import type { LocalFiles } from "./local-files.ts";
import type { FolderUpload, HashProgress, UploadRemark, UploadResult } from "./views.ts";

export interface FolderUploadOrder {
  readonly folder: string;
  /** Of names below the folder; undefined: all, under the folder's name. */
  readonly pattern: string | undefined;
  readonly matches: (name: string) => boolean;
  readonly group: GroupName;
  /** In place of the folder's own name. */
  readonly as: FileName | undefined;
  readonly progress: (at: HashProgress) => void;
  /** After which no other folder is looked through and no other file begun. */
  readonly signal: AbortSignal | undefined;
}

export interface FolderUploadDependencies {
  readonly files: Pick<LocalFiles, "walk">;
  /** @throws Failure */
  readonly upload: (
    path: string,
    name: FileName,
    progress: (at: HashProgress) => void,
  ) => Promise<UploadResult>;
  /** Part files of downloads. */
  readonly parts: () => readonly string[];
}

/** After these no other file has a chance. */
const ENDS_ALL: ReadonlySet<Failure["code"]> = new Set([
  "not-logged-in",
  "not-member",
  "unknown-group",
  "tracker-unreachable",
]);

/** @throws Failure */
export async function uploadFolder(
  { files, upload, parts }: FolderUploadDependencies,
  { folder, pattern, matches, group, as, progress, signal }: FolderUploadOrder,
): Promise<FolderUpload> {
  const name = as ?? basename(resolve(folder));
  const looking = (of: number) => progress({ name, doneBytes: 0, total: 0, file: { number: 0, of } });
  const found = await files.walk(folder, { matches, parts, signal, found: looking });
  const prefix = as ?? (pattern === undefined ? basename(found.root) : undefined);
  const remarks: UploadRemark[] = [];
  const results: UploadResult[] = [];
  let shared = 0;
  let standing = 0;
  let begun = 0;
  await eachAtOnce(found.files, UPLOADS_OF_FOLDER_AT_ONCE_MAX, async ({ path, name: below }) => {
    if (signal?.aborted) throw givenUp();
    const typed = prefix === undefined ? below : `${prefix}/${below}`;
    const at = { number: ++begun, of: found.files.length };
    try {
      const name = orThrow(parseFileName(typed));
      progress({ name, doneBytes: 0, total: 0, file: at });
      const result = await upload(path, name, (bytes) => progress({ ...bytes, file: at }));
      results.push(result);
      if (result.kept === undefined) shared++;
      else if (result.kept === "same") standing++;
      else remarks.push({ kind: "kept", name, group, result });
    } catch (error) {
      const failure = toFailure(error);
      if (ENDS_ALL.has(failure.code)) throw failure;
      remarks.push({ kind: "failed", name: typed, failure });
    }
  });
  return { shared, standing, leftOut: found.leftOut, results, remarks };
}
