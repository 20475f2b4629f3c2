/**
 * `<name>.part`: where the pieces of a download are written until all are there.
 *
 * Invariant: it is made exclusively, opened without following a link, and has exactly one name and the file's full size
 * from the start (sparse), so that a piece's place never depends on the others. What is in it is for the journal to say.
 */
import { constants } from "node:fs";
import { type FileHandle, open, statfs, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { syncThrough } from "../../base/drive-sync.ts";
import { Failure } from "../../base/failure.ts";
import { DISK_RESERVE_BYTES } from "../../base/limits.ts";
import { patiently } from "../../base/sharing-patience.ts";
import { formatBytes, forTerminal } from "../../base/text.ts";
import { diskFailure, errorCode, onDisk } from "./disk-failure.ts";
import { placeExclusively } from "./exclusive-place.ts";
import { type FileIdentity, identityOf, isSameFile, lookAt } from "./file-identity.ts";
import { syncFolder } from "./folder-sync.ts";

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;

export function partPathOf(path: string): string {
  return `${path}.part`;
}

/** @throws Failure "disk-full" if a download of so many more bytes has no room beside `path` */
export async function requireRoom(path: string, bytes: number): Promise<void> {
  const { bavail, bsize, blocks } = await onDisk("write", path, () => statfs(dirname(path)));
  // Some network file systems do not tell their size.
  if (blocks === 0 || bavail * bsize >= bytes + DISK_RESERVE_BYTES || bytes === 0) return;
  throw new Failure(
    "disk-full",
    `not enough room for ${forTerminal(path)}: it needs ${formatBytes(bytes)} and a reserve of ` +
      `${formatBytes(DISK_RESERVE_BYTES)}, ${formatBytes(bavail * bsize)} are free; free some space or choose another disk`,
  );
}

export class PartFile {
  readonly path: string;
  readonly #size: number;
  readonly #handle: FileHandle;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.#size = size;
    this.#handle = handle;
  }

  /**
   * @param executable for whom it may be is for the system to say, by the user's mask
   * @throws Failure "file-exists" if anything is there
   */
  static async create(path: string, size: number, executable = false): Promise<PartFile> {
    const mode = executable ? 0o777 : 0o666;
    const handle = await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode).catch((error: unknown) => {
      throw errorCode(error) === "EEXIST" ? foreignPart(path) : diskFailure("create", path, error);
    });
    const part = new PartFile(path, size, handle);
    try {
      await onDisk("create", path, () => handle.truncate(size));
      await onDisk("create", path, () => syncFolder(dirname(path)));
      return part;
    } catch (error) {
      await part.remove().catch(() => {});
      await part.close();
      throw error;
    }
  }

  /** Opens what an earlier run left. @throws Failure "file-refused" if it is no plain file with one name */
  static async reopen(path: string, size: number): Promise<PartFile> {
    const handle = await onDisk("open", path, () => open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK));
    try {
      const stats = await onDisk("open", path, () => handle.stat());
      if (!stats.isFile() || stats.nlink !== 1)
        throw new Failure(
          "file-refused",
          `${forTerminal(path)} is no plain file of this download; move it away`,
        );
      return new PartFile(path, size, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get descriptor(): number {
    return this.#handle.fd;
  }

  identity(): Promise<FileIdentity> {
    return onDisk("read", this.path, async () => identityOf(await this.#handle.stat({ bigint: true })));
  }

  /** Throws away what is in it: all of it is a hole again. */
  reset(): Promise<void> {
    return onDisk("write", this.path, async () => {
      await this.#handle.truncate(0);
      await this.#handle.truncate(this.#size);
    });
  }

  /** Nothing may be written any more. A file system that keeps no such time keeps its own. */
  async setModified(ms: number): Promise<void> {
    await this.#handle.utimes(ms / 1_000, ms / 1_000).catch(() => {});
  }

  /** Brings what was written to the disk. @throws Failure */
  sync(): Promise<void> {
    return onDisk("write", this.path, () => syncThrough(this.#handle, "in order"));
  }

  /** Gives the synced file its final name. @throws Failure; it may be tried again */
  async place(path: string): Promise<void> {
    const { size } = await this.identity();
    if (size !== this.#size || !(await this.#isInPlace()))
      throw new Failure(
        "file-changed",
        `${forTerminal(this.path)} was changed or replaced by something else; cancel the download and start it again`,
      );
    await placeExclusively(this.path, path);
    await onDisk("write", path, () => syncFolder(dirname(path)));
  }

  /** Removes it, unless something else has taken its name. */
  async remove(): Promise<void> {
    if (!(await this.#isInPlace())) return;
    await onDisk("remove", this.path, () => patiently(() => unlink(this.path)));
    await onDisk("remove", this.path, () => syncFolder(dirname(this.path)));
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #isInPlace(): Promise<boolean> {
    const there = await lookAt(this.path);
    return there !== undefined && isSameFile(identityOf(there), await this.identity());
  }
}

export function foreignPart(path: string): Failure {
  return new Failure(
    "file-exists",
    `${forTerminal(path)} exists and belongs to no download of this client: move it away or choose another name`,
  );
}
