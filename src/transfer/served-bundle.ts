/**
 * Many small files of this disk that a peer fetches as one bundle.
 *
 * Invariant: each file is looked for among those that are shared whenever a piece is read, so that what has ceased to be
 * shared is served no more; and what was read is held against what was shared. A piece of which one file is not there any
 * more is refused whole: the peer then asks for its files one by one, and whoever shares the one that changed is told.
 */
import { Bitfield } from "../base/bitfield.ts";
import type { FileId, Gid, PieceIndex } from "../base/ids.ts";
import { PIECE_BYTES } from "../base/limits.ts";
import { Bundle, bytesOf } from "./bundle.ts";
import type { Slot, SmallFileDisk } from "./disk/contract.ts";
import type { Served, SmallShare } from "./served-file.ts";

/** In place of a piece that is not all here: nobody may ask for it. */
const ABSENT = { bytes: PIECE_BYTES };

export class ServedBundle implements Served {
  readonly gid: Gid;
  readonly table: Bundle<{ readonly bytes: number }>;
  readonly have: Bitfield;
  readonly #pieces: readonly (readonly FileId[])[];
  readonly #find: (fileId: FileId) => SmallShare | undefined;
  readonly #disk: Pick<SmallFileDisk, "load">;

  constructor(
    gid: Gid,
    pieces: readonly (readonly FileId[])[],
    find: (fileId: FileId) => SmallShare | undefined,
    disk: Pick<SmallFileDisk, "load">,
  ) {
    this.gid = gid;
    this.#pieces = pieces;
    this.#find = find;
    this.#disk = disk;
    const found = pieces.map((fileIds) => this.#sharesOf(fileIds));
    this.table = new Bundle(found.map((shares) => shares ?? [ABSENT]));
    this.have = new Bitfield(pieces.length);
    for (const [piece, shares] of found.entries()) if (shares !== undefined) this.have.set(piece);
  }

  opened(): void {}

  closed(): void {}

  async load(piece: PieceIndex, slot: Slot): Promise<boolean> {
    const shares = this.#sharesOf(this.#pieces[piece] ?? []);
    if (shares === undefined) return false;
    const read = await this.#disk.load(slot, shares);
    return shares.every((share, at) => share.isWhatWasRead(read[at]));
  }

  /** @returns undefined if not all of them are shared here, or they are no piece */
  #sharesOf(fileIds: readonly FileId[]): readonly SmallShare[] | undefined {
    const shares: SmallShare[] = [];
    for (const fileId of fileIds) {
      const share = this.#find(fileId);
      if (share === undefined) return undefined;
      shares.push(share);
    }
    const bytes = bytesOf(shares);
    return bytes > 0 && bytes <= PIECE_BYTES ? shares : undefined;
  }
}
