/**
 * What a download machine has been told and has asked for, as seen from outside, and its promises held against that.
 *
 * Kept by a simulation beside each machine: every effect is shown to it, and `check` recomputes whatever the machine counts.
 * A broken promise is an assertion that names the piece.
 */
import { assert, defined } from "../base/assert.ts";
import type { Bitfield } from "../base/bitfield.ts";
import type { Fingerprint, PieceIndex } from "../base/ids.ts";
import { ENDGAME_COPIES_MAX } from "../base/limits.ts";
import type { DownloadMachine } from "../transfer/core/download.ts";
import type { Effect } from "../transfer/core/download-effect.ts";

export class SimDownload {
  /** Peers connected and what they said they hold; undefined: nothing said yet. */
  readonly told = new Map<Fingerprint, Bitfield | undefined>();
  readonly asked = new Map<PieceIndex, Set<Fingerprint>>();
  /** What a stored piece is: from whom, and whether it is right. */
  readonly storing = new Map<PieceIndex, { readonly from: Fingerprint; readonly isRight: boolean }>();
  readonly wrongFrom = new Set<string>();
  readonly requestOrder: PieceIndex[] = [];
  readonly #everAsked = new Set<PieceIndex>();
  readonly #everAskedOf = new Set<string>();
  doneMs: number | undefined;
  armedMs: number | undefined;
  inputs = 0;

  constructor(
    readonly machine: DownloadMachine,
    readonly pieces: number,
    readonly budget: number,
  ) {}

  sees(effect: Effect): void {
    if (effect.kind === "request") this.#request(effect.peer, effect.piece);
    if (effect.kind === "cancel") this.ended(effect.peer, effect.piece);
    if (effect.kind === "drop") this.lost(effect.peer);
    if (effect.kind === "announce")
      for (const piece of effect.pieces)
        assert(this.machine.have.has(piece), "only what is had is announced");
  }

  #request(peer: Fingerprint, piece: PieceIndex): void {
    assert(this.told.get(peer)?.has(piece), `piece ${piece} asked of one that does not hold it`);
    assert(!this.wrongFrom.has(`${peer} ${piece}`), `piece ${piece} asked again of one that sent it wrong`);
    const copies = this.asked.get(piece) ?? new Set();
    assert(!copies.has(peer), `piece ${piece} asked of one peer twice`);
    assert(copies.size < ENDGAME_COPIES_MAX, `more than ${ENDGAME_COPIES_MAX} copies of piece ${piece}`);
    if (copies.size > 0) this.#checkEndgame(peer);
    this.asked.set(piece, copies.add(peer));
    if (!this.#everAsked.has(piece)) this.requestOrder.push(piece);
    this.#everAsked.add(piece);
    this.#everAskedOf.add(`${peer} ${piece}`);
  }

  wasAsked(peer: Fingerprint, piece: PieceIndex): boolean {
    return this.#everAskedOf.has(`${peer} ${piece}`);
  }

  /** Effects are seen after the input: a piece that is missing now was missing when the copy was asked for. */
  #checkEndgame(peer: Fingerprint): void {
    for (const piece of defined(this.told.get(peer), "asked before its bitfield").indices()) {
      const isFree = this.machine.pieceState(piece as PieceIndex) === "missing";
      assert(!isFree || this.wrongFrom.has(`${peer} ${piece}`), `a second copy while ${piece} was missing`);
    }
  }

  ended(peer: Fingerprint, piece: PieceIndex): void {
    const copies = this.asked.get(piece);
    copies?.delete(peer);
    if (copies?.size === 0) this.asked.delete(piece);
  }

  lost(peer: Fingerprint): void {
    this.told.delete(peer);
    for (const piece of [...this.asked.keys()]) this.ended(peer, piece);
  }

  /** Recomputes whatever the machine counts. */
  check(): void {
    let inFlight = 0;
    for (let index = 0; index < this.pieces; index++) {
      const piece = index as PieceIndex;
      const copies = this.asked.get(piece)?.size ?? 0;
      inFlight += copies;
      const state = this.machine.pieceState(piece);
      assert((state === "requested") === copies > 0, `piece ${piece} is ${state} with ${copies} requests`);
      const isStored = state === "verifying" || state === "writing";
      assert(isStored === this.storing.has(piece), `piece ${piece} is ${state} and not what is stored`);
      assert(
        (state === "have") === this.machine.have.has(piece),
        `piece ${piece} is ${state} against its bit`,
      );
      let holders = 0;
      for (const bits of this.told.values()) if (bits?.has(piece)) holders++;
      const counted = this.machine.holdersOf(piece);
      assert(counted === holders, `piece ${piece} has ${holders} holders, counted ${counted}`);
    }
    assert(inFlight + this.storing.size <= this.budget, "more in flight than the budget");
  }
}
