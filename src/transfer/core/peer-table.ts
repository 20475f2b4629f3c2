/**
 * What this download has learned of each peer: how fast it delivers, how long it may be silent, how it behaved.
 *
 * Speed is that of the present connection; conduct (wrong pieces, verified bytes, a time that was out, being dropped)
 * outlives it, so that a peer gains nothing by coming back. What a peer holds is in `availability.ts`, what it was asked in `request-book.ts`.
 */
import { assert } from "../../base/assert.ts";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import {
  PIECE_BYTES,
  PIPELINE_PIECES_MAX,
  PIPELINE_PIECES_MIN,
  REFUSED_PIECES_MAX,
  REQUEST_MS_MAX,
  REQUEST_MS_MIN,
  TAKE_BACK_MS_MIN,
  WRONG_PIECES_MAX,
} from "../../base/limits.ts";
import type { DropReason, PeerRow } from "./download-effect.ts";

/** Half of a rate's weight is younger than 0.7 times this: it follows a change within seconds, not a single pause. */
const RATE_MEMORY_MS = 2_000;
/** Requests cover what a peer delivers in this time besides the round trip: its queue never runs dry between our turns. */
const PIPELINE_MS = 300;
/** A peer may be silent for this many times what a piece has taken so far. */
const SILENCE_PIECES = 4;
/** Before anything is known of its speed: it may have thirty others to serve first. */
const SILENCE_UNMEASURED_MS = REQUEST_MS_MAX / 2;

/** Pieces of one peer that may come after their time: a full pipeline, and the probes behind it. */
const LATE_PIECES_MAX = 2 * PIPELINE_PIECES_MAX;

/** Whether a fault is still borne. */
export type Verdict = "kept" | "too-many";

interface Conduct {
  verifiedBytes: number;
  dropped: DropReason | undefined;
  /** Its time was out, and no piece has come since. */
  isSilent: boolean;
  /** Came from it with a wrong hash: it is not asked for these again. */
  readonly wrong: Set<PieceIndex>;
}

interface Speed {
  /** Delivered bytes and the time of delivering them, both fading with age: their quotient is the rate. */
  bytes: number;
  ms: number;
  measuredToMs: number;
  roundTripMs: number | undefined;
  /** When a request went out to a peer that had nothing else to do: its first byte tells the round trip. */
  probedMs: number | undefined;
  /** Time outs since it last delivered a piece; those of earlier connections count as one. */
  timeouts: number;
  /** Asked for, given up for lateness, not come yet; the latest of them. */
  readonly late: Set<PieceIndex>;
  restsUntilMs: number;
  /** When a request was last taken back from it for something better. */
  tookBackMs: number;
  /** Offered, then refused: not asked for these until it offers them again. */
  readonly refused: Set<PieceIndex>;
  /** All refusals: offering a piece again does not undo one. */
  refusals: number;
}

export class PeerTable {
  readonly #conduct = new Map<Fingerprint, Conduct>();
  readonly #connected = new Map<Fingerprint, Speed>();

  join(peer: Fingerprint): void {
    assert(this.dropReason(peer) === undefined, "one that was dropped stays out");
    this.#connected.set(peer, {
      bytes: 0,
      ms: 0,
      measuredToMs: 0,
      roundTripMs: undefined,
      probedMs: undefined,
      timeouts: this.#conduct.get(peer)?.isSilent ? 1 : 0,
      late: new Set(),
      restsUntilMs: 0,
      tookBackMs: Number.NEGATIVE_INFINITY,
      refused: new Set(),
      refusals: 0,
    });
  }

  leave(peer: Fingerprint): void {
    this.#connected.delete(peer);
  }

  drop(peer: Fingerprint, reason: DropReason): void {
    this.#conductOf(peer).dropped ??= reason;
    this.leave(peer);
  }

  isConnected(peer: Fingerprint): boolean {
    return this.#connected.has(peer);
  }

  /** Why it is no longer asked for anything; undefined: it may be. */
  dropReason(peer: Fingerprint): DropReason | undefined {
    return this.#conduct.get(peer)?.dropped;
  }

  isSnubbed(peer: Fingerprint): boolean {
    return (this.#connected.get(peer)?.timeouts ?? 0) > 0;
  }

  /** In the order of joining. */
  connected(): readonly Fingerprint[] {
    return [...this.#connected.keys()];
  }

  /** Every peer of which there is something to show. */
  rows(): readonly Omit<PeerRow, "requestsInFlight" | "restsUntilMs">[] {
    const known = new Set([...this.#connected.keys(), ...this.#conduct.keys()]);
    return [...known].map((peer) => ({
      peer,
      state: this.#stateOf(peer),
      verifiedBytes: this.#conduct.get(peer)?.verifiedBytes ?? 0,
      wrongPieces: this.#conduct.get(peer)?.wrong.size ?? 0,
      rate: this.rate(peer) ?? 0,
    }));
  }

  #stateOf(peer: Fingerprint): PeerRow["state"] {
    if (this.dropReason(peer) !== undefined) return "dropped";
    if (!this.isConnected(peer)) return "gone";
    return this.isSnubbed(peer) ? "snubbed" : "connected";
  }

  // --- speed ---

  /** @param inFlight requests to the peer before this one; idle time is not held against its rate */
  requested(peer: Fingerprint, inFlight: number, now: number): void {
    const speed = this.#connected.get(peer);
    if (speed === undefined || inFlight > 0) return;
    speed.measuredToMs = now;
    speed.probedMs = now;
  }

  delivered(peer: Fingerprint, bytes: number, now: number): void {
    const speed = this.#connected.get(peer);
    if (speed === undefined || bytes === 0) return;
    if (speed.probedMs !== undefined) {
      const sample = now - speed.probedMs;
      speed.roundTripMs = speed.roundTripMs === undefined ? sample : (3 * speed.roundTripMs + sample) / 4;
      speed.probedMs = undefined;
    }
    const passedMs = Math.max(0, now - speed.measuredToMs);
    const fade = Math.exp(-passedMs / RATE_MEMORY_MS);
    speed.bytes = speed.bytes * fade + bytes;
    speed.ms = speed.ms * fade + passedMs;
    speed.measuredToMs = now;
  }

  /** A piece came whole: silence before it is forgiven. */
  deliveredPiece(peer: Fingerprint, piece: PieceIndex): void {
    const speed = this.#connected.get(peer);
    if (speed === undefined) return;
    speed.timeouts = 0;
    speed.late.delete(piece);
    this.#conductOf(peer).isSilent = false;
  }

  timedOut(peer: Fingerprint): void {
    const speed = this.#connected.get(peer);
    if (speed === undefined) return;
    speed.timeouts++;
    speed.probedMs = undefined;
    this.#conductOf(peer).isSilent = true;
  }

  /** It was asked for these and is not any more; should one of them come all the same, it is no stranger's. */
  gaveUp(peer: Fingerprint, pieces: readonly PieceIndex[]): void {
    const late = this.#connected.get(peer)?.late;
    if (late === undefined) return;
    if (late.size + pieces.length > LATE_PIECES_MAX) late.clear();
    for (const piece of pieces) late.add(piece);
  }

  isLate(peer: Fingerprint, piece: PieceIndex): boolean {
    return this.#connected.get(peer)?.late.has(piece) ?? false;
  }

  /** A server bears only so many cancels. */
  mayTakeBack(peer: Fingerprint, now: number): boolean {
    return now - (this.#connected.get(peer)?.tookBackMs ?? now) >= TAKE_BACK_MS_MIN;
  }

  tookBack(peer: Fingerprint, now: number): void {
    const speed = this.#connected.get(peer);
    if (speed !== undefined) speed.tookBackMs = now;
  }

  rest(peer: Fingerprint, untilMs: number): void {
    const speed = this.#connected.get(peer);
    if (speed !== undefined) speed.restsUntilMs = untilMs;
  }

  restsUntilMs(peer: Fingerprint): number {
    return this.#connected.get(peer)?.restsUntilMs ?? 0;
  }

  /** Bytes a second while it had something to deliver; undefined before it has delivered. */
  rate(peer: Fingerprint): number | undefined {
    const speed = this.#connected.get(peer);
    return speed === undefined || speed.ms === 0 ? undefined : (speed.bytes / speed.ms) * 1_000;
  }

  roundTripMs(peer: Fingerprint): number {
    return this.#connected.get(peer)?.roundTripMs ?? 0;
  }

  /** Requests that the peer should have at once: what it delivers in a round trip and a little more. */
  pipelinePieces(peer: Fingerprint): number {
    if (this.isSnubbed(peer)) return 1;
    const coveredMs = PIPELINE_MS + this.roundTripMs(peer);
    const pieces = Math.ceil(((this.rate(peer) ?? 0) * coveredMs) / 1_000 / PIECE_BYTES);
    return Math.min(PIPELINE_PIECES_MAX, Math.max(PIPELINE_PIECES_MIN, pieces));
  }

  /** How long the peer may be silent when asked: follows its own speed, and doubles each time that it was too short. */
  silenceMs(peer: Fingerprint): number {
    const rate = this.rate(peer);
    const pieceMs = rate === undefined ? undefined : (PIECE_BYTES / rate) * 1_000;
    const own =
      pieceMs === undefined ? SILENCE_UNMEASURED_MS : SILENCE_PIECES * (this.roundTripMs(peer) + pieceMs);
    const patience = 2 ** Math.min(this.#connected.get(peer)?.timeouts ?? 0, 10);
    return Math.min(REQUEST_MS_MAX, Math.max(REQUEST_MS_MIN, own) * patience);
  }

  // --- conduct ---

  credit(peer: Fingerprint, bytes: number): void {
    this.#conductOf(peer).verifiedBytes += bytes;
  }

  /** The piece from this peer had a wrong hash. */
  blame(peer: Fingerprint, piece: PieceIndex): Verdict {
    const { wrong } = this.#conductOf(peer);
    wrong.add(piece);
    return wrong.size >= WRONG_PIECES_MAX ? "too-many" : "kept";
  }

  refused(peer: Fingerprint, piece: PieceIndex): Verdict {
    const speed = this.#connected.get(peer);
    if (speed === undefined) return "kept";
    speed.refused.add(piece);
    speed.refusals++;
    return speed.refusals > REFUSED_PIECES_MAX ? "too-many" : "kept";
  }

  offered(peer: Fingerprint, piece: PieceIndex): void {
    this.#connected.get(peer)?.refused.delete(piece);
  }

  /** Whether the piece must not be asked of this peer, though it claims to hold it. */
  isUnfit(peer: Fingerprint, piece: PieceIndex): boolean {
    return (
      this.#conduct.get(peer)?.wrong.has(piece) === true ||
      this.#connected.get(peer)?.refused.has(piece) === true
    );
  }

  #conductOf(peer: Fingerprint): Conduct {
    const conduct = this.#conduct.get(peer) ?? {
      verifiedBytes: 0,
      dropped: undefined,
      isSilent: false,
      wrong: new Set(),
    };
    this.#conduct.set(peer, conduct);
    return conduct;
  }
}
