/**
 * Gives a finished file its final name without ever replacing another one.
 *
 * A second hard link is the only call that refuses a taken name in one step on every POSIX system. Where there are no hard
 * links (FAT, some network disks) a rename after a look is what is left; of two programs that place the same name in the
 * same instant, the later would win there.
 */
import { link, rename, unlink } from "node:fs/promises";
import { Failure } from "../../base/failure.ts";
import { type Patience, patiently } from "../../base/sharing-patience.ts";
import { forTerminal } from "../../base/text.ts";
import { diskFailure, errorCode } from "./disk-failure.ts";
import { type FileIdentity, identityOf, isNumbered, isSameFile, lookAt } from "./file-identity.ts";

export interface NamingCalls {
  link(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** The file that has the name, links not followed; undefined if it is free. */
  identityAt(path: string): Promise<FileIdentity | undefined>;
}

const systemCalls: NamingCalls = { link, rename, unlink, identityAt };

/** @throws Failure "file-exists" and others; the file is still where it was then, and this may be tried again */
export async function placeExclusively(
  from: string,
  to: string,
  calls: NamingCalls = systemCalls,
  patient: Patience = patiently,
): Promise<void> {
  try {
    // All of it again: the name may have been taken meanwhile.
    await patient(() => place(from, to, calls));
  } catch (error) {
    throw diskFailure("create", to, error);
  }
}

async function place(from: string, to: string, calls: NamingCalls): Promise<void> {
  if (await hasBothNames(from, to, calls)) await calls.unlink(from);
  else if ((await calls.identityAt(to)) !== undefined) throw takenFailure(from, to);
  else await calls.rename(from, to);
}

/** @returns false if there are no hard links here. @throws Failure "file-exists" */
async function hasBothNames(from: string, to: string, calls: NamingCalls): Promise<boolean> {
  try {
    await calls.link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) !== "EEXIST") return false;
  }
  // An earlier try may have come just so far.
  const [left, right] = [await calls.identityAt(from), await calls.identityAt(to)];
  if (left !== undefined && right !== undefined && isNumbered(left) && isSameFile(left, right)) return true;
  throw takenFailure(from, to);
}

async function identityAt(path: string): Promise<FileIdentity | undefined> {
  const stats = await lookAt(path);
  return stats === undefined ? undefined : identityOf(stats);
}

function takenFailure(from: string, to: string): Failure {
  return new Failure(
    "file-exists",
    `${forTerminal(to)} has come into being meanwhile and is not overwritten: move it away and resume the download; ` +
      `its content is complete in ${forTerminal(from)}`,
  );
}
