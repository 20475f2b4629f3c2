/**
 * Which missing piece to ask a peer for.
 *
 * 1. Rarest first, ties in this client's own order, shuffled within stretches of the file: clients that start together
 *    fetch different pieces and can then trade them, and the file closes from its beginning.
 * 2. Until one piece is here, any piece at random: the rarest is slow to come, and a client without a piece has nothing
 *    to give.
 * 3. While every connected peer is complete and no other downloader is known there is nobody to be different for; then
 *    pieces go in file order, and the whole-file SHA-1 follows the download instead of coming after it.
 *
 * Owns nothing: `piece-map.ts` knows what is missing, `availability.ts` what is rare.
 */
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import type { Prng } from "../../base/prng.ts";
import type { Availability } from "./availability.ts";
import type { PieceMap } from "./piece-map.ts";

export class PiecePolicy {
  readonly #map: PieceMap;
  readonly #availability: Availability;
  readonly #prng: Prng;
  #alone = false;

  constructor(map: PieceMap, availability: Availability, prng: Prng) {
    this.#map = map;
    this.#availability = availability;
    this.#prng = prng;
  }

  /** Whether no other downloader is known, connected or not. */
  setAlone(alone: boolean): void {
    this.#alone = alone;
  }

  /**
   * @param unfit pieces that must not come from this peer; few, for they are stepped over one by one
   * @returns a missing piece that the peer holds; undefined if it has none to give
   */
  pick(peer: Fingerprint, unfit: (piece: PieceIndex) => boolean): PieceIndex | undefined {
    if (this.#map.count("missing") === 0 || !this.#availability.knows(peer)) return undefined;
    if (this.#alone && this.#availability.incompletePeers === 0) return this.#firstInFile(unfit);
    if (this.#map.count("have") === 0) return this.#availability.anyFrom(peer, this.#prng.float(), unfit);
    return this.#availability.rarest(peer, unfit);
  }

  #firstInFile(unfit: (piece: PieceIndex) => boolean): PieceIndex | undefined {
    for (const piece of this.#map.missing()) if (!unfit(piece)) return piece;
    return undefined;
  }
}
