/** Reads the pieces that a journal claims and keeps those that are right. A few at once, so that transfers go on beside it. */
import { Bitfield } from "../../base/bitfield.ts";
import { type Failure, toFailure } from "../../base/failure.ts";
import { VERIFY_PIECES_AT_ONCE_MAX } from "../../base/limits.ts";
import type { Manifest } from "../../base/manifest.ts";
import type { HashProgressSink, PieceWorkers, Slot, SlotPool } from "./contract.ts";

/**
 * @param progress bytes looked at so far
 * @returns the claimed pieces whose hashes are right
 * @throws Failure if the disk cannot be read, or on abort; no job uses the descriptor then
 */
export async function verifyClaims(
  { workers, file, manifest }: { workers: PieceWorkers; file: number; manifest: Manifest },
  claimed: Bitfield,
  progress: HashProgressSink,
  signal: AbortSignal,
): Promise<Bitfield> {
  const verified = new Bitfield(manifest.pieces);
  const queue = claimed.indices();
  let doneBytes = 0;
  let failure: Failure | undefined;

  const lane = async (): Promise<void> => {
    for (const index of queue) {
      const piece = manifest.pieceIndex(index);
      if (piece === undefined || failure !== undefined) return;
      const slot = await takeSlot(workers.slots, signal);
      try {
        if (await workers.load(file, manifest, piece, slot, true)) verified.set(piece);
      } finally {
        workers.slots.release(slot);
      }
      doneBytes += manifest.pieceLength(piece);
      progress(doneBytes);
    }
  };
  const lanes = Array.from({ length: VERIFY_PIECES_AT_ONCE_MAX }, () =>
    lane().catch((error: unknown) => {
      failure ??= toFailure(error);
    }),
  );
  await Promise.all(lanes);
  if (failure !== undefined) throw failure;
  return verified;
}

/** @throws the signal's reason as a Failure */
async function takeSlot(slots: SlotPool, signal: AbortSignal): Promise<Slot> {
  for (;;) {
    if (signal.aborted) throw toFailure(signal.reason, "try-later");
    const slot = slots.acquire();
    if (slot !== undefined) return slot;
    await new Promise<void>((resolve) => {
      const withdraw = slots.whenFree(() => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      });
      const giveUp = () => {
        withdraw();
        resolve();
      };
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }
}
