/** A folder of its own for one test, removed with all that is in it: `await using folder = await TempFolder.make()`. */
import { access, constants, mkdtemp, realpath, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder in memory; whoever runs the tests may give one of its own, which it then removes. */
const MEMORY = process.env["P2P_TEST_MEMORY"] ?? "/dev/shm";

export class TempFolder implements AsyncDisposable {
  /** Real and absolute. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(parent = tmpdir()): Promise<TempFolder> {
    return new TempFolder(await realpath(await mkdtemp(join(parent, "p2p-test-"))));
  }

  /** In memory where there is room for `bytes`, for what is synced often and need not last; else as `make`. */
  static async inMemory(bytes: number): Promise<TempFolder> {
    try {
      await access(MEMORY, constants.W_OK);
      const { bavail, bsize } = await statfs(MEMORY);
      if (bavail * bsize >= bytes) return await TempFolder.make(MEMORY);
    } catch {
      // No such thing here.
    }
    return await TempFolder.make();
  }

  join(...names: string[]): string {
    return join(this.path, ...names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Windows holds the files of a program for a moment after its end; so does Wine.
    await rm(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
