/** Brings the names in a folder to the disk: a new, renamed or removed file is not durable without it. */
import { open } from "node:fs/promises";
import { errorCode } from "./disk-failure.ts";

/** Folders that may not be read, and systems and file systems where they cannot be synced: nothing to be done. */
const UNSUPPORTED = new Set(["EACCES", "EPERM", "EISDIR", "EINVAL", "ENOTSUP", "EBADF", "ENOSYS"]);

export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  try {
    await using folder = await open(path, "r");
    await folder.sync();
  } catch (error) {
    if (!UNSUPPORTED.has(errorCode(error) ?? "")) throw error;
  }
}
