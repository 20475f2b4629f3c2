/**
 * The requests in flight: one set, indexed by piece and by peer, that only this file changes.
 *
 * Invariants: a peer is asked for a piece at most once at a time; a piece is asked of at most ENDGAME_COPIES_MAX peers.
 * Time out is a matter of a peer's whole queue, not of one request: a server answers one after the other, so any byte
 * from it shows that the queue moves, and a request far behind in a long queue is not late. A peer that keeps one piece back while it
 * delivers others runs out of others to deliver.
 */
import { assert } from "../../base/assert.ts";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { ENDGAME_COPIES_MAX } from "../../base/limits.ts";

export interface PieceRequest {
  readonly peer: Fingerprint;
  readonly piece: PieceIndex;
  readonly sentMs: number;
  /** Of the piece, so far. */
  readonly receivedBytes: number;
}

/** What is left of a piece's requests: after "last-copy" nobody is asked for it any more. */
export type Removal = "unknown" | "last-copy" | "copy-left";

/** All requests for a piece that came are over: `losers` were asked too and are to be told. */
export interface Arrival {
  /** undefined: this peer was not asked, or not any more. */
  readonly request: PieceRequest | undefined;
  readonly losers: readonly Fingerprint[];
}

interface Entry extends PieceRequest {
  receivedBytes: number;
}

interface Queue {
  /** In the order of sending. */
  readonly entries: Map<PieceIndex, Entry>;
  /** When a byte came last, or the first of these requests went out. */
  heardMs: number;
}

export class RequestBook {
  readonly #byPiece = new Map<PieceIndex, Entry[]>();
  readonly #byPeer = new Map<Fingerprint, Queue>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  copies(piece: PieceIndex): number {
    return this.#byPiece.get(piece)?.length ?? 0;
  }

  inFlight(peer: Fingerprint): number {
    return this.#byPeer.get(peer)?.entries.size ?? 0;
  }

  /** The peer's requests, in the order of sending. */
  of(peer: Fingerprint): readonly PieceRequest[] {
    return [...(this.#byPeer.get(peer)?.entries.values() ?? [])];
  }

  /** Peers that are asked for something. */
  peers(): readonly Fingerprint[] {
    return [...this.#byPeer.keys()];
  }

  silentSinceMs(peer: Fingerprint): number | undefined {
    return this.#byPeer.get(peer)?.heardMs;
  }

  /** The caller sends the request. */
  add(peer: Fingerprint, piece: PieceIndex, now: number): void {
    const queue = this.#byPeer.get(peer) ?? { entries: new Map<PieceIndex, Entry>(), heardMs: now };
    assert(!queue.entries.has(piece), `piece ${piece} is asked of one peer twice`);
    const copies = this.#byPiece.get(piece) ?? [];
    assert(copies.length < ENDGAME_COPIES_MAX, `piece ${piece} is asked of too many peers`);
    const entry = { peer, piece, sentMs: now, receivedBytes: 0 };
    this.#byPeer.set(peer, queue);
    this.#byPiece.set(piece, copies);
    queue.entries.set(piece, entry);
    copies.push(entry);
    this.#size++;
  }

  has(peer: Fingerprint, piece: PieceIndex): boolean {
    return this.#byPeer.get(peer)?.entries.has(piece) ?? false;
  }

  /** Any byte from the peer, of whatever piece: its queue moves. */
  heard(peer: Fingerprint, now: number): void {
    const queue = this.#byPeer.get(peer);
    if (queue !== undefined) queue.heardMs = now;
  }

  /** @param bytes of the piece so far @returns how many of them are new; 0 if the peer is not asked for it */
  received(peer: Fingerprint, piece: PieceIndex, bytes: number): number {
    const entry = this.#byPeer.get(peer)?.entries.get(piece);
    if (entry === undefined) return 0;
    const fresh = Math.max(0, bytes - entry.receivedBytes);
    entry.receivedBytes += fresh;
    return fresh;
  }

  /** The piece is here whole and wanted: nobody is asked for it any more. */
  arrived(peer: Fingerprint, piece: PieceIndex): Arrival {
    const request = this.#byPeer.get(peer)?.entries.get(piece);
    const asked = (this.#byPiece.get(piece) ?? []).map((entry) => entry.peer);
    for (const one of asked) this.remove(one, piece);
    return { request, losers: asked.filter((one) => one !== peer) };
  }

  /** Whatever ends a request without its piece: refusal, time out, cancelling, a lost peer. */
  remove(peer: Fingerprint, piece: PieceIndex): Removal {
    const queue = this.#byPeer.get(peer);
    if (!queue?.entries.delete(piece)) return "unknown";
    if (queue.entries.size === 0) this.#byPeer.delete(peer);
    this.#size--;
    const left = (this.#byPiece.get(piece) ?? []).filter((entry) => entry.peer !== peer);
    if (left.length === 0) this.#byPiece.delete(piece);
    else this.#byPiece.set(piece, left);
    return left.length === 0 ? "last-copy" : "copy-left";
  }

  /** Peers silent for longer than they may be. The caller removes their requests and asks others. */
  expired(now: number, silenceMs: (peer: Fingerprint) => number): readonly Fingerprint[] {
    return this.peers().filter((peer) => now >= this.#deadlineMs(peer, silenceMs));
  }

  nextDeadlineMs(silenceMs: (peer: Fingerprint) => number): number | undefined {
    if (this.#byPeer.size === 0) return undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const peer of this.#byPeer.keys()) next = Math.min(next, this.#deadlineMs(peer, silenceMs));
    return next;
  }

  #deadlineMs(peer: Fingerprint, silenceMs: (peer: Fingerprint) => number): number {
    return (this.#byPeer.get(peer)?.heardMs ?? 0) + silenceMs(peer);
  }
}
