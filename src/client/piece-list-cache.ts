/**
 * Piece lists kept as files, each named by its digest, so that a share or a download of an earlier run needs neither
 * hashing nor a tracker.
 *
 * A cache: nothing in it is believed before its digest is checked, whatever is missing or damaged is fetched or made
 * again, and nothing is synced. One process owns the folder.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../base/failure.ts";
import type { Digest } from "../base/ids.ts";
import { type FileSummary, Manifest } from "../base/manifest.ts";
import { patiently } from "../base/sharing-patience.ts";
import { onDisk } from "../transfer/disk/disk-failure.ts";

export class PieceListCache {
  readonly #folder: string;
  #drafts = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<PieceListCache> {
    await onDisk("make", folder, () => mkdir(folder, { recursive: true, mode: 0o700 }));
    return new PieceListCache(folder);
  }

  /** @returns undefined unless the list is there and right */
  async read(file: FileSummary): Promise<Manifest | undefined> {
    const rows = await readFile(this.#path(file.digest)).catch(() => undefined);
    if (rows === undefined) return undefined;
    const manifest = Manifest.check(file, rows);
    return manifest instanceof Failure ? undefined : manifest;
  }

  /** @throws Failure */
  async write({ summary, rows }: Manifest): Promise<void> {
    const path = this.#path(summary.digest);
    const draft = `${path}.${++this.#drafts}.draft`;
    await onDisk("write", path, async () => {
      try {
        await writeFile(draft, rows, { mode: 0o600 });
        await patiently(() => rename(draft, path));
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    });
  }

  /** Removes what is not wanted any more, and drafts that a killed process left. */
  async sweep(wanted: ReadonlySet<Digest>): Promise<void> {
    const kept: ReadonlySet<string> = wanted;
    for (const name of await readdir(this.#folder).catch(() => []))
      if (!kept.has(name)) await rm(join(this.#folder, name), { force: true }).catch(() => {});
  }

  #path(digest: Digest): string {
    return join(this.#folder, digest);
  }
}
