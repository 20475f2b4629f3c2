/**
 * Small files of which this machine serves the content already: copied from there, verified, and no peer is asked.
 *
 * It reads as for a peer (`served-bundle`), so that only what is still shared and still what it was is copied. A piece of
 * which one file cannot be had so is left out: nothing of it is written.
 */
import type { FileId, Gid } from "../base/ids.ts";
import { cutIntoPieces } from "./bundle.ts";
import type { DownloadOrder } from "./contract.ts";
import type { Slot, SlotPool, SmallFileDisk, SmallFilesOnDisk } from "./disk/contract.ts";
import { ServedBundle } from "./served-bundle.ts";
import type { SmallShare } from "./served-file.ts";

interface WantedCopy {
  readonly order: DownloadOrder;
  readonly bytes: number;
  readonly isWanted: boolean;
}

export interface LocalCopyDependencies {
  readonly slots: SlotPool;
  readonly smallFiles: Pick<SmallFileDisk, "load">;
  /** What this machine serves of the content to the group. */
  readonly here: (gid: Gid, fileId: FileId) => SmallShare | undefined;
}

/** @param files of one group, none of them empty; one content may be several of them */
export async function copyFromHere(
  { slots, smallFiles, here }: LocalCopyDependencies,
  gid: Gid,
  files: readonly WantedCopy[],
  disk: Pick<SmallFilesOnDisk, "write">,
): Promise<void> {
  for (const piece of cutIntoPieces(files)) {
    const wanted = piece.filter(({ isWanted }) => isWanted);
    const slot = await acquire(slots);
    try {
      if (await isRead(wanted, slot))
        await disk.write(
          slot,
          wanted.map(({ order }) => order),
        );
    } finally {
      slots.release(slot);
    }
  }

  async function isRead(wanted: readonly WantedCopy[], slot: Slot): Promise<boolean> {
    const fileIds = wanted.map(({ order }) => order.manifest.summary.fileId);
    const served = new ServedBundle(gid, [fileIds], (fileId) => here(gid, fileId), smallFiles);
    const whole = served.table.pieceIndex(0);
    return whole !== undefined && served.have.has(whole) && (await served.load(whole, slot));
  }
}

async function acquire(slots: SlotPool): Promise<Slot> {
  for (;;) {
    const slot = slots.acquire();
    if (slot !== undefined) return slot;
    await new Promise<void>((resolve) => slots.whenFree(resolve));
  }
}
