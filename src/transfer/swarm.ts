/**
 * The fetching of one thing, a file or a bundle: the thin shell around the download machine and the source book.
 *
 * Owns the feeds and the slots of pieces that are being stored. Each outside happening becomes one input of the machine,
 * each effect one action here. It opens no file and finishes none: what is fetched says how it is asked for and where its
 * pieces go, and its owner is told what has been written and when nothing is missing.
 */

import { defined } from "../base/assert.ts";
import type { Bitfield } from "../base/bitfield.ts";
import type { Clock } from "../base/clock.ts";
import { type Failure, toFailure } from "../base/failure.ts";
import type { Fingerprint, PieceIndex } from "../base/ids.ts";
import {
  DISK_RETRY_MS,
  GRANT_RENEW_BEFORE_MS,
  PEERS_PER_DOWNLOAD_MAX,
  SOURCE_RETRY_MS_MIN,
} from "../base/limits.ts";
import type { PieceTable } from "../base/manifest.ts";
import type { Pacer, Spender } from "../base/pacer.ts";
import type { RejectReason } from "../wire/client-peer.ts";
import type { Source } from "../wire/client-tracker.ts";
import type { DownloadSnapshot, SourceLimit, TransferAuthority } from "./contract.ts";
import { DownloadMachine } from "./core/download.ts";
import type { Effect, DownloadSnapshot as MachineSnapshot, PeerRow } from "./core/download-effect.ts";
import { RateMeter } from "./core/rate-meter.ts";
import { SourceBook } from "./core/source-book.ts";
import type { Slot, SlotPool, StoreOutcome } from "./disk/contract.ts";
import { type FeedEvents, PeerFeed } from "./peer-feed.ts";
import type { Wanted } from "./peer-link.ts";
import type { PeerNetwork } from "./peer-network.ts";

export interface SwarmEvents {
  /** The piece is verified and in the disk's cache: it is to be found again after a kill. Holds its budget until it is. */
  record(piece: PieceIndex): Promise<void>;
  /** The piece is recorded; it may be announced. */
  written(piece: PieceIndex): void;
  /** The disk does not take pieces. It is tried again; `diskReady` comes when it took one. */
  diskFailed(failure: Failure): void;
  diskReady(): void;
  /** No piece is missing. */
  done(): void;
}

/** What is fetched. */
export interface SwarmTarget {
  readonly wanted: Wanted;
  readonly table: PieceTable;
  readonly have: Bitfield;
  /** Verifies the piece, then keeps it; see `PieceWorkers.store`. */
  store(piece: PieceIndex, slot: Slot, verified: () => void): Promise<StoreOutcome>;
}

export interface SwarmDependencies {
  readonly network: PeerNetwork;
  readonly slots: SlotPool;
  readonly clock: Clock;
  readonly authority: TransferAuthority;
  /** Pieces that this download may hold in buffers. */
  readonly budget: number;
  /** Lets bytes be asked for, at the rate that all downloads share. */
  readonly receiving: Pacer;
  readonly seed: number;
}

/** Why a source is not connected that this side has left. */
const LEFT = "not asked now";

export class Swarm implements Spender {
  readonly #network: PeerNetwork;
  readonly #slots: SlotPool;
  readonly #clock: Clock;
  readonly #authority: TransferAuthority;
  readonly #receiving: Pacer;
  readonly #target: SwarmTarget;
  readonly #events: SwarmEvents;
  readonly #machine: DownloadMachine;
  readonly #sources = new SourceBook<Source>({ peersMax: PEERS_PER_DOWNLOAD_MAX });
  readonly #feeds = new Map<Fingerprint, PeerFeed>();
  readonly #rate = new RateMeter();
  readonly #stores = new Set<Promise<void>>();
  #state: "running" | "paused" | "stopped" = "running";
  #diskFails = false;
  #cancelDiskRetry: (() => void) | undefined;
  #cancelTick: (() => void) | undefined;
  #cancelRenewal: (() => void) | undefined;

  constructor(dependencies: SwarmDependencies, target: SwarmTarget, events: SwarmEvents) {
    this.#network = dependencies.network;
    this.#slots = dependencies.slots;
    this.#clock = dependencies.clock;
    this.#authority = dependencies.authority;
    this.#receiving = dependencies.receiving;
    this.#target = target;
    this.#events = events;
    this.#machine = new DownloadMachine({
      pieces: target.table.pieces,
      pieceLength: (piece) => target.table.pieceLength(piece),
      have: target.have,
      seed: dependencies.seed,
      budget: dependencies.budget,
    });
    this.limitChanged();
  }

  /** What is verified and on disk; grows in place. */
  get have(): Bitfield {
    return this.#machine.have;
  }

  addSource(source: Source): void {
    if (source.fingerprint === this.#authority.fingerprint) return;
    this.#sources.learned(source);
    this.#lookForOthers();
    this.#dialMore();
  }

  setBudget(pieces: number): void {
    this.#act(this.#machine.setBudget(pieces, this.#now()));
  }

  /** The limit on what all downloads receive was set or lifted. */
  limitChanged(): void {
    this.#act(this.#machine.setLimited(this.#receiving.isLimited, this.#now()));
  }

  /** Asks for so many bytes, in its turn under the limit. */
  spend(bytesMax: number): number {
    if (this.#state !== "running") return 0;
    const effects = this.#machine.allow(bytesMax, this.#now());
    this.#act(effects);
    return effects.reduce(
      (bytes, effect) =>
        effect.kind === "request" ? bytes + this.#target.table.pieceLength(effect.piece) : bytes,
      0,
    );
  }

  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    this.#act(this.#machine.pause(this.#now()));
    for (const feed of [...this.#feeds.values()]) this.#leave(feed);
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    this.#act(this.#machine.resume(this.#now()));
    for (const source of this.#sources.all()) this.#sources.learned(source);
    this.#dialMore();
  }

  /** Leaves all sources. @returns once no piece is being written any more */
  async stop(): Promise<void> {
    this.pause();
    this.#state = "stopped";
    this.#cancelTick?.();
    this.#cancelRenewal?.();
    this.#cancelDiskRetry?.();
    this.#receiving.forget(this);
    await Promise.all(this.#stores);
  }

  snapshot(): Omit<DownloadSnapshot, "phase"> {
    const machine = this.#machine.snapshot();
    const nowMs = this.#now();
    const rows = new Map(machine.peers.map((row) => [row.peer, row]));
    return {
      diskBound: isDiskBound(machine),
      rateBound: this.#machine.isHeldBack,
      doneBytes: machine.haveBytes,
      wastedBytes: machine.wastedBytes,
      rate: this.#rate.rate(nowMs),
      sources: this.#sources.rows().map(({ source, state, trouble }) => ({
        source,
        state: state === "idle" ? "gone" : state,
        verifiedBytes: rows.get(source.fingerprint)?.verifiedBytes ?? 0,
        wrongPieces: rows.get(source.fingerprint)?.wrongPieces ?? 0,
        trouble,
        ...(state === "connected" ? this.#limitOf(rows.get(source.fingerprint), machine) : {}),
      })),
    };
  }

  /** Under a limit a source may be idle for it alone. */
  #limitOf(peer: PeerRow | undefined, machine: MachineSnapshot): { limit?: SourceLimit } {
    if (peer === undefined) return {};
    if (peer.restsUntilMs > this.#now()) return { limit: "busy" };
    if (peer.state === "snubbed") return { limit: "slow" };
    const isIdle = peer.requestsInFlight === 0 && !isDiskBound(machine) && !this.#machine.isHeldBack;
    return isIdle ? { limit: "nothing-missing" } : {};
  }

  // --- sources ---

  /** While nobody else fetches the file, its pieces may come in order: see `core/piece-policy.ts`. */
  #lookForOthers(): void {
    this.#machine.setAlone(!this.#sources.hasIncomplete);
  }

  #dialMore(): void {
    if (this.#state !== "running" || this.#machine.isDone) return;
    for (const source of this.#sources.next(this.#now())) {
      this.#sources.dialing(source.fingerprint);
      void this.#dial(source.fingerprint);
    }
    this.#armTick();
  }

  async #dial(peer: Fingerprint): Promise<void> {
    const source = defined(this.#sources.source(peer), "a source that is dialled is known");
    try {
      const { wanted, table } = this.#target;
      const grant = await this.#authority.grant(wanted.gid);
      const link = await this.#network.linkTo(peer, source.address);
      if (this.#state !== "running") {
        this.#sources.lost(peer, this.#now(), LEFT);
        return;
      }
      this.#watchGrant(grant.expiresMs);
      const feed = new PeerFeed(
        link,
        {
          table,
          slots: this.#slots,
          clock: this.#clock,
          open: (handler) => link.openChannel(wanted, grant.text, handler),
        },
        this.#feedEvents,
      );
      this.#feeds.set(peer, feed);
      this.#sources.connected(peer, this.#now());
      this.#act(this.#machine.peerJoined(peer, this.#now()));
    } catch (error) {
      this.#sourceFailed(peer, toFailure(error));
    }
  }

  #sourceFailed(peer: Fingerprint, failure: Failure): void {
    if (failure.code === "peer-refused") this.#sources.refused(peer, this.#now(), failure.message);
    else this.#sources.failed(peer, this.#now(), failure.message);
    this.#dialMore();
  }

  readonly #feedEvents: FeedEvents = {
    opened: (feed, bits) => {
      this.#act(this.#machine.peerBitfield(feed.peer, bits, this.#now()));
    },
    have: (feed, pieces) => this.#act(this.#machine.peerHave(feed.peer, pieces, this.#now())),
    given: (feed, pieces) => this.#act(this.#machine.peerGiven(feed.peer, pieces, this.#now())),
    received: (feed, piece, bytes) => this.#machine.received(feed.peer, piece, bytes, this.#now()),
    arrived: (feed, piece, slot) => this.#arrived(feed, piece, slot),
    refused: (feed, piece, reason) => this.#refused(feed, piece, reason),
    closed: (feed, failure) => this.#closed(feed, failure),
  };

  #closed(feed: PeerFeed, failure: Failure): void {
    if (this.#feeds.get(feed.peer) !== feed) return;
    this.#feeds.delete(feed.peer);
    this.#act(this.#machine.peerLost(feed.peer, this.#now()));
    if (failure.code === "peer-unreachable") this.#sources.lost(feed.peer, this.#now(), failure.message);
    else this.#sources.refused(feed.peer, this.#now(), failure.message);
    this.#dialMore();
  }

  #leave(feed: PeerFeed): void {
    this.#feeds.delete(feed.peer);
    feed.leave();
    this.#act(this.#machine.peerLost(feed.peer, this.#now()));
    this.#sources.lost(feed.peer, this.#now(), LEFT);
  }

  #refused(feed: PeerFeed, piece: PieceIndex, reason: RejectReason): void {
    const why = reason === "busy" ? "busy" : "not-held";
    this.#receiving.giveBack(this.#target.table.pieceLength(piece));
    this.#act(this.#machine.requestRefused(feed.peer, piece, why, this.#now()));
  }

  /** The first of the grants that were shown decides when all are renewed: one watched already ends no later than this. */
  #watchGrant(expiresMs: number): void {
    const dueMs = Math.max(SOURCE_RETRY_MS_MIN, expiresMs - GRANT_RENEW_BEFORE_MS - this.#clock.nowMs());
    this.#cancelRenewal ??= this.#clock.after(dueMs, () => {
      this.#cancelRenewal = undefined;
      void this.#renewGrant();
    });
  }

  async #renewGrant(): Promise<void> {
    if (this.#feeds.size === 0 || this.#state !== "running") return;
    // Where no tracker answers, the old grants still stand for a while: so ask again soon.
    const grant = await this.#authority.grant(this.#target.wanted.gid).catch(() => undefined);
    if (this.#state !== "running") return;
    if (grant !== undefined) for (const feed of this.#feeds.values()) feed.renew(grant.text);
    this.#watchGrant(grant?.expiresMs ?? 0);
  }

  // --- pieces ---

  #arrived(feed: PeerFeed, piece: PieceIndex, slot: Slot | undefined): void {
    this.#rate.add(this.#now(), this.#target.table.pieceLength(piece));
    // Without a buffer to hold it the piece is as good as not sent.
    if (slot === undefined && this.#machine.received(feed.peer, piece, 0, this.#now())) {
      this.#act(this.#machine.requestRefused(feed.peer, piece, "busy", this.#now()));
      return;
    }
    this.#act(this.#machine.pieceReceived(feed.peer, piece, this.#now()), slot);
  }

  /** @param slot holds the piece that a `store` or `discard` among the effects speaks of */
  #act(effects: readonly Effect[], slot?: Slot): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "request":
          this.#feeds.get(effect.peer)?.request(effect.piece);
          break;
        case "cancel":
          this.#feeds.get(effect.peer)?.cancel(effect.piece);
          break;
        case "store":
          this.#track(this.#store(effect.piece, defined(slot, "a stored piece is in a slot")));
          break;
        case "discard":
          if (slot !== undefined) this.#slots.release(slot);
          break;
        case "announce":
          for (const piece of effect.pieces) this.#events.written(piece);
          break;
        case "drop":
          this.#drop(effect.peer, effect.reason);
          break;
        case "done":
          this.#events.done();
          break;
      }
    }
    if (this.#machine.isHeldBack) this.#receiving.ready(this);
    this.#armTick();
  }

  async #store(piece: PieceIndex, slot: Slot): Promise<void> {
    const outcome = await this.#target
      .store(piece, slot, () => this.#machine.verified(piece))
      .catch((error) => ({ kind: "disk-failed" as const, failure: toFailure(error, "disk-error") }));
    this.#slots.release(slot);
    switch (outcome.kind) {
      case "written":
        this.#diskWorks();
        // What a kill may cost is what is in flight or not yet recorded: never more than the budget.
        await this.#events.record(piece);
        this.#act(this.#machine.written(piece, this.#now()));
        break;
      case "rejected":
        this.#act(this.#machine.rejected(piece, this.#now()));
        break;
      case "disk-failed":
        this.#act(this.#machine.storeFailed(piece, this.#now()));
        this.#diskFailed(outcome.failure);
        break;
    }
  }

  #track(store: Promise<void>): void {
    this.#stores.add(store);
    void store.finally(() => this.#stores.delete(store));
  }

  #diskFailed(failure: Failure): void {
    if (this.#state === "stopped") return;
    if (!this.#diskFails) this.#events.diskFailed(failure);
    this.#diskFails = true;
    this.#cancelDiskRetry ??= this.#clock.after(DISK_RETRY_MS, () => {
      this.#cancelDiskRetry = undefined;
      this.#act(this.#machine.diskReady(this.#now()));
    });
  }

  #diskWorks(): void {
    if (this.#diskFails) this.#events.diskReady();
    this.#diskFails = false;
  }

  #drop(peer: Fingerprint, reason: string): void {
    const feed = this.#feeds.get(peer);
    this.#feeds.delete(peer);
    this.#sources.dropped(peer, `dropped: ${reason}`);
    this.#lookForOthers();
    feed?.leave();
  }

  // --- time ---

  #now(): number {
    return this.#clock.monotonicMs();
  }

  /** One timer for whichever is due first: a request that times out, or a source to dial again. */
  #armTick(): void {
    if (this.#state === "stopped") return;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    const now = this.#now();
    const dueMs = Math.min(
      this.#machine.nextTimeoutMs(now) ?? Number.POSITIVE_INFINITY,
      this.#state === "running"
        ? (this.#sources.nextRetryMs() ?? Number.POSITIVE_INFINITY)
        : Number.POSITIVE_INFINITY,
    );
    if (dueMs === Number.POSITIVE_INFINITY || this.#machine.isDone) return;
    this.#cancelTick = this.#clock.after(Math.max(1, dueMs - now), () => {
      this.#act(this.#machine.tick(this.#now()));
      this.#dialMore();
    });
  }
}

/** Most of the buffers hold what is not yet on disk. */
function isDiskBound({ storing, budget }: MachineSnapshot): boolean {
  return 2 * storing > budget;
}
