/**
 * Whom to ask for what, now: fills the peers' pipelines within the budget, and lets idle peers fetch what is slow to come.
 * What waits elsewhere is taken back there and asked of the idle one: in a crowd that costs nobody anything. Of what has
 * begun to come a second copy is fetched, only when nothing is missing any more, or it is taken back where there can be no
 * more copies.
 *
 * Each peer with room gets one piece in turn, so that with a tight budget none takes all of it. Owns only the turn, the
 * time of the next look, whether the budget was short and what may still be asked for under a limit; the requests it
 * decides on are made through `PieceFlow`.
 */
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { ENDGAME_COPIES_MAX } from "../../base/limits.ts";
import type { Effect } from "./download-effect.ts";
import { expectedFrom, isWorthAsking, stragglers } from "./endgame.ts";
import type { PeerTable } from "./peer-table.ts";
import type { PieceFlow } from "./piece-flow.ts";
import type { PiecePolicy } from "./piece-policy.ts";

/** While a peer is idle and others are awaited: their silence alone may make a second copy worth while. */
const ENDGAME_CHECK_MS = 500;

/** Between two looks at all that is in flight: in a crowd something is said many times in between. */
const RESCUE_MS_MIN = 20;

/** Booked, and now to be sent. */
export type PlannedStep = Extract<Effect, { kind: "request" | "cancel" }>;

export class RequestPlanner {
  readonly #flow: PieceFlow;
  readonly #peers: PeerTable;
  readonly #policy: PiecePolicy;
  readonly #length: (piece: PieceIndex) => number;
  #turn = 0;
  #nextLookMs: number | undefined;
  #rescuedMs = Number.NEGATIVE_INFINITY;
  #isShort = false;
  #isHeldBack = false;
  /** Bytes; infinite without a limit. The last request may go beyond it. */
  #allowance = Number.POSITIVE_INFINITY;

  constructor(flow: PieceFlow, peers: PeerTable, policy: PiecePolicy, length: (piece: PieceIndex) => number) {
    this.#flow = flow;
    this.#peers = peers;
    this.#policy = policy;
    this.#length = length;
  }

  /** Whether a peer that delivers had to be left waiting, because the budget is with others. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** Whether something could be asked for but for the limit. */
  get isHeldBack(): boolean {
    return this.#isHeldBack;
  }

  /** How many bytes may be asked for from now on; infinitely many without a limit. */
  allow(bytes: number): void {
    this.#allowance = bytes;
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

  /** @param budget how many pieces may be busy at once @returns what is booked and now to be sent, in order */
  plan(budget: number, now: number): readonly PlannedStep[] {
    const planned: PlannedStep[] = [];
    const idle = this.#fill(budget, now, planned);
    this.#isHeldBack =
      this.#allowance <= 0 && this.#flow.busy < budget && this.#peersWithRoom(now).length > 0;
    this.#isShort =
      this.#flow.busy >= budget && this.#peersWithRoom(now).some((peer) => this.#delivers(peer));
    this.#nextLookMs = undefined;
    if (idle.length > 0 && this.#flow.book.size > 0) {
      const isDue = now >= this.#rescuedMs + RESCUE_MS_MIN;
      this.#nextLookMs = isDue ? now + ENDGAME_CHECK_MS : this.#rescuedMs + RESCUE_MS_MIN;
      if (isDue) {
        this.#rescue(idle, budget, now, planned);
        this.#rescuedMs = now;
      }
    }
    return planned;
  }

  /** The peer gives the piece, which it is asked for, to somebody else: if it has rarer ones, one of them is asked for instead. */
  exchange(peer: Fingerprint, piece: PieceIndex, now: number): readonly PlannedStep[] {
    const { book, availability } = this.#flow;
    const request = book.of(peer).find((one) => one.piece === piece);
    if (request === undefined || request.receivedBytes > 0 || !this.#peers.mayTakeBack(peer, now)) return [];
    const rarer = this.#pick(peer);
    if (rarer === undefined || availability.rarity(rarer) >= availability.rarity(piece)) return [];
    const planned: PlannedStep[] = [];
    this.#takeBack(peer, piece, now, planned);
    this.#request(peer, rarer, now, planned);
    return planned;
  }

  /** @returns peers that no missing piece is left for */
  #fill(budget: number, now: number, planned: PlannedStep[]): readonly Fingerprint[] {
    const idle: Fingerprint[] = [];
    this.#turn++;
    let asked = this.#peersWithRoom(now);
    const mayAsk = () => this.#flow.busy < budget && this.#allowance > 0;
    while (asked.length > 0 && mayAsk()) {
      asked = asked.filter((peer) => {
        if (!mayAsk()) return false;
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
    const first = this.#turn % Math.max(1, peers.length);
    const turned = [...peers.slice(first), ...peers.slice(0, first)];
    const ready = turned.filter((peer) => this.#hasRoom(peer, now));
    const isSnubbed = (peer: Fingerprint) => this.#peers.isSnubbed(peer);
    return [...ready.filter((peer) => !isSnubbed(peer)), ...ready.filter(isSnubbed)];
  }

  #delivers(peer: Fingerprint): boolean {
    return !this.#peers.isSnubbed(peer) && this.#peers.rate(peer) !== undefined;
  }

  #hasRoom(peer: Fingerprint, now: number): boolean {
    return (
      this.#flow.availability.knows(peer) &&
      this.#flow.book.inFlight(peer) < this.#peers.pipelinePieces(peer) &&
      now >= this.#peers.restsUntilMs(peer)
    );
  }

  /**
   * Stragglers come slowest first, so the first that is not worth it ends the search for that peer. A peer that has not
   * shown its speed is a guess: it is left out while pieces are missing, for then it will get its own, and where one that
   * delivers could help.
   */
  #rescue(idle: readonly Fingerprint[], budget: number, now: number, planned: PlannedStep[]): void {
    const { book, map } = this.#flow;
    const slow = new Set(stragglers(book, this.#peers, this.#length, now));
    const delivering = idle.filter((peer) => this.#delivers(peer));
    for (const peer of map.count("missing") > 0 ? delivering : idle) {
      let ownMs = expectedFrom(peer, book, this.#peers, this.#length);
      for (const straggler of slow) {
        if (this.#allowance <= 0 || !this.#hasRoom(peer, now) || !isWorthAsking(straggler, ownMs)) break;
        if (!this.#mayFetch(peer, straggler.piece)) continue;
        const hasNotLetItGo = (one: Fingerprint) =>
          this.#mayFetch(one, straggler.piece) && !this.#peers.isLate(one, straggler.piece);
        if (!this.#delivers(peer) && delivering.some(hasNotLetItGo)) continue;
        // As in `#pick`: else those who begin to send it, and never end, take turns for ever.
        if (this.#peers.isLate(peer, straggler.piece) && idle.some(hasNotLetItGo)) continue;
        const isEnd = map.count("missing") === 0;
        if (!straggler.isWaiting && !isEnd) continue;
        const isMoved = straggler.isWaiting && (!isEnd || this.#delivers(straggler.slowest));
        const isCopy = !isMoved && !this.#isFull(budget, straggler.piece);
        if (!isCopy && !this.#peers.mayTakeBack(straggler.slowest, now)) continue;
        slow.delete(straggler);
        if (!isCopy) this.#takeBack(straggler.slowest, straggler.piece, now, planned);
        this.#request(peer, straggler.piece, now, planned);
        ownMs = expectedFrom(peer, book, this.#peers, this.#length);
      }
    }
  }

  #mayFetch(peer: Fingerprint, piece: PieceIndex): boolean {
    const { book, availability } = this.#flow;
    return !book.has(peer, piece) && availability.holds(peer, piece) && !this.#peers.isUnfit(peer, piece);
  }

  #isFull(budget: number, piece: PieceIndex): boolean {
    return this.#flow.busy >= budget || this.#flow.book.copies(piece) >= ENDGAME_COPIES_MAX;
  }

  /** No fault of the peer; should it deliver all the same, the better. */
  #takeBack(peer: Fingerprint, piece: PieceIndex, now: number, planned: PlannedStep[]): void {
    this.#flow.release(peer, piece);
    this.#peers.gaveUp(peer, [piece]);
    this.#peers.tookBack(peer, now);
    planned.push({ kind: "cancel", peer, piece });
  }

  #request(peer: Fingerprint, piece: PieceIndex, now: number, planned: PlannedStep[]): void {
    this.#peers.requested(peer, this.#flow.book.inFlight(peer), now);
    this.#flow.request(peer, piece, now);
    this.#allowance -= this.#length(piece);
    planned.push({ kind: "request", peer, piece });
  }
}
