/**
 * Brings all that a file system holds to the disk with one call, where the system has one: for many small files, each of
 * which would cost a sync of its own. For workers, as it blocks.
 *
 * `syncfs` of Linux is as good as an fsync of each file, and tells of what could not be written since the descriptor that
 * it is given was opened. The runtime does not make that call. Where it is not to be had, on other systems too, files are
 * synced one by one.
 */
import { dlopen } from "bun:ffi";

/** The C library as glibc and as musl name it; what a system does not have is not found. */
const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** @returns 0, or -1 if something could not be written */
export type FileSystemSync = (file: number) => number;

let found: { readonly sync: FileSystemSync | undefined } | undefined;

/** Looked for once. */
export function fileSystemSync(): FileSystemSync | undefined {
  found ??= { sync: loadFileSystemSync(LIBRARIES) };
  return found.sync;
}

/** @returns undefined if none of them has it */
export function loadFileSystemSync(libraries: readonly string[]): FileSystemSync | undefined {
  for (const library of libraries) {
    try {
      return dlopen(library, { syncfs: { args: ["i32"], returns: "i32" } }).symbols.syncfs;
    } catch {
      // The next one.
    }
  }
  return undefined;
}
