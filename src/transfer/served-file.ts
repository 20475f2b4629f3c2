/**
 * What the peer server needs of what it serves. Three make it: `shared-file.ts` (whole, from anywhere on this disk),
 * `part-of-file.ts` (the pieces of a download that are there so far) and `served-bundle.ts` (many small ones of the first kind).
 */
import type { Bitfield } from "../base/bitfield.ts";
import type { Gid, PieceIndex } from "../base/ids.ts";
import type { FileShape, PieceTable } from "../base/manifest.ts";
import type { Slot } from "./disk/contract.ts";
import type { HashedSmall } from "./disk/worker-protocol.ts";

export interface Served {
  readonly gid: Gid;
  readonly table: PieceTable;
  /** What may be asked for now. Only to be read; it may grow, never shrink. */
  readonly have: Bitfield;
  /** The first channel opened, the last one closed: a descriptor need not be held between. */
  opened(): void;
  closed(): void;
  /**
   * Reads a piece of `have` into the slot, verified at least once in this session.
   * @returns false if it is no longer what was shared; a file's owner has been told
   */
  load(piece: PieceIndex, slot: Slot): Promise<boolean>;
}

export interface ServedFile extends Served {
  readonly table: FileShape;
  /** As one of many that are read together; undefined if it is not one piece at most, or not whole. */
  readonly small?: SmallShare | undefined;
}

/** A shared file of one piece at most. */
export interface SmallShare {
  readonly path: string;
  readonly bytes: number;
  /** @param read what lay there when it was read; undefined: no such file. @returns whether it is what is shared */
  isWhatWasRead(read: HashedSmall | undefined): boolean;
}
