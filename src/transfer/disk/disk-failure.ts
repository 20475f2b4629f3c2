/** What the operating system says of a file, as a Failure whose line tells people what to do. */
import { Failure, type FailureCode } from "../../base/failure.ts";
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
  ["EMFILE", ["try-later", "too many files are open"]],
  ["ENFILE", ["try-later", "too many files are open"]],
]);

/** @param doing what failed, such as `cannot write /a/b`, safe to show */
export function failureOfCode(doing: string, code: string | undefined, message: string): Failure {
  const [kind, words] = KNOWN.get(code ?? "") ?? ["disk-error", message];
  return new Failure(kind, `${doing}: ${words}`);
}

/** @param verb such as "write"; the line says `cannot write <path>: ...` */
export function diskFailure(verb: string, path: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return failureOfCode(`cannot ${verb} ${forTerminal(path)}`, errorCode(error), forTerminal(message));
}

/** Runs a disk call; what it throws becomes a Failure about `path`. */
export async function onDisk<T>(verb: string, path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw diskFailure(verb, path, error);
  }
}
