/**
 * Which of the requests that wait at this server is answered next.
 *
 * 1. A piece that was sent less often goes first: what one seeder sends once, the downloaders can pass on; what it sends
 *    twice is time lost for all. Among equals a peer's requests go in the order of their arrival.
 * 2. No peer gets more than a few pieces ahead of another that waits too.
 * 3. So many turns at once in all, and so many unsent bytes for each peer: a slow reader holds no buffers of the others.
 *
 * Owns the waiting requests, the turns under way and the counts of pieces sent, which are kept for a file as long as
 * somebody has a channel for it. It reads and sends nothing. A turn costs a look at each waiting peer and, where all that a
 * peer asks for was sent before, at each of its requests.
 */
import { assert } from "../../base/assert.ts";
import type { FileId, Fingerprint, PieceIndex } from "../../base/ids.ts";
import { REQUESTS_QUEUED_PER_CHANNEL_MAX } from "../../base/limits.ts";
import { SendCounts } from "./send-counts.ts";

/** Pieces that a peer may be served more than another one that waits. */
const LEAD_MAX = 4;

/** One file asked for over one connection. Known by identity: the shell's own channel object may be it. */
export interface UploadChannel {
  readonly peer: Fingerprint;
  readonly fileId: FileId;
}

export interface UploadRequest {
  readonly piece: PieceIndex;
  readonly bytes: number;
}

export interface UploadTurn<Channel extends UploadChannel> {
  readonly channel: Channel;
  readonly request: UploadRequest;
}

interface PeerQueue<Channel extends UploadChannel> {
  /** Of all the peer's channels, in the order of arrival. */
  waiting: UploadTurn<Channel>[];
  /** Bytes of turns under way. */
  unsentBytes: number;
  /** Turns, counted as if it had always been waiting: one that comes back has no claim to the time it was away. */
  served: number;
}

/** One for the whole server, over all its files and connections. */
export class UploadSlots<Channel extends UploadChannel> {
  readonly #uploadsMax: number;
  readonly #unsentBytesPerPeerMax: number;
  readonly #peers = new Map<Fingerprint, PeerQueue<Channel>>();
  readonly #underWay = new Set<UploadTurn<Channel>>();
  readonly #sent = new SendCounts();
  /** Requests waiting on each channel; a channel is here from its first request until it is closed. */
  readonly #waitingOf = new Map<Channel, number>();

  constructor(options: { readonly uploadsMax: number; readonly unsentBytesPerPeerMax: number }) {
    this.#uploadsMax = options.uploadsMax;
    this.#unsentBytesPerPeerMax = options.unsentBytesPerPeerMax;
  }

  get waiting(): number {
    let waiting = 0;
    for (const count of this.#waitingOf.values()) waiting += count;
    return waiting;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  /** @returns "refused" if the channel has too many waiting, or asks for a piece that already waits */
  ask(channel: Channel, request: UploadRequest): "queued" | "refused" {
    const waiting = this.#waitingOf.get(channel);
    if ((waiting ?? 0) >= REQUESTS_QUEUED_PER_CHANNEL_MAX) return "refused";
    const peer = this.#peers.get(channel.peer) ?? { waiting: [], unsentBytes: 0, served: 0 };
    if (peer.waiting.some(isOf(channel, request.piece))) return "refused";
    if (waiting === undefined) this.#sent.open(channel.fileId);
    if (peer.waiting.length === 0) peer.served = Math.max(peer.served, this.#leastServed());
    this.#peers.set(channel.peer, peer);
    peer.waiting.push({ channel, request });
    this.#waitingOf.set(channel, (waiting ?? 0) + 1);
    return "queued";
  }

  /** @returns false if it is not waiting: unknown, or already being sent */
  cancel(channel: Channel, piece: PieceIndex): boolean {
    const peer = this.#peers.get(channel.peer);
    const turn = peer?.waiting.find(isOf(channel, piece));
    if (peer === undefined || turn === undefined) return false;
    this.#take(peer, turn);
    this.#forgetIdle(channel.peer, peer);
    return true;
  }

  /** Takes the next request to read and send; it holds its place until `finished`. Call until undefined, after each input. */
  next(): UploadTurn<Channel> | undefined {
    if (this.#underWay.size >= this.#uploadsMax) return undefined;
    const best = this.#best();
    if (best === undefined) return undefined;
    const { peer, turn } = best;
    this.#take(peer, turn);
    peer.served++;
    peer.unsentBytes += turn.request.bytes;
    this.#underWay.add(turn);
    this.#sent.change(turn.channel.fileId, turn.request.piece, 1);
    return turn;
  }

  /** The piece has left this process, or could not be read. Once for each turn, also when its channel is closed. */
  finished(turn: UploadTurn<Channel>, outcome: "sent" | "failed"): void {
    assert(this.#underWay.delete(turn), "a turn ends once");
    const { channel, request } = turn;
    if (outcome === "failed") this.#sent.change(channel.fileId, request.piece, -1);
    const peer = this.#peers.get(channel.peer);
    assert(peer !== undefined, "a peer with a turn under way is known");
    peer.unsentBytes -= request.bytes;
    this.#forgetIdle(channel.peer, peer);
  }

  /** Forgets what waits; turns under way still end with `finished`. */
  channelClosed(channel: Channel): void {
    if (!this.#waitingOf.delete(channel)) return;
    this.#sent.close(channel.fileId);
    const peer = this.#peers.get(channel.peer);
    if (peer === undefined) return;
    peer.waiting = peer.waiting.filter((turn) => turn.channel !== channel);
    this.#forgetIdle(channel.peer, peer);
  }

  /** The least sent of the best of each peer; among equals the peer that was served least. */
  #best(): { peer: PeerQueue<Channel>; turn: UploadTurn<Channel> } | undefined {
    const served = this.#leastServed();
    let best: { peer: PeerQueue<Channel>; turn: UploadTurn<Channel>; sent: number } | undefined;
    for (const peer of this.#peers.values()) {
      if (!this.#mayBeServed(peer) || peer.served >= served + LEAD_MAX) continue;
      const { turn, sent } = this.#bestOf(peer);
      const isBetter =
        best === undefined || sent < best.sent || (sent === best.sent && peer.served < best.peer.served);
      if (turn !== undefined && isBetter) best = { peer, turn, sent };
    }
    return best;
  }

  #bestOf(peer: PeerQueue<Channel>): { turn: UploadTurn<Channel> | undefined; sent: number } {
    let best: UploadTurn<Channel> | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const turn of peer.waiting) {
      const sent = this.#sent.of(turn.channel.fileId, turn.request.piece);
      if (sent >= least) continue;
      best = turn;
      least = sent;
      if (least === 0) break;
    }
    return { turn: best, sent: least };
  }

  /** Something waits, and its reader keeps up; the first piece always goes, however small the bound. */
  #mayBeServed({ waiting, unsentBytes }: PeerQueue<Channel>): boolean {
    const [first] = waiting;
    if (first === undefined) return false;
    return unsentBytes === 0 || unsentBytes + first.request.bytes <= this.#unsentBytesPerPeerMax;
  }

  #leastServed(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const peer of this.#peers.values())
      if (this.#mayBeServed(peer)) least = Math.min(least, peer.served);
    return Number.isFinite(least) ? least : 0;
  }

  #take(peer: PeerQueue<Channel>, turn: UploadTurn<Channel>): void {
    peer.waiting.splice(peer.waiting.indexOf(turn), 1);
    this.#waitingOf.set(turn.channel, (this.#waitingOf.get(turn.channel) ?? 0) - 1);
  }

  #forgetIdle(name: Fingerprint, peer: PeerQueue<Channel>): void {
    if (peer.waiting.length === 0 && peer.unsentBytes === 0) this.#peers.delete(name);
  }
}

function isOf(channel: UploadChannel, piece: PieceIndex) {
  return (turn: UploadTurn<UploadChannel>) => turn.channel === channel && turn.request.piece === piece;
}
