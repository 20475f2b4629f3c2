/**
 * The way of each piece through a download: wanted, asked for, received, stored.
 *
 * Joins the three places that know of it, and is the only one that changes two of them in one step. Invariants: a piece is
 * wanted in `availability` exactly while it is missing; it has a request in flight exactly while it is requested; it has a
 * sender exactly while it is verified or written. Every way in which a request can end without its piece is `release`.
 */
import { defined } from "../../base/assert.ts";
import type { Bitfield } from "../../base/bitfield.ts";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import type { Prng } from "../../base/prng.ts";
import { Availability } from "./availability.ts";
import { PieceMap } from "./piece-map.ts";
import { type Arrival, RequestBook } from "./request-book.ts";

export class PieceFlow {
  /** These three are read by others; their pieces and requests change here only. */
  readonly map: PieceMap;
  readonly availability: Availability;
  readonly book = new RequestBook();
  /** Who sent a piece that is being verified or written. */
  readonly #senders = new Map<PieceIndex, Fingerprint>();

  constructor(pieces: number, have: Bitfield, prng: Prng) {
    this.map = new PieceMap(pieces, have);
    this.availability = new Availability(pieces, prng);
    for (const piece of this.map.missing()) this.availability.want(piece);
  }

  /** Requests in flight and pieces being stored: each has, or will have, a buffer. */
  get busy(): number {
    return this.book.size + this.#senders.size;
  }

  /** Received, and not yet on disk. */
  get storing(): number {
    return this.#senders.size;
  }

  /** The first request for a missing piece, or one more for a piece that another peer is asked for. */
  request(peer: Fingerprint, piece: PieceIndex, now: number): void {
    if (this.map.state(piece) === "missing") this.#setRequested(piece);
    this.book.add(peer, piece, now);
  }

  /** @returns false if there was no such request */
  release(peer: Fingerprint, piece: PieceIndex): boolean {
    const removal = this.book.remove(peer, piece);
    if (removal === "last-copy") this.#setMissing(piece);
    return removal !== "unknown";
  }

  /** The piece came and is to be verified; the losers are to be told. It may come from one not asked any more. */
  arrived(peer: Fingerprint, piece: PieceIndex): Arrival {
    if (this.map.state(piece) === "missing") this.#setRequested(piece);
    this.map.move(piece, "verifying");
    this.#senders.set(piece, peer);
    return this.book.arrived(peer, piece);
  }

  verified(piece: PieceIndex): void {
    this.map.move(piece, "writing");
  }

  /** @returns who sent it */
  written(piece: PieceIndex): Fingerprint {
    this.map.move(piece, "have");
    return this.#takeSender(piece);
  }

  /** It was wrong, or the disk did not take it. @returns who sent it */
  failed(piece: PieceIndex): Fingerprint {
    this.#setMissing(piece);
    return this.#takeSender(piece);
  }

  #setRequested(piece: PieceIndex): void {
    this.map.move(piece, "requested");
    this.availability.unwant(piece);
  }

  #setMissing(piece: PieceIndex): void {
    this.map.move(piece, "missing");
    this.availability.want(piece);
  }

  #takeSender(piece: PieceIndex): Fingerprint {
    const sender = defined(this.#senders.get(piece), "a piece that is stored came from somebody");
    this.#senders.delete(piece);
    return sender;
  }
}
