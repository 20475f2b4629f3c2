/**
 * The download of one file as a machine: what happens comes in, what to do next comes out. No clock, no I/O.
 *
 * Joins the pieces (`piece-flow.ts`), what is known of the peers (`peer-table.ts`) and whom to ask (`request-planner.ts`).
 * It asks for nothing while it is paused or the disk is full, and never for more than its budget. A time out takes the same
 * way as a refusal: the request is released and its piece asked of whoever can give it.
 *
 * An input costs its effects, a step for each peer, and while some peer is idle one for each request in flight; never one
 * for each piece, except when a peer with part of the file comes or goes (see `availability.ts`).
 */
import { Bitfield } from "../../base/bitfield.ts";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { BUSY_REST_MS, REQUEST_MS_MIN } from "../../base/limits.ts";
import { Prng } from "../../base/prng.ts";
import type { DownloadSnapshot, DropReason, Effect, RequestRefusal } from "./download-effect.ts";
import { PeerTable } from "./peer-table.ts";
import { PieceFlow } from "./piece-flow.ts";
import type { PieceState } from "./piece-map.ts";
import { PiecePolicy } from "./piece-policy.ts";
import { RequestPlanner } from "./request-planner.ts";

export interface DownloadOptions {
  readonly pieces: number;
  /** Bytes of a piece. */
  readonly pieceLength: (piece: PieceIndex) => number;
  /** What is on disk already, verified. Copied. */
  readonly have: Bitfield;
  /** Any 32-bit integer, different on each client. */
  readonly seed: number;
  /** Pieces that may be in flight or in buffers at once; see `setBudget`. */
  readonly budget: number;
}

/** Why nothing is requested. */
type Halt = "paused" | "disk";

/**
 * `now` is always monotonic milliseconds. Every input returns what to do next, in order. What is said of a peer that is
 * not joined, or was dropped, is harmless. A machine that begins with every piece says `done` at its first input.
 */
export class DownloadMachine {
  readonly #length: (piece: PieceIndex) => number;
  readonly #flow: PieceFlow;
  readonly #peers = new PeerTable();
  readonly #policy: PiecePolicy;
  readonly #planner: RequestPlanner;
  readonly #halts = new Set<Halt>();
  #budget: number;
  #haveBytes = 0;
  #wastedBytes = 0;
  #saidDone = false;
  /** Of the input under way. */
  #effects: Effect[] = [];

  constructor({ pieces, pieceLength, have, seed, budget }: DownloadOptions) {
    const prng = new Prng(seed);
    this.#length = pieceLength;
    this.#budget = budget;
    this.#flow = new PieceFlow(pieces, have, prng);
    this.#policy = new PiecePolicy(this.#flow.map, this.#flow.availability, prng);
    this.#planner = new RequestPlanner(this.#flow, this.#peers, this.#policy, pieceLength);
    for (const piece of have.indices()) this.#haveBytes += pieceLength(piece as PieceIndex);
  }

  /** What is on disk and may be served; grows in place with `written`. Only to be read. */
  get have(): Bitfield {
    return this.#flow.map.have;
  }

  get isDone(): boolean {
    return this.have.isFull;
  }

  pieceState(piece: PieceIndex): PieceState {
    return this.#flow.map.state(piece);
  }

  /** Connected peers that hold the piece. */
  holdersOf(piece: PieceIndex): number {
    return this.#flow.availability.holdersOf(piece);
  }

  // --- peers ---

  /** A channel to this peer is open. Nothing is requested before its bitfield. */
  peerJoined(peer: Fingerprint, now: number): readonly Effect[] {
    const dropped = this.#peers.dropReason(peer);
    if (dropped !== undefined) this.#effects.push({ kind: "drop", peer, reason: dropped });
    else if (!this.#peers.isConnected(peer)) this.#peers.join(peer);
    return this.#settle(now);
  }

  /** Once per joining, of `pieces` bits; copied as far as needed. */
  peerBitfield(peer: Fingerprint, bits: Bitfield, now: number): readonly Effect[] {
    const { availability } = this.#flow;
    if (availability.knows(peer)) this.#drop(peer, "protocol");
    else if (this.#peers.isConnected(peer)) availability.join(peer, bits);
    return this.#settle(now);
  }

  /** A peer may begin with `have`: then it held nothing before. */
  peerHave(peer: Fingerprint, pieces: readonly PieceIndex[], now: number): readonly Effect[] {
    if (!this.#peers.isConnected(peer)) return this.#settle(now);
    const { availability, map } = this.#flow;
    if (!availability.knows(peer)) availability.join(peer, new Bitfield(map.length));
    for (const piece of pieces) {
      availability.have(peer, piece);
      this.#peers.offered(peer, piece);
    }
    return this.#settle(now);
  }

  /** The peer gives these pieces to somebody else: what it has given to nobody is of more use to all. */
  peerGiven(peer: Fingerprint, pieces: readonly PieceIndex[], now: number): readonly Effect[] {
    const { availability } = this.#flow;
    if (!availability.knows(peer)) return this.#settle(now);
    const fresh = pieces.filter((piece) => availability.given(peer, piece));
    if (this.#mayRequest())
      for (const piece of fresh) this.#effects.push(...this.#planner.exchange(peer, piece, now));
    return this.#settle(now);
  }

  peerLost(peer: Fingerprint, now: number): readonly Effect[] {
    this.#forget(peer);
    return this.#settle(now);
  }

  // --- answers to requests ---

  /** `bytes` of this piece so far. @returns false if it is not expected: its bytes need not be kept */
  received(peer: Fingerprint, piece: PieceIndex, bytes: number, now: number): boolean {
    if (bytes > 0) this.#flow.book.heard(peer, now);
    this.#peers.delivered(peer, this.#flow.book.received(peer, piece, bytes), now);
    return this.#isExpected(peer, piece);
  }

  /** The piece is here whole; call it for an unexpected one too. @returns first of all `store` or `discard` */
  pieceReceived(peer: Fingerprint, piece: PieceIndex, now: number): readonly Effect[] {
    const bytes = this.#length(piece);
    const isExpected = this.#isExpected(peer, piece);
    const arrival = isExpected ? this.#flow.arrived(peer, piece) : undefined;
    this.#flow.book.heard(peer, now);
    this.#peers.delivered(peer, bytes - (arrival?.request?.receivedBytes ?? 0), now);
    this.#peers.deliveredPiece(peer, piece);
    this.#effects.push({ kind: isExpected ? "store" : "discard", peer, piece });
    if (!isExpected) this.#wastedBytes += bytes;
    for (const loser of arrival?.losers ?? []) this.#effects.push({ kind: "cancel", peer: loser, piece });
    return this.#settle(now);
  }

  requestRefused(peer: Fingerprint, piece: PieceIndex, why: RequestRefusal, now: number): readonly Effect[] {
    if (!this.#flow.release(peer, piece)) return this.#settle(now);
    if (why === "busy") this.#peers.rest(peer, now + BUSY_REST_MS);
    else if (this.#peers.refused(peer, piece) === "too-many") this.#drop(peer, "refuses");
    return this.#settle(now);
  }

  // --- what became of a stored piece ---

  verified(piece: PieceIndex): void {
    this.#flow.verified(piece);
  }

  /** Its sender is to blame, and never asked for it again. */
  rejected(piece: PieceIndex, now: number): readonly Effect[] {
    const sender = this.#flow.failed(piece);
    this.#wastedBytes += this.#length(piece);
    if (this.#peers.blame(sender, piece) === "too-many") this.#drop(sender, "wrong-pieces");
    return this.#settle(now);
  }

  written(piece: PieceIndex, now: number): readonly Effect[] {
    const bytes = this.#length(piece);
    this.#haveBytes += bytes;
    this.#peers.credit(this.#flow.written(piece), bytes);
    this.#effects.push({ kind: "announce", pieces: [piece] });
    return this.#settle(now);
  }

  /** The disk did not take it: nothing is requested until `diskReady`. */
  storeFailed(piece: PieceIndex, now: number): readonly Effect[] {
    this.#flow.failed(piece);
    this.#halt("disk");
    return this.#settle(now);
  }

  // --- whether and how much may be requested ---

  diskReady(now: number): readonly Effect[] {
    this.#halts.delete("disk");
    return this.#settle(now);
  }

  /** Cancels what is in flight; what is being stored goes on. */
  pause(now: number): readonly Effect[] {
    this.#halt("paused");
    return this.#settle(now);
  }

  resume(now: number): readonly Effect[] {
    this.#halts.delete("paused");
    return this.#settle(now);
  }

  /** How many pieces may be in flight, being verified or being written at once (each takes a buffer at some time). */
  setBudget(pieces: number, now: number): readonly Effect[] {
    this.#budget = pieces;
    return this.#settle(now);
  }

  /** With a limit nothing is asked for but what `allow` lets. */
  setLimited(limited: boolean, now: number): readonly Effect[] {
    this.#planner.allow(limited ? 0 : Number.POSITIVE_INFINITY);
    return this.#settle(now);
  }

  /** Requests for so many bytes, or one more, may go out now; what is not used is forfeited. Only under a limit. */
  allow(bytes: number, now: number): readonly Effect[] {
    this.#planner.allow(bytes);
    const effects = this.#settle(now);
    this.#planner.allow(0);
    return effects;
  }

  /** Whether something would be asked for if there were no limit. */
  get isHeldBack(): boolean {
    return this.#mayRequest() && this.#planner.isHeldBack;
  }

  /** Whether no other downloader is known: then, with complete peers only, pieces go in file order. At first false. */
  setAlone(alone: boolean): void {
    this.#policy.setAlone(alone);
  }

  // --- time ---

  tick(now: number): readonly Effect[] {
    for (const peer of this.#flow.book.expired(now, (one) => this.#silenceMs(one))) {
      const late = this.#flow.book.of(peer).map((request) => request.piece);
      this.#peers.timedOut(peer);
      this.#peers.gaveUp(peer, late);
      this.#cancelAll(peer);
    }
    return this.#settle(now);
  }

  /** When `tick` is due, on the same clock as `now`; undefined: nothing to wait for. May change with every input. */
  nextTimeoutMs(now: number): number | undefined {
    if (!this.#mayRequest()) return undefined;
    const deadlineMs = this.#flow.book.nextDeadlineMs((peer) => this.#silenceMs(peer));
    const lookMs = this.#planner.nextLookMs(now);
    if (deadlineMs === undefined || lookMs === undefined) return deadlineMs ?? lookMs;
    return Math.min(deadlineMs, lookMs);
  }

  snapshot(): DownloadSnapshot {
    const { map, book, storing } = this.#flow;
    return {
      pieces: map.length,
      havePieces: map.count("have"),
      haveBytes: this.#haveBytes,
      wastedBytes: this.#wastedBytes,
      storing,
      budget: this.#budget,
      peers: this.#peers.rows().map((row) => ({
        ...row,
        requestsInFlight: book.inFlight(row.peer),
        restsUntilMs: this.#peers.restsUntilMs(row.peer),
      })),
    };
  }

  // --- ends of requests, and of inputs ---

  #cancelAll(peer: Fingerprint): void {
    for (const { piece } of this.#flow.book.of(peer)) {
      this.#flow.release(peer, piece);
      this.#effects.push({ kind: "cancel", peer, piece });
    }
  }

  #forget(peer: Fingerprint): void {
    for (const { piece, receivedBytes } of this.#flow.book.of(peer)) {
      this.#wastedBytes += receivedBytes;
      this.#flow.release(peer, piece);
    }
    this.#flow.availability.leave(peer);
    this.#peers.leave(peer);
  }

  #drop(peer: Fingerprint, reason: DropReason): void {
    this.#forget(peer);
    this.#peers.drop(peer, reason);
    this.#effects.push({ kind: "drop", peer, reason });
  }

  /** Then nothing is in flight and nothing can time out. */
  #halt(why: Halt): void {
    this.#halts.add(why);
    for (const peer of this.#flow.book.peers()) this.#cancelAll(peer);
  }

  /** Patience is for when there is nothing better to do with the budget. */
  #silenceMs(peer: Fingerprint): number {
    return this.#planner.isShort ? REQUEST_MS_MIN : this.#peers.silenceMs(peer);
  }

  /** Asked for; or asked for in vain until time was out, still of use, and with room for it. */
  #isExpected(peer: Fingerprint, piece: PieceIndex): boolean {
    if (this.#flow.book.has(peer, piece)) return true;
    if (!this.#peers.isLate(peer, piece) || !this.#mayRequest()) return false;
    const state = this.#flow.map.state(piece);
    return state === "requested" || (state === "missing" && this.#flow.busy < this.#budget);
  }

  #mayRequest(): boolean {
    return this.#halts.size === 0 && !this.isDone;
  }

  /** The end of every input: asks for whatever may now be asked for, and hands out the effects. */
  #settle(now: number): readonly Effect[] {
    if (this.#mayRequest()) this.#effects.push(...this.#planner.plan(this.#budget, now));
    if (this.isDone && !this.#saidDone) {
      this.#saidDone = true;
      this.#effects.push({ kind: "done" });
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
