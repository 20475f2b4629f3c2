/**
 * Which of the requests that wait at this server is answered next.
 *
 * 1. A piece that was sent less often goes first: what one seeder sends once, the downloaders can pass on; what it sends
 *    twice is time lost for all. Among equals a peer's requests go in the order of their arrival.
 * 2. No peer gets more than a few pieces ahead of another that waits too.
 * 3. So many turns at once in all, and so many unsent bytes for each peer: a slow reader holds no buffers of the others.
 * 4. So many turns on the line, from their beginning to the word that the piece has arrived: see `upload-window.ts`. One that
 *    takes much longer than the others counts no more, nor do the next ones of its channel until one is in time again.
 *
 * Owns the waiting requests, the turns under way and on the line, and the counts of pieces sent, which are kept for a file as
 * long as somebody has a channel for it. It reads and sends nothing. A turn costs a look at each waiting peer and, where all that a
 * peer asks for was sent before, at each of its requests.
 */
import { assert } from "../../base/assert.ts";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { REQUESTS_QUEUED_PER_CHANNEL_MAX } from "../../base/limits.ts";
import { SendCounts } from "./send-counts.ts";
import { UploadWindow } from "./upload-window.ts";

/** Pieces that a peer may be served more than another one that waits. */
const LEAD_MAX = 4;

/** One thing asked for over one connection. Known by identity: the shell's own channel object may be it. */
export interface UploadChannel {
  readonly peer: Fingerprint;
  /** The same for all who fetch the same. */
  readonly content: string;
}

export interface UploadRequest {
  readonly piece: PieceIndex;
  readonly bytes: number;
}

export interface UploadTurn<Channel extends UploadChannel> {
  readonly channel: Channel;
  readonly request: UploadRequest;
  /** Nobody was given the piece before. */
  readonly isFirst: boolean;
}

interface Waiting<Channel extends UploadChannel> {
  readonly channel: Channel;
  readonly request: UploadRequest;
}

/** A turn from its beginning until the piece has arrived, or is late. */
interface OnLine<Channel extends UploadChannel> {
  readonly turn: UploadTurn<Channel>;
  readonly beganMs: number;
  readonly isCounted: boolean;
}

interface PeerQueue<Channel extends UploadChannel> {
  /** Of all the peer's channels, in the order of arrival. */
  waiting: Waiting<Channel>[];
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
  readonly #window = new UploadWindow();
  /** In the order of their beginning. */
  readonly #onLine = new Set<OnLine<Channel>>();
  #counted = 0;
  /** Channels of which the last turn was late. */
  readonly #late = new Set<Channel>();
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
    if (waiting === undefined) this.#sent.open(channel.content);
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
  next(now: number): UploadTurn<Channel> | undefined {
    this.#forgetLate(now);
    if (this.#underWay.size >= this.#uploadsMax || this.#counted >= this.#window.turns) return undefined;
    const best = this.#best();
    if (best === undefined) return undefined;
    const { peer, turn: waiting } = best;
    const { channel, request } = waiting;
    this.#take(peer, waiting);
    peer.served++;
    peer.unsentBytes += request.bytes;
    const turn = { channel, request, isFirst: this.#sent.of(channel.content, request.piece) === 0 };
    this.#underWay.add(turn);
    this.#sent.change(channel.content, request.piece, 1);
    this.#putOnLine(turn, now);
    return turn;
  }

  /** When `next` may have more to say though nothing has happened; undefined: only when something has. */
  nextLookMs(): number | undefined {
    if (this.#counted < this.#window.turns) return undefined;
    const [oldest] = this.#onLine;
    return oldest === undefined ? undefined : oldest.beganMs + this.#window.lateMs;
  }

  /** The other end has the piece. @returns false if it was not on its way */
  arrived(channel: Channel, piece: PieceIndex, now: number): boolean {
    this.#forgetLate(now);
    const one = this.#find(channel, piece);
    if (one === undefined) return false;
    this.#window.arrived(one.turn.request.bytes, now - one.beganMs, now);
    this.#takeOffLine(one);
    this.#late.delete(channel);
    return true;
  }

  /** The piece has left this process, or could not be read. Once for each turn, also when its channel is closed. */
  finished(turn: UploadTurn<Channel>, outcome: "sent" | "failed"): void {
    assert(this.#underWay.delete(turn), "a turn ends once");
    const { channel, request } = turn;
    if (outcome === "failed") {
      this.#sent.change(channel.content, request.piece, -1);
      for (const one of this.#onLine) if (one.turn === turn) this.#takeOffLine(one);
    }
    const peer = this.#peers.get(channel.peer);
    assert(peer !== undefined, "a peer with a turn under way is known");
    peer.unsentBytes -= request.bytes;
    this.#forgetIdle(channel.peer, peer);
  }

  /** Forgets what waits; turns under way still end with `finished`. */
  channelClosed(channel: Channel): void {
    if (!this.#waitingOf.delete(channel)) return;
    this.#sent.close(channel.content);
    this.#late.delete(channel);
    for (const one of this.#onLine) if (one.turn.channel === channel) this.#takeOffLine(one);
    const peer = this.#peers.get(channel.peer);
    if (peer === undefined) return;
    peer.waiting = peer.waiting.filter((turn) => turn.channel !== channel);
    this.#forgetIdle(channel.peer, peer);
  }

  #putOnLine(turn: UploadTurn<Channel>, now: number): void {
    if (this.#onLine.size === 0) this.#window.filled(now);
    const isCounted = !this.#late.has(turn.channel);
    this.#onLine.add({ turn, beganMs: now, isCounted });
    if (isCounted) this.#counted++;
  }

  #takeOffLine(one: OnLine<Channel>): void {
    if (this.#onLine.delete(one) && one.isCounted) this.#counted--;
  }

  /** The one that began first, should there be two. */
  #find(channel: Channel, piece: PieceIndex): OnLine<Channel> | undefined {
    for (const one of this.#onLine)
      if (one.turn.channel === channel && one.turn.request.piece === piece) return one;
    return undefined;
  }

  #forgetLate(now: number): void {
    const { lateMs } = this.#window;
    for (const one of this.#onLine) {
      if (now < one.beganMs + lateMs) return;
      this.#takeOffLine(one);
      this.#late.add(one.turn.channel);
    }
  }

  /** The least sent of the best of each peer; among equals the peer that was served least. */
  #best(): { peer: PeerQueue<Channel>; turn: Waiting<Channel> } | undefined {
    const served = this.#leastServed();
    let best: { peer: PeerQueue<Channel>; turn: Waiting<Channel>; sent: number } | undefined;
    for (const peer of this.#peers.values()) {
      if (!this.#mayBeServed(peer) || peer.served >= served + LEAD_MAX) continue;
      const { turn, sent } = this.#bestOf(peer);
      const isBetter =
        best === undefined || sent < best.sent || (sent === best.sent && peer.served < best.peer.served);
      if (turn !== undefined && isBetter) best = { peer, turn, sent };
    }
    return best;
  }

  #bestOf(peer: PeerQueue<Channel>): { turn: Waiting<Channel> | undefined; sent: number } {
    let best: Waiting<Channel> | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const turn of peer.waiting) {
      const sent = this.#sent.of(turn.channel.content, turn.request.piece);
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

  #take(peer: PeerQueue<Channel>, turn: Waiting<Channel>): void {
    peer.waiting.splice(peer.waiting.indexOf(turn), 1);
    this.#waitingOf.set(turn.channel, (this.#waitingOf.get(turn.channel) ?? 0) - 1);
  }

  #forgetIdle(name: Fingerprint, peer: PeerQueue<Channel>): void {
    if (peer.waiting.length === 0 && peer.unsentBytes === 0) this.#peers.delete(name);
  }
}

function isOf(channel: UploadChannel, piece: PieceIndex) {
  return (turn: Waiting<UploadChannel>) => turn.channel === channel && turn.request.piece === piece;
}
