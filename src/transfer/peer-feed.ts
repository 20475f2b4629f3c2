/**
 * One source of one download: the channel to it, and the pieces that are just coming in over it.
 *
 * Owns the slots of half-received pieces: each is either handed on by `arrived`, or released here. A slot whose bytes
 * are being filled by a frame under way is never released before that frame ends, or the next owner's piece would be
 * overwritten; between frames only a piece that is asked for holds one, so that no peer can keep more than it is asked for.
 * It asks for what it is told and judges nothing but form: bytes out of order or beyond a piece end the link.
 */
import type { Bitfield } from "../base/bitfield.ts";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint, PieceIndex } from "../base/ids.ts";
import { CHANNEL_OPEN_MS_MAX } from "../base/limits.ts";
import type { PieceTable } from "../base/manifest.ts";
import { decodeBits, type PieceRange, type RejectReason } from "../wire/client-peer.ts";
import type { Slot, SlotPool } from "./disk/contract.ts";
import type { ChannelHandler, OpenedChannel, PeerLink } from "./peer-link.ts";

export interface FeedEvents {
  opened(feed: PeerFeed, bits: Bitfield): void;
  have(feed: PeerFeed, pieces: readonly PieceIndex[]): void;
  /** The source gives these to somebody else. */
  given(feed: PeerFeed, pieces: readonly PieceIndex[]): void;
  /** So many bytes of the piece are here. @returns false if it is not expected: its bytes need not be kept */
  received(feed: PeerFeed, piece: PieceIndex, bytes: number): boolean;
  /** The piece is here whole; the slot is now the receiver's. undefined: its bytes were thrown away. */
  arrived(feed: PeerFeed, piece: PieceIndex, slot: Slot | undefined): void;
  refused(feed: PeerFeed, piece: PieceIndex, reason: RejectReason): void;
  /** The source ended the channel, or the link is gone. */
  closed(feed: PeerFeed, failure: Failure): void;
}

interface Arrival {
  /** undefined: its bytes are thrown away. */
  readonly slot: Slot | undefined;
  bytes: number;
  /** A data frame is filling the slot right now. */
  inFrame: boolean;
}

export interface PeerFeedDependencies {
  readonly table: PieceTable;
  readonly slots: SlotPool;
  readonly clock: Clock;
}

export class PeerFeed implements ChannelHandler {
  readonly peer: Fingerprint;
  readonly #table: PieceTable;
  readonly #slots: SlotPool;
  readonly #events: FeedEvents;
  readonly #channel: OpenedChannel;
  readonly #asked = new Set<PieceIndex>();
  readonly #arrivals = new Map<PieceIndex, Arrival>();
  readonly #cancelDeadline: () => void;
  #isOpen = false;

  constructor(
    link: PeerLink,
    { table, slots, clock, open }: PeerFeedDependencies & { open: (to: ChannelHandler) => OpenedChannel },
    events: FeedEvents,
  ) {
    this.peer = link.peer;
    this.#table = table;
    this.#slots = slots;
    this.#events = events;
    this.#channel = open(this);
    // Or a peer that accepts everything and says nothing would keep a place among the sources for ever.
    this.#cancelDeadline = clock.after(CHANNEL_OPEN_MS_MAX, () => {
      this.leave();
      events.closed(this, new Failure("timeout", "it did not answer when it was asked for the file"));
    });
  }

  request(piece: PieceIndex): void {
    this.#asked.add(piece);
    this.#channel.request(this.#wholePiece(piece));
  }

  /** Takes a request back. A frame of it that is under way still ends in its slot. */
  cancel(piece: PieceIndex): void {
    this.#asked.delete(piece);
    this.#channel.cancel(this.#wholePiece(piece));
    if (!this.#arrivals.get(piece)?.inFrame) this.#giveUp(piece);
  }

  renew(grant: string): void {
    this.#channel.renew(grant);
  }

  /** Ends the channel from this side; no event follows. */
  leave(): void {
    this.#cancelDeadline();
    this.#channel.leave();
    this.#giveUpAll();
  }

  opened(bits: Uint8Array | undefined): void {
    if (this.#isOpen) throw new Failure("protocol", "the peer opened a channel twice");
    this.#isOpen = true;
    this.#cancelDeadline();
    const decoded = decodeBits(this.#table.pieces, bits);
    if (decoded instanceof Failure) throw decoded;
    this.#events.opened(this, decoded);
  }

  have(pieces: readonly number[]): void {
    this.#events.have(
      this,
      pieces.map((piece) => this.#index(piece)),
    );
  }

  given(pieces: readonly number[]): void {
    this.#events.given(
      this,
      pieces.map((piece) => this.#index(piece)),
    );
  }

  dataBegins(number: number, begin: number, length: number): Uint8Array | undefined {
    const piece = this.#index(number);
    const arrival = this.#arrivals.get(piece) ?? (begin === 0 ? this.#begin(piece) : undefined);
    const isInOrder = arrival === undefined || begin === arrival.bytes;
    if (!isInOrder || begin + length > this.#table.pieceLength(piece))
      throw new Failure("protocol", "the peer sent bytes of a piece out of order or beyond its end");
    // The rest of what was given up after its beginning: the peer may not have known.
    if (arrival === undefined) return undefined;
    arrival.inFrame = true;
    return arrival.slot?.bytes.subarray(begin, begin + length);
  }

  dataGrows(number: number, bytes: number): void {
    const piece = number as PieceIndex;
    const arrival = this.#arrivals.get(piece);
    if (arrival === undefined) return;
    arrival.bytes += bytes;
    this.#events.received(this, piece, arrival.bytes);
  }

  dataEnds(number: number, begin: number, length: number): void {
    const piece = number as PieceIndex;
    // Also of what is thrown away: the line is free again.
    if (begin + length === this.#table.pieceLength(piece)) this.#channel.arrived(piece);
    const arrival = this.#arrivals.get(piece);
    if (arrival === undefined) return;
    arrival.inFrame = false;
    arrival.bytes = begin + length;
    if (arrival.bytes < this.#table.pieceLength(piece)) {
      if (!this.#asked.has(piece)) this.#giveUp(piece);
      return;
    }
    this.#asked.delete(piece);
    this.#arrivals.delete(piece);
    this.#events.arrived(this, piece, arrival.slot);
  }

  rejected(range: PieceRange, reason: RejectReason): void {
    const piece = this.#index(range.piece);
    this.#asked.delete(piece);
    this.#giveUp(piece);
    this.#events.refused(this, piece, reason);
  }

  closed(failure: Failure): void {
    this.#cancelDeadline();
    this.#giveUpAll();
    this.#events.closed(this, failure);
  }

  #begin(piece: PieceIndex): Arrival {
    const expected = this.#events.received(this, piece, 0);
    const arrival = { slot: expected ? this.#slots.acquire() : undefined, bytes: 0, inFrame: false };
    this.#arrivals.set(piece, arrival);
    return arrival;
  }

  #index(number: number): PieceIndex {
    const piece = this.#table.pieceIndex(number);
    if (piece === undefined)
      throw new Failure("protocol", `the peer spoke of piece ${number}, which is not there`);
    return piece;
  }

  #wholePiece(piece: PieceIndex): PieceRange {
    return { piece, begin: 0, length: this.#table.pieceLength(piece) };
  }

  #giveUp(piece: PieceIndex): void {
    const slot = this.#arrivals.get(piece)?.slot;
    this.#arrivals.delete(piece);
    if (slot !== undefined) this.#slots.release(slot);
  }

  /** Only after the channel is forgotten by the link, which then writes to no slot any more. */
  #giveUpAll(): void {
    for (const piece of [...this.#arrivals.keys()]) this.#giveUp(piece);
  }
}
