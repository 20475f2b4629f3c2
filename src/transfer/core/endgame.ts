/**
 * Which piece in flight an idle peer should fetch too, because it would be here much sooner from it.
 *
 * A peer is idle when no missing piece is left that it could give. The estimates are rough, so a piece is asked for again
 * only if that makes the wait much shorter. Pure; owns nothing.
 */
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { PIECE_BYTES } from "../../base/limits.ts";
import type { PeerTable } from "./peer-table.ts";
import type { RequestBook } from "./request-book.ts";

/** How many times shorter the wait must become. */
const GAIN = 2;
/** What an idle peer is trusted with before it has shown its speed. */
const UNMEASURED_BYTES_PER_SECOND = PIECE_BYTES;

/** A piece in flight, and how long it will still take. */
export interface Straggler {
  readonly piece: PieceIndex;
  /** Of the copy that comes first. */
  readonly expectedMs: number;
  /** Who is asked for the copy that comes last. */
  readonly slowest: Fingerprint;
  /** Nothing of it has come yet: it waits there. */
  readonly isWaiting: boolean;
}

type PieceLength = (piece: PieceIndex) => number;

/** All pieces in flight, the slowest to come first. */
export function stragglers(
  book: RequestBook,
  peers: PeerTable,
  length: PieceLength,
  now: number,
): Straggler[] {
  const found = new Map<PieceIndex, Straggler & { slowestMs: number }>();
  for (const peer of book.peers()) {
    const silentMs = now - (book.silentSinceMs(peer) ?? now);
    let aheadBytes = 0;
    for (const { piece, receivedBytes } of book.of(peer)) {
      aheadBytes += length(piece) - receivedBytes;
      const expectedMs = expectedOf(peers, peer, aheadBytes, silentMs);
      const other = found.get(piece);
      found.set(piece, {
        piece,
        expectedMs: Math.min(expectedMs, other?.expectedMs ?? expectedMs),
        slowest: other !== undefined && other.slowestMs > expectedMs ? other.slowest : peer,
        slowestMs: Math.max(expectedMs, other?.slowestMs ?? expectedMs),
        isWaiting: receivedBytes === 0 && (other?.isWaiting ?? true),
      });
    }
  }
  return [...found.values()].sort((left, right) => descending(left.expectedMs, right.expectedMs));
}

/** Also for two infinite values, whose difference is no number. */
function descending(left: number, right: number): number {
  return left === right ? 0 : left < right ? 1 : -1;
}

/** Of a peer that never delivered only its silence is known: it lasts about as long again. */
function expectedOf(peers: PeerTable, peer: Fingerprint, aheadBytes: number, silentMs: number): number {
  if (peers.isSnubbed(peer)) return Number.POSITIVE_INFINITY;
  const rate = peers.rate(peer);
  return rate === undefined ? silentMs : Math.max(silentMs, (aheadBytes / rate) * 1_000);
}

/** How long one more piece would take from an idle peer, behind what it is asked already; never, from a snubbed one. */
export function expectedFrom(
  peer: Fingerprint,
  book: RequestBook,
  peers: PeerTable,
  length: PieceLength,
): number {
  if (peers.isSnubbed(peer)) return Number.POSITIVE_INFINITY;
  let bytes = PIECE_BYTES;
  for (const { piece, receivedBytes } of book.of(peer)) bytes += length(piece) - receivedBytes;
  const rate = peers.rate(peer) ?? UNMEASURED_BYTES_PER_SECOND;
  return peers.roundTripMs(peer) + (bytes / rate) * 1_000;
}

export function isWorthAsking(straggler: Straggler, expectedMs: number): boolean {
  return Number.isFinite(expectedMs) && straggler.expectedMs > GAIN * expectedMs;
}
