/**
 * A shared file, open for serving, and whether it still is what was hashed.
 *
 * Only a plain file is opened, for reading, under its real path: a link that the user named is followed once, here, and a
 * link put in its place later is a change. It watches nothing by itself; the owner asks `unchanged` as often as it likes.
 */
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { Failure, toFailure } from "../../base/failure.ts";
import { FILE_BYTES_MAX } from "../../base/limits.ts";
import { formatBytes, forTerminal } from "../../base/text.ts";
import type { PieceWorkers } from "./contract.ts";
import { onDisk } from "./disk-failure.ts";
import { type FileIdentity, identityOf, isSameContent, isSameFile, lookAt } from "./file-identity.ts";

type Settling = Pick<PieceWorkers, "settled">;

export class SourceFile {
  /** Real and absolute. */
  readonly path: string;
  /** As it was when it was opened. */
  readonly identity: FileIdentity;
  readonly executable: boolean;
  readonly #handle: FileHandle;
  readonly #workers: Settling;

  private constructor(path: string, stats: BigIntStats, handle: FileHandle, workers: Settling) {
    this.path = path;
    this.identity = identityOf(stats);
    this.executable = (stats.mode & 0o100n) !== 0n;
    this.#handle = handle;
    this.#workers = workers;
  }

  /**
   * @param workers its jobs may use the descriptor until it is closed
   * @throws Failure "file-missing" or "file-refused"
   */
  static async open(path: string, workers: Settling): Promise<SourceFile> {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const real = await onDisk("open", path, () => realpath(path));
    // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
    const handle = await onDisk("open", path, () => open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    try {
      const stats = await onDisk("read", path, () => handle.stat({ bigint: true }));
      if (!stats.isFile()) throw new Failure("file-missing", `not a file: ${forTerminal(path)}`);
      if (stats.size > FILE_BYTES_MAX)
        throw new Failure(
          "file-refused",
          `${forTerminal(path)} is too large: ${formatBytes(Number(stats.size))}, at most ${formatBytes(FILE_BYTES_MAX)} can be shared`,
        );
      return new SourceFile(real, stats, handle, workers);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** As `open`, for a file remembered from before. @throws Failure "file-changed" too, if it is no longer that file */
  static async reopen(path: string, known: FileIdentity, workers: Settling): Promise<SourceFile> {
    const source = await SourceFile.open(path, workers).catch((error: unknown) => {
      throw error instanceof Failure && error.code === "file-missing" ? vanished(path) : error;
    });
    const change = await source.#difference(known, path).catch(toFailure);
    if (change === undefined) return source;
    await source.close();
    throw change;
  }

  get descriptor(): number {
    return this.#handle.fd;
  }

  /**
   * Compares the open file, and what is at its path now, with what it was.
   * @returns a Failure "file-changed" that says how it differs
   */
  unchanged(): Promise<Failure | undefined> {
    return this.#difference(this.identity, this.path);
  }

  /** Once no job uses the descriptor. */
  async close(): Promise<void> {
    await this.#workers.settled(this.descriptor);
    await onDisk("close", this.path, () => this.#handle.close());
  }

  /** @param path as it is told to people */
  async #difference(known: FileIdentity, path: string): Promise<Failure | undefined> {
    const there = await lookAt(this.path);
    if (there === undefined) return vanished(path);
    const now = await onDisk("read", path, async () => identityOf(await this.#handle.stat({ bigint: true })));
    if (!there.isFile() || !isSameFile(identityOf(there), now)) return replaced(path);
    if (now.inode !== known.inode) return replaced(path);
    if (now.size < known.size) return truncated(path, known.size, now.size);
    return isSameContent(now, known) ? undefined : changed(path);
  }
}

function broken(path: string, what: string): Failure {
  return new Failure(
    "file-changed",
    `${forTerminal(path)} ${what} since it was shared; share it again with upload_file`,
  );
}

function vanished(path: string): Failure {
  return broken(path, "was moved or removed");
}

function replaced(path: string): Failure {
  return broken(path, "was replaced by another file");
}

function truncated(path: string, before: number, after: number): Failure {
  return broken(path, `was cut from ${formatBytes(before)} to ${formatBytes(after)}`);
}

function changed(path: string): Failure {
  return broken(path, "was changed");
}
