/**
 * A sync that a power cut cannot undo, also where the system's own ends at the drive's memory, as on macOS: its `fsync`
 * gives the drive the bytes, and the drive may write them late and in any order. Two calls of the system there, which the
 * runtime does not make, see to that.
 *
 * A file system that knows no such call has been given all that it takes: nothing is said of it.
 */
import { HERE } from "./platform.ts";

/** `in order`: before whatever is written later, which is cheap. `for good`: by now, with all else in the drive's memory. */
export type DriveSync = "in order" | "for good";

/** @returns -1 if it failed */
export type FileControl = (file: number, command: number) => number;

const COMMANDS: Readonly<Record<DriveSync, number>> = { "for good": 51, "in order": 85 };

/** An open file, or folder where those can be synced. */
interface Synced {
  readonly fd: number;
  sync(): Promise<void>;
}

/** To stay open until it has ended. @throws of the sync */
export async function syncThrough(file: Synced, how: DriveSync): Promise<void> {
  await file.sync();
  await syncDrive(file.fd, how);
}

let systemCall: Promise<FileControl | undefined> | undefined;

/** After a sync that succeeded. */
export async function syncDrive(
  file: number,
  how: DriveSync,
  { syncsDrive } = HERE,
  load = () => (systemCall ??= loadFileControl("libSystem.B.dylib")),
): Promise<void> {
  if (!syncsDrive) (await load())?.(file, COMMANDS[how]);
}

/** Its third argument, which it takes or not, is not given: these commands have none. @returns undefined if there is none */
export async function loadFileControl(library: string): Promise<FileControl | undefined> {
  try {
    const { dlopen } = await import("bun:ffi");
    return dlopen(library, { fcntl: { args: ["i32", "i32"], returns: "i32" } }).symbols.fcntl;
  } catch {
    return undefined;
  }
}
