/**
 * Who holds which piece, how rare each piece is among the connected peers, and which wanted piece is the rarest.
 *
 * Pieces are kept at *positions* of an order shuffled by this client's own seed, so that the first position of a bucket
 * is a fair tie-break that differs from client to client. It is shuffled stretch by stretch of the file: a crowd moves
 * through a large file together, and the whole-file SHA-1, which needs the unbroken beginning, follows. A bucket is the set of wanted pieces with one number of
 * holders. Invariants, recomputed in the test: `#held` counts the partial peers that hold a piece; a wanted piece is in the
 * bucket of its count and in no other; below a cursor no position is both in the cursor's bucket and held by its peer.
 *
 * Costs. A peer that comes with every piece is only counted: it makes no piece rarer than another. A partial peer costs one
 * step for each piece that it holds, when it comes and when it goes; a `have` costs one for each peer. Finding the rarest
 * goes on at the peer's cursor in each bucket, 32 positions a step; a cursor goes back only to a position put in before it.
 */
import { assert, defined } from "../../base/assert.ts";
import type { Bitfield } from "../../base/bitfield.ts";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { SHUFFLED_PIECES } from "../../base/limits.ts";
import type { Prng } from "../../base/prng.ts";
import { PositionSet } from "./position-set.ts";

/** Pieces with this many partial holders or more are equally common: there are rarely more peers than that. */
const BUCKETS = 32;

/** What a peer holds and up to where its search of each bucket has come. */
interface Holder {
  /** By position; undefined: every piece, since it came. */
  readonly holds: PositionSet | undefined;
  /** What it gives, or gave, to somebody, by position: one more holder, now or soon. undefined: nothing. */
  given: PositionSet | undefined;
  readonly cursors: Uint32Array;
}

export class Availability {
  readonly #pieces: number;
  readonly #pieceAt: Uint32Array;
  readonly #positionOf: Uint32Array;
  /** Partial peers that hold the piece at a position. */
  readonly #held: Uint16Array;
  readonly #wanted: PositionSet;
  /** Made when first needed. */
  readonly #buckets: (PositionSet | undefined)[] = [];
  readonly #holders = new Map<Fingerprint, Holder>();
  /** Peers that came complete share their cursors: they hold the same. */
  readonly #seedCursors = new Uint32Array(BUCKETS);
  #complete = 0;

  constructor(pieces: number, prng: Prng) {
    this.#pieces = pieces;
    this.#pieceAt = new Uint32Array(pieces);
    for (let piece = 0; piece < pieces; piece++) this.#pieceAt[piece] = piece;
    for (let from = 0; from < pieces; from += SHUFFLED_PIECES)
      prng.shuffle(this.#pieceAt.subarray(from, from + SHUFFLED_PIECES));
    this.#positionOf = new Uint32Array(pieces);
    for (let at = 0; at < pieces; at++) this.#positionOf[this.#pieceAt[at] ?? 0] = at;
    this.#held = new Uint16Array(pieces);
    this.#wanted = new PositionSet(pieces);
  }

  /** Peers known to hold less than everything. */
  get incompletePeers(): number {
    return this.#holders.size - this.#complete;
  }

  knows(peer: Fingerprint): boolean {
    return this.#holders.has(peer);
  }

  holds(peer: Fingerprint, piece: PieceIndex): boolean {
    const holder = this.#holders.get(peer);
    return holder !== undefined && (holder.holds?.has(this.#position(piece)) ?? true);
  }

  /** Connected peers that hold the piece. */
  holdersOf(piece: PieceIndex): number {
    let holders = 0;
    for (const peer of this.#holders.keys()) if (this.holds(peer, piece)) holders++;
    return holders;
  }

  join(peer: Fingerprint, bits: Bitfield): void {
    assert(!this.#holders.has(peer), "a peer joins once");
    assert(bits.length === this.#pieces, `${bits.length} bits for ${this.#pieces} pieces`);
    if (bits.isFull) {
      this.#complete++;
      this.#holders.set(peer, { holds: undefined, given: undefined, cursors: this.#seedCursors });
      return;
    }
    const holds = new PositionSet(this.#pieces);
    this.#holders.set(peer, { holds, given: undefined, cursors: new Uint32Array(BUCKETS) });
    for (const piece of bits.indices()) {
      const at = this.#positionOf[piece] ?? 0;
      holds.add(at);
      this.#recount(at, 1);
    }
    this.#rewindAll();
  }

  /** @returns false if it was known to hold the piece */
  have(peer: Fingerprint, piece: PieceIndex): boolean {
    const holder = defined(this.#holders.get(peer), "a peer joins before it has more");
    const at = this.#position(piece);
    if (holder.holds === undefined || !holder.holds.add(at)) return false;
    if (holder.holds.size === this.#pieces) this.#complete++;
    this.#recount(at, 1);
    if (this.#wanted.has(at)) this.#rewindTo(at);
    return true;
  }

  /** The peer has begun to give the piece to somebody. @returns false if it was known to have given it, or does not hold it */
  given(peer: Fingerprint, piece: PieceIndex): boolean {
    const holder = defined(this.#holders.get(peer), "a peer joins before it gives");
    const at = this.#position(piece);
    if (holder.holds?.has(at) === false) return false;
    holder.given ??= new PositionSet(this.#pieces);
    if (!holder.given.add(at)) return false;
    this.#recount(at, 1);
    if (this.#wanted.has(at)) this.#rewindTo(at);
    return true;
  }

  /** How common the piece is among the connected peers: partial holders, and givings that make one more. */
  rarity(piece: PieceIndex): number {
    return this.#held[this.#position(piece)] ?? 0;
  }

  /** Harmless for one that did not join. */
  leave(peer: Fingerprint): void {
    const holder = this.#holders.get(peer);
    if (holder === undefined) return;
    this.#holders.delete(peer);
    const { holds, given } = holder;
    if (holds === undefined || holds.size === this.#pieces) this.#complete--;
    this.#uncount(holds);
    this.#uncount(given);
    if (holds !== undefined || given !== undefined) this.#rewindAll();
  }

  /** The piece may be picked from now on. */
  want(piece: PieceIndex): void {
    const at = this.#position(piece);
    if (!this.#wanted.add(at)) return;
    this.#bucketAt(at).add(at);
    this.#rewindTo(at);
  }

  unwant(piece: PieceIndex): void {
    const at = this.#position(piece);
    if (this.#wanted.delete(at)) this.#bucketAt(at).delete(at);
  }

  /** The rarest wanted piece that the peer holds and `unfit` does not refuse; ties in this client's shuffled order. */
  rarest(peer: Fingerprint, unfit: (piece: PieceIndex) => boolean): PieceIndex | undefined {
    const holder = this.#holders.get(peer);
    if (holder === undefined) return undefined;
    for (const [number, bucket] of this.#buckets.entries()) {
      if (bucket === undefined || bucket.size === 0) continue;
      let at = bucket.firstFrom(holder.cursors[number] ?? 0, holder.holds);
      holder.cursors[number] = at ?? this.#pieces;
      // The cursor stays at an unfit one: it is unfit for this peer only, and seeds share their cursors.
      while (at !== undefined && unfit(this.#piece(at))) at = bucket.firstFrom(at + 1, holder.holds);
      if (at !== undefined) return this.#piece(at);
    }
    return undefined;
  }

  /** Some wanted piece that the peer holds, searched from `start` (0 to 1 of the order) around. */
  anyFrom(peer: Fingerprint, start: number, unfit: (piece: PieceIndex) => boolean): PieceIndex | undefined {
    const holder = this.#holders.get(peer);
    if (holder === undefined) return undefined;
    const middle = Math.floor(start * this.#pieces);
    let at = this.#wanted.firstFrom(middle, holder.holds);
    while (at !== undefined && unfit(this.#piece(at))) at = this.#wanted.firstFrom(at + 1, holder.holds);
    if (at === undefined) return middle === 0 ? undefined : this.anyFrom(peer, 0, unfit);
    return this.#piece(at);
  }

  #position(piece: PieceIndex): number {
    return defined(this.#positionOf[piece], `piece ${piece} is beyond the file`);
  }

  #piece(at: number): PieceIndex {
    return defined(this.#pieceAt[at], "a position is within the file") as PieceIndex;
  }

  #bucketAt(at: number): PositionSet {
    const number = Math.min(this.#held[at] ?? 0, BUCKETS - 1);
    this.#buckets[number] ??= new PositionSet(this.#pieces);
    return this.#buckets[number];
  }

  /** The caller rewinds the cursors. */
  #recount(at: number, change: 1 | -1): void {
    const isWanted = this.#wanted.has(at);
    if (isWanted) this.#bucketAt(at).delete(at);
    this.#held[at] = (this.#held[at] ?? 0) + change;
    if (isWanted) this.#bucketAt(at).add(at);
  }

  #uncount(positions: PositionSet | undefined): void {
    if (positions === undefined) return;
    for (
      let at = positions.firstFrom(0, undefined);
      at !== undefined;
      at = positions.firstFrom(at + 1, undefined)
    )
      this.#recount(at, -1);
  }

  /** Something was put into the bucket of this position. */
  #rewindTo(at: number): void {
    const number = Math.min(this.#held[at] ?? 0, BUCKETS - 1);
    rewind(this.#seedCursors, number, at);
    for (const { holds, cursors } of this.#holders.values()) if (holds?.has(at)) rewind(cursors, number, at);
  }

  #rewindAll(): void {
    this.#seedCursors.fill(0);
    for (const { cursors } of this.#holders.values()) cursors.fill(0);
  }
}

function rewind(cursors: Uint32Array, number: number, at: number): void {
  if ((cursors[number] ?? 0) > at) cursors[number] = at;
}
