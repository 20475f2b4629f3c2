/**
 * The pieces of a download that are there so far, for others to fetch.
 *
 * What came in this run was verified before it was written; what an earlier run left is verified when it is first read.
 */
import { Bitfield } from "../base/bitfield.ts";
import type { Gid, PieceIndex } from "../base/ids.ts";
import type { FileShape } from "../base/manifest.ts";
import type { Slot } from "./disk/contract.ts";
import type { ServedFile } from "./served-file.ts";

export class PartOfFile implements ServedFile {
  readonly gid: Gid;
  readonly table: FileShape;
  readonly have: Bitfield;
  /** Left by an earlier run and not read since. */
  readonly #unverified: Bitfield;
  readonly #load: (piece: PieceIndex, slot: Slot, verify: boolean) => Promise<boolean>;

  /** @param have what earlier runs left; grows in place */
  constructor(
    gid: Gid,
    table: FileShape,
    have: Bitfield,
    load: (piece: PieceIndex, slot: Slot, verify: boolean) => Promise<boolean>,
  ) {
    this.gid = gid;
    this.table = table;
    this.have = have;
    this.#unverified = new Bitfield(have.length);
    for (const piece of have.indices()) this.#unverified.set(piece);
    this.#load = load;
  }

  opened(): void {}

  closed(): void {}

  async load(piece: PieceIndex, slot: Slot): Promise<boolean> {
    const verify = this.#unverified.has(piece);
    const loaded = await this.#load(piece, slot, verify);
    if (loaded && verify) this.#unverified.clear(piece);
    return loaded;
  }
}
