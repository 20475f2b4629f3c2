/** What the operating system says of a file, as a Failure whose line tells people what to do. */
import { Failure, type FailureCode } from "../../base/failure.ts";
import { HERE, type Platform } from "../../base/platform.ts";
import { forTerminal } from "../../base/text.ts";

/** The system's own name of what went wrong, `ENOSPC` and the like. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const KNOWN = new Map<string, readonly [FailureCode, string]>([
  ["ENOSPC", ["disk-full", "the disk is full; free some space"]],
  ["EDQUOT", ["disk-full", "the disk quota is used up; free some space"]],
  ["EFBIG", ["disk-error", "this file system does not take a file of that size; choose another disk"]],
  ["EROFS", ["file-refused", "the file system is read-only; choose another folder"]],
  ["EACCES", ["file-refused", "permission denied"]],
  ["EPERM", ["file-refused", "permission denied"]],
  ["ENAMETOOLONG", ["invalid-name", "the name is too long for this file system; choose a shorter one"]],
  ["ENOENT", ["file-missing", "no such file or folder"]],
  ["ENOTDIR", ["file-missing", "a part of the path is not a folder"]],
  ["ELOOP", ["file-refused", "a symbolic link is not followed here"]],
  ["EMLINK", ["file-refused", "a symbolic link is not followed here"]],
  ["EISDIR", ["file-missing", "it is a folder"]],
  ["EBUSY", ["file-refused", "another program is using it; close it there"]],
  ["ETXTBSY", ["file-refused", "it is a program that runs; end that"]],
  ["EMFILE", ["try-later", "too many files are open"]],
  ["ENFILE", ["try-later", "too many files are open"]],
]);

/** @param doing what failed, such as `cannot write /a/b`, safe to show */
export function failureOfCode(doing: string, code: string | undefined, message: string): Failure {
  const [kind, words] = KNOWN.get(code ?? "") ?? ["disk-error", message];
  return new Failure(kind, `${doing}: ${words}`);
}

/** @param verb such as "write"; the line says `cannot write <path>: ...` */
export function diskFailure(verb: string, path: string, error: unknown, platform = HERE): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  const failure = failureOfCode(
    `cannot ${verb} ${forTerminal(path)}`,
    errorCode(error),
    forTerminal(message),
  );
  const more = remark(path, errorCode(error), platform);
  return more === undefined ? failure : new Failure(failure.code, `${failure.message}${more}`);
}

/** What the error does not tell there: that it may come of something else than it says. */
function remark(
  path: string,
  code: string | undefined,
  { pathCharsMax, sharingErrors }: Platform,
): string | undefined {
  if (pathCharsMax !== undefined && path.length > pathCharsMax)
    return `; the path is longer than the ${pathCharsMax} characters that are sure to be taken here`;
  const mayBeShared = code !== undefined && code !== "EBUSY" && sharingErrors.has(code);
  return mayBeShared ? ", or another program is using it" : undefined;
}

/** Runs a disk call; what it throws becomes a Failure about `path`. */
export async function onDisk<T>(verb: string, path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw diskFailure(verb, path, error);
  }
}
