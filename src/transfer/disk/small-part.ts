/**
 * The files of a bundle on their way to their places, with calls that block: for workers.
 *
 * Each is written whole to a part file of its own name, brought to the disk, and then given its final name without
 * replacing anything. The part file's name is made of what only this client's download of that path has, so that one that
 * is found is what an earlier run left of it: nothing is known of its content, and it is removed. Invariant: no link is
 * followed to a file, and nothing else than such a part file is ever removed.
 */
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { digestOf } from "../../base/manifest.ts";
import type { DownloadTarget } from "./contract.ts";
import { errorCode } from "./disk-failure.ts";
import { type FileIdentity, identityOf } from "./file-identity.ts";

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;

/** Of whatever length the file's own name is, it is one that every file system takes. */
export function smallPartPathOf({ path, journalPath }: Pick<DownloadTarget, "path" | "journalPath">): string {
  const mark = digestOf(new TextEncoder().encode(`${journalPath}\0${path}`)).slice(0, 24);
  return join(dirname(path), `p2p-${mark}.part`);
}

/** Whether nothing is at that path and nothing of another way to fetch it. Removes its own part file of an earlier run. */
export function isFree(path: string, part: string, others: readonly string[]): boolean {
  if ([path, ...others].some(exists)) return false;
  if (!exists(part)) return true;
  fs.unlinkSync(part);
  return true;
}

/** @throws as the system does; nothing is left then */
export function writeSmallPart(
  part: string,
  bytes: Uint8Array,
  how: { readonly modifiedMs: number | undefined; readonly executable: boolean; readonly sync: boolean },
): FileIdentity {
  const file = fs.openSync(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, how.executable ? 0o777 : 0o666);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSome(file, bytes.subarray(done), done);
    if (how.modifiedMs !== undefined) setModified(file, how.modifiedMs);
    if (how.sync) fs.fsyncSync(file);
    return identityOf(fs.fstatSync(file, { bigint: true }));
  } catch (error) {
    fs.unlinkSync(part);
    throw error;
  } finally {
    fs.closeSync(file);
  }
}

/** @throws as the system does, EEXIST if the name is taken; the part file is still there then */
export function placeSmallPart(part: string, path: string): void {
  try {
    fs.linkSync(part, path);
  } catch (error) {
    // A file system without second names: a look and a rename are what is left.
    if (errorCode(error) === "EEXIST" || exists(path)) throw taken(error);
    fs.renameSync(part, path);
    return;
  }
  fs.unlinkSync(part);
}

function taken(error: unknown): unknown {
  return errorCode(error) === "EEXIST" ? error : Object.assign(new Error("it exists"), { code: "EEXIST" });
}

function writeSome(file: number, bytes: Uint8Array, offset: number): number {
  const written = fs.writeSync(file, bytes, 0, bytes.length, offset);
  if (written <= 0) throw new Error("the disk took no bytes");
  return written;
}

/** A file system that keeps no such time keeps its own. */
function setModified(file: number, ms: number): void {
  try {
    fs.futimesSync(file, ms / 1_000, ms / 1_000);
  } catch {
    // Nothing depends on it.
  }
}

/** Links not followed. Of what cannot be looked at it is not said that it is free. */
function exists(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
