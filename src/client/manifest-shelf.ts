/** Manifests of files known by their summary, from the nearest place: kept here, else with the tracker. */
import type { FileSummary, Manifest } from "../base/manifest.ts";
import { type GroupRef, getPieceList, putPieceList } from "./blob-transfer.ts";
import type { PieceListCache } from "./piece-list-cache.ts";
import type { TrackerCalls } from "./tracker-link.ts";

export class ManifestShelf {
  readonly #lists: Pick<PieceListCache, "read" | "write">;
  readonly #calls: TrackerCalls;

  constructor(lists: Pick<PieceListCache, "read" | "write">, calls: TrackerCalls) {
    this.#lists = lists;
    this.#calls = calls;
  }

  /** @returns undefined unless it is kept on this machine */
  kept(file: FileSummary): Promise<Manifest | undefined> {
    return this.#lists.read(file);
  }

  /** Kept from then on. @throws Failure of the tracker, "corrupt", or of the disk */
  async get(group: GroupRef, file: FileSummary): Promise<Manifest> {
    const kept = await this.kept(file);
    if (kept !== undefined) return kept;
    const fetched = await getPieceList(this.#calls, group, file);
    await this.#lists.write(fetched);
    return fetched;
  }

  keep(manifest: Manifest): Promise<void> {
    return this.#lists.write(manifest);
  }

  /** Makes sure that the tracker holds it. @throws Failure */
  publish(group: GroupRef, manifest: Manifest): Promise<void> {
    return putPieceList(this.#calls, group, manifest);
  }
}
