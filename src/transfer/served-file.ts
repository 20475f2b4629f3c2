/**
 * What the peer server needs of a file that it serves. Two make it: `shared-file.ts` (whole, from anywhere on this disk)
 * and `part-of-file.ts` (the pieces of a download that are there so far).
 */
import type { Bitfield } from "../base/bitfield.ts";
import type { Gid, PieceIndex } from "../base/ids.ts";
import type { FileShape } from "../base/manifest.ts";
import type { Slot } from "./disk/contract.ts";

export interface ServedFile {
  readonly gid: Gid;
  readonly shape: FileShape;
  /** What may be asked for now. Only to be read; it may grow, never shrink. */
  readonly have: Bitfield;
  /** The first channel opened, the last one closed: a descriptor need not be held between. */
  opened(): void;
  closed(): void;
  /**
   * Reads a piece of `have` into the slot, verified at least once in this session.
   * @returns false if the file no longer holds it; its owner has been told
   */
  load(piece: PieceIndex, slot: Slot): Promise<boolean>;
}
