/**
 * What a tracker is told of one machine's shares, and what is asked of it about them.
 *
 * Remembers nothing but what is on its way: each change gets a request id of its own here, its counter comes from who keeps
 * the shares. A share whose piece list the tracker lacks is told again with it.
 */
import { isFailure } from "../base/failure.ts";
import type { FileAttributes } from "../base/file-attributes.ts";
import type { FileName, Gid, GroupName, ListingId, RequestId } from "../base/ids.ts";
import { BLOB_PART_BYTES, BLOB_TRIES_MAX, PIECE_BYTES } from "../base/limits.ts";
import type { FileSummary, Manifest } from "../base/manifest.ts";
import type { OwnShare, Result } from "../wire/client-tracker.ts";
import type { GroupRef } from "./blob-transfer.ts";
import type { ManifestShelf } from "./manifest-shelf.ts";
import { allPages } from "./pages.ts";
import { ShareBatches } from "./share-batches.ts";
import type { TrackerCalls } from "./tracker-link.ts";

export interface ShareCallsDependencies {
  readonly calls: TrackerCalls;
  readonly manifests: Pick<ManifestShelf, "publish">;
  readonly newRequestId: () => RequestId;
}

/** `with others`: small files that come together go in one call, and are remembered in one step. */
export type Pace = "at once" | "with others";

export interface ToldShare {
  readonly of: GroupRef;
  readonly name: FileName;
  readonly file: FileSummary;
  /** Another for each try: a tracker takes no change under one that it has heard. */
  readonly nextCounter: () => number;
  readonly attributes?: FileAttributes | undefined;
  readonly pace: Pace;
}

/** Which listing it is, and what that is called. */
export type Told = Result<"share"> & { readonly counter: number };

export class ShareCalls {
  readonly #calls: TrackerCalls;
  readonly #manifests: ShareCallsDependencies["manifests"];
  readonly #newRequestId: () => RequestId;
  readonly #batches: ShareBatches;

  constructor({ calls, manifests, newRequestId }: ShareCallsDependencies) {
    this.#calls = calls;
    this.#manifests = manifests;
    this.#newRequestId = newRequestId;
    this.#batches = new ShareBatches(calls);
  }

  /** All that the tracker knows of this machine. @throws Failure */
  ownShares(): Promise<OwnShare[]> {
    return allPages((page) => this.#calls.call("own_shares", page));
  }

  /** @returns undefined if the group has no file of that name. @throws Failure */
  async find(group: GroupName, name: FileName): Promise<FileSummary | undefined> {
    try {
      return (await this.#calls.call("find_file", { group, name })).result.file;
    } catch (error) {
      if (isFailure(error) && error.code === "unknown-file") return undefined;
      throw error;
    }
  }

  /** @param pieceList undefined: the tracker has it. @throws Failure */
  async share(
    { of, name, file, nextCounter, attributes, pace }: ToldShare,
    pieceList?: Uint8Array,
  ): Promise<Told> {
    const counter = nextCounter();
    const described = attributes === undefined ? {} : { attributes };
    const share = { id: this.#newRequestId(), name, file, counter, ...described };
    const isInBatch = pace === "with others" && file.size <= PIECE_BYTES;
    const result = isInBatch
      ? await this.#batches.share(of, share, pieceList)
      : (await this.#calls.call("share", { ...of, ...share }, pieceList)).result;
    return { ...result, counter };
  }

  /** Another tracker may answer between the two, which has not got the list. @throws Failure */
  async publishAndShare(share: ToldShare, manifest: Manifest): Promise<Told> {
    const fits = manifest.rows.length <= BLOB_PART_BYTES;
    for (let tries = 1; ; tries++) {
      // An older tracker takes no list with a share, and says so.
      if (!fits || tries > 1) await this.#manifests.publish(share.of, manifest);
      try {
        return await this.share(share, fits ? manifest.rows : undefined);
      } catch (error) {
        const isLacking = isFailure(error) && error.code === "no-piece-list";
        if (!isLacking || tries === BLOB_TRIES_MAX) throw error;
      }
    }
  }

  /** Succeeds also where nothing is left to stop. @throws Failure */
  async stop(of: GroupRef, listingId: ListingId, counter: number): Promise<void> {
    const id = this.#newRequestId();
    try {
      await this.#calls.call("stop_share", { id, ...of, listingId, counter });
    } catch (error) {
      if (!isFailure(error) || !ENDED_ALREADY.has(error.code)) throw error;
    }
  }
}

/** What a tracker answers when there is nothing left to stop. */
const ENDED_ALREADY: ReadonlySet<string> = new Set([
  "not-shared",
  "unknown-group",
  "not-member",
  "unknown-file",
]);

/** By its id once that is known. */
export function refOf({ group, gid }: { readonly group: GroupName; readonly gid?: Gid }): GroupRef {
  return gid === undefined ? { group } : { group, gid };
}
