/** A folder of its own for one test, removed with all that is in it: `await using folder = await TempFolder.make()`. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class TempFolder implements AsyncDisposable {
  /** Real and absolute. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<TempFolder> {
    return new TempFolder(await realpath(await mkdtemp(join(tmpdir(), "p2p-test-"))));
  }

  join(...names: string[]): string {
    return join(this.path, ...names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
