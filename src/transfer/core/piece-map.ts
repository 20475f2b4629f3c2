/**
 * Where each piece of a download stands: missing, requested, verifying, writing or have, and exactly one of them.
 *
 * Owns the states, their counts, the bits of `have` and the place where the first missing piece is looked for, and
 * changes them together. A step that the life of a piece does not contain is a bug and asserts. It knows no peers: who
 * was asked is in `request-book.ts`.
 */
import { assert } from "../../base/assert.ts";
import { Bitfield } from "../../base/bitfield.ts";
import type { PieceIndex } from "../../base/ids.ts";

export const PIECE_STATES = ["missing", "requested", "verifying", "writing", "have"] as const;
export type PieceState = (typeof PIECE_STATES)[number];

/** The life of a piece. Whatever goes wrong on the way leads back to missing; `have` is for ever. */
const STEPS: Readonly<Record<PieceState, readonly PieceState[]>> = {
  missing: ["requested"],
  requested: ["verifying", "missing"],
  verifying: ["writing", "missing"],
  writing: ["have", "missing"],
  have: [],
};

export class PieceMap {
  readonly length: number;
  /** Index into PIECE_STATES: a byte a piece. */
  readonly #states: Uint8Array;
  readonly #counts: Record<PieceState, number>;
  readonly #have: Bitfield;
  /** No piece below it is missing. */
  #firstMissingAtLeast = 0;

  /** @param have pieces on disk already, verified; copied */
  constructor(pieces: number, have: Bitfield) {
    assert(have.length === pieces, `${have.length} bits for ${pieces} pieces`);
    this.length = pieces;
    this.#states = new Uint8Array(pieces);
    this.#have = new Bitfield(pieces);
    for (const piece of have.indices()) {
      this.#states[piece] = PIECE_STATES.indexOf("have");
      this.#have.set(piece);
    }
    this.#counts = { missing: pieces - have.count, requested: 0, verifying: 0, writing: 0, have: have.count };
  }

  state(piece: PieceIndex): PieceState {
    const state = PIECE_STATES[this.#states[piece] ?? -1];
    assert(state !== undefined, `piece ${piece} of ${this.length}`);
    return state;
  }

  count(state: PieceState): number {
    return this.#counts[state];
  }

  /** Only to be read; changes in place. */
  get have(): Bitfield {
    return this.#have;
  }

  move(piece: PieceIndex, to: PieceState): void {
    const from = this.state(piece);
    assert(STEPS[from].includes(to), `piece ${piece} cannot go from ${from} to ${to}`);
    this.#states[piece] = PIECE_STATES.indexOf(to);
    this.#counts[from]--;
    this.#counts[to]++;
    if (to === "have") this.#have.set(piece);
    if (to === "missing") this.#firstMissingAtLeast = Math.min(this.#firstMissingAtLeast, piece);
  }

  /**
   * The missing pieces in file order. The search goes on from where the last one ended, so over a whole download the
   * first of them costs one pass, plus the way back from each piece that became missing again.
   */
  *missing(): Generator<PieceIndex> {
    const missing = PIECE_STATES.indexOf("missing");
    let at = this.#states.indexOf(missing, this.#firstMissingAtLeast);
    this.#firstMissingAtLeast = at === -1 ? this.length : at;
    for (; at !== -1; at = this.#states.indexOf(missing, at + 1)) yield at as PieceIndex;
  }
}
