/**
 * Whom to ask for what, now: fills the peers' pipelines within the budget, and in the end lets idle peers fetch a second
 * copy of what is slow to come.
 *
 * Each peer with room gets one piece in turn, so that with a tight budget none takes all of it. Owns only the turn and the
 * time of the next look; the requests it decides on are made through `PieceFlow`.
 */
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { ENDGAME_COPIES_MAX } from "../../base/limits.ts";
import { expectedFrom, isWorthACopy, type Straggler, stragglers } from "./endgame.ts";
import type { PeerTable } from "./peer-table.ts";
import type { PieceFlow } from "./piece-flow.ts";
import type { PiecePolicy } from "./piece-policy.ts";

/** While a peer is idle and others are awaited: their silence alone may make a second copy worth while. */
const ENDGAME_CHECK_MS = 500;

export interface PlannedRequest {
  readonly peer: Fingerprint;
  readonly piece: PieceIndex;
}

export class RequestPlanner {
  readonly #flow: PieceFlow;
  readonly #peers: PeerTable;
  readonly #policy: PiecePolicy;
  readonly #length: (piece: PieceIndex) => number;
  #turn = 0;
  #nextLookMs: number | undefined;

  constructor(flow: PieceFlow, peers: PeerTable, policy: PiecePolicy, length: (piece: PieceIndex) => number) {
    this.#flow = flow;
    this.#peers = peers;
    this.#policy = policy;
    this.#length = length;
  }

  /** When `plan` may have more to say though nothing has happened; undefined: only when something has. */
  nextLookMs(now: number): number | undefined {
    let next = this.#nextLookMs ?? Number.POSITIVE_INFINITY;
    for (const peer of this.#peers.connected()) {
      const restsUntilMs = this.#peers.restsUntilMs(peer);
      if (restsUntilMs > now) next = Math.min(next, restsUntilMs);
    }
    return Number.isFinite(next) ? next : undefined;
  }

  /** @param budget how many pieces may be busy at once @returns requests that are booked and now to be sent */
  plan(budget: number, now: number): readonly PlannedRequest[] {
    const planned: PlannedRequest[] = [];
    const idle = this.#fill(budget, now, planned);
    this.#nextLookMs = undefined;
    if (idle.length > 0 && this.#flow.book.size > 0) {
      this.#nextLookMs = now + ENDGAME_CHECK_MS;
      this.#rescue(idle, budget, now, planned);
    }
    return planned;
  }

  /** @returns peers that no missing piece is left for */
  #fill(budget: number, now: number, planned: PlannedRequest[]): readonly Fingerprint[] {
    const idle: Fingerprint[] = [];
    let asked = this.#peersWithRoom(now);
    while (asked.length > 0 && this.#flow.busy < budget) {
      asked = asked.filter((peer) => {
        if (this.#flow.busy >= budget) return false;
        const piece = this.#pick(peer);
        if (piece === undefined) idle.push(peer);
        else this.#request(peer, piece, now, planned);
        return piece !== undefined && this.#hasRoom(peer, now);
      });
    }
    return idle;
  }

  /** What it has let go before is asked of a peer last: others may have it, and it may still come unasked. */
  #pick(peer: Fingerprint): PieceIndex | undefined {
    const isUnfit = (piece: PieceIndex) => this.#peers.isUnfit(peer, piece);
    const isLate = (piece: PieceIndex) => isUnfit(piece) || this.#peers.isLate(peer, piece);
    return this.#policy.pick(peer, isLate) ?? this.#policy.pick(peer, isUnfit);
  }

  /** Those whose turn it is first; snubbed ones last, for they are the least likely to deliver. */
  #peersWithRoom(now: number): readonly Fingerprint[] {
    const peers = this.#peers.connected();
    this.#turn = peers.length === 0 ? 0 : (this.#turn + 1) % peers.length;
    const turned = [...peers.slice(this.#turn), ...peers.slice(0, this.#turn)];
    const ready = turned.filter((peer) => this.#hasRoom(peer, now));
    const isSnubbed = (peer: Fingerprint) => this.#peers.isSnubbed(peer);
    return [...ready.filter((peer) => !isSnubbed(peer)), ...ready.filter(isSnubbed)];
  }

  #hasRoom(peer: Fingerprint, now: number): boolean {
    return (
      this.#flow.availability.knows(peer) &&
      this.#flow.book.inFlight(peer) < this.#peers.pipelinePieces(peer) &&
      now >= this.#peers.restsUntilMs(peer)
    );
  }

  /**
   * Stragglers come slowest first, so the first that is not worth a copy ends the search for that peer. While pieces are
   * missing a peer that has not shown its speed is left out: it will get its own, and a guess costs bytes.
   */
  #rescue(idle: readonly Fingerprint[], budget: number, now: number, planned: PlannedRequest[]): void {
    const { book, map } = this.#flow;
    const slow = stragglers(book, this.#peers, this.#length, now);
    for (const peer of idle) {
      if (map.count("missing") > 0 && this.#peers.rate(peer) === undefined) continue;
      let ownMs = expectedFrom(peer, book, this.#peers, this.#length);
      for (const straggler of slow) {
        if (this.#flow.busy >= budget) return;
        if (!this.#hasRoom(peer, now) || !isWorthACopy(straggler, ownMs)) break;
        if (!this.#mayRescue(peer, straggler)) continue;
        this.#request(peer, straggler.piece, now, planned);
        ownMs = expectedFrom(peer, book, this.#peers, this.#length);
      }
    }
  }

  #mayRescue(peer: Fingerprint, { peer: holder, piece }: Straggler): boolean {
    const { book, availability } = this.#flow;
    return (
      holder !== peer &&
      book.copies(piece) < ENDGAME_COPIES_MAX &&
      availability.holds(peer, piece) &&
      !this.#peers.isUnfit(peer, piece)
    );
  }

  #request(peer: Fingerprint, piece: PieceIndex, now: number, planned: PlannedRequest[]): void {
    this.#peers.requested(peer, this.#flow.book.inFlight(peer), now);
    this.#flow.request(peer, piece, now);
    planned.push({ peer, piece });
  }
}
