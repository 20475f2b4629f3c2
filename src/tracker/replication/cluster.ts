/**
 * This tracker among the others of its list, put together: the links to them, what they are answered, piece lists, keys.
 *
 * All that the rest of the tracker sees of the others. It gets what was committed here and passes on what they give to the
 * command log; it decides nothing about accounts, groups or files. A lone tracker has one too, with nobody in it.
 */
import type { Clock } from "../../base/clock.ts";
import { type Failure, toFailure } from "../../base/failure.ts";
import type { Digest } from "../../base/ids.ts";
import { SPREAD_MS_MAX } from "../../base/limits.ts";
import type { TrackerEntry } from "../../base/tracker-entry.ts";
import type { Connection, Transport } from "../../net/connection.ts";
import type { SigningKey } from "../../net/identity.ts";
import type { KnownTrackers } from "../../net/known-trackers.ts";
import type { TrackerStanding } from "../../wire/client-tracker.ts";
import { encodeRow } from "../../wire/state-row.ts";
import type { Announcer } from "../announcer.ts";
import type { Checkpointer } from "../checkpointer.ts";
import type { ClientLink } from "../client-link.ts";
import type { CommandLog, Committed } from "../command-log.ts";
import type { TrackerCore } from "../core/machine.ts";
import { rowsOf } from "../core/state-rows.ts";
import { vectorKeys } from "../core/version-vector.ts";
import type { NewsBook } from "../news.ts";
import type { Device, Presence } from "../presence.ts";
import type { EventStore } from "../store/event-store.ts";
import { TrackerKeys } from "../tracker-keys.ts";
import { BlobKeeper } from "./blob-keeper.ts";
import type { FeedSource } from "./log-feed.ts";
import type { ReplicaLog } from "./replica-link.ts";
import { type ReplicaDesk, ReplicaServer, type ReplicaServerDependencies } from "./replica-server.ts";
import { Replicator } from "./replicator.ts";

/** How the other trackers are reached. */
export interface ClusterNetwork {
  readonly transport: Pick<Transport, "dial">;
  /** Which keys they have shown. */
  readonly known: Pick<KnownTrackers, "judge" | "recall" | "remember">;
  readonly log: ReplicaLog;
}

export interface ClusterDependencies extends ClusterNetwork {
  readonly core: TrackerCore;
  readonly store: EventStore;
  readonly checkpointer: Pick<Checkpointer, "adopt" | "hashAt" | "settled">;
  /** Where what the others give goes in. */
  readonly commands: () => Pick<CommandLog, "merge" | "take">;
  readonly presence: Presence<ClientLink>;
  readonly announcer: Announcer;
  readonly news: NewsBook;
  readonly signing: SigningKey;
  readonly clock: Clock;
  readonly afterTurn: (run: () => void) => void;
  /** Other keys sign grants and sessions than before. */
  readonly keysChanged: () => void;
  readonly failed: (failure: Failure) => void;
}

export interface ClusterOptions {
  /** This tracker's number. */
  readonly no: number;
  /** The listed trackers but this one. */
  readonly others: readonly TrackerEntry[];
}

export class Cluster {
  readonly blobs: BlobKeeper;
  /** Trackers that are listed, this one included. */
  readonly size: number;
  readonly #dependencies: ClusterDependencies;
  readonly #keys: TrackerKeys;
  readonly #replicator: Replicator;
  readonly #desk: ReplicaDesk;

  constructor(dependencies: ClusterDependencies, { no, others }: ClusterOptions) {
    const { core, store, clock, checkpointer, commands, presence, signing, afterTurn, failed } = dependencies;
    this.#dependencies = dependencies;
    this.size = others.length + 1;
    const listed = others.map(({ address }) => address);
    this.#keys = new TrackerKeys(signing.publicKey, listed, store);
    const introduce = () => ({
      no,
      origin: core.origin,
      clockMs: clock.nowMs(),
      key: signing.publicKey,
      vector: vectorKeys(core.vector),
    });
    const hash = () => checkpointer.hashAt()?.hash;
    this.#replicator = new Replicator(others, {
      ...dependencies,
      source: feedSource(core, store),
      introduce,
      hash,
      presence: { here: (device) => presence.here(device), allHere: () => presence.allHere() },
      met: (entry, { key }) => this.#met(entry, key),
    });
    this.blobs = new BlobKeeper({
      store,
      sources: this.#replicator.links,
      digests: () => core.state.shares.digests(),
      afterTurn,
      failed: (error) => failed(toFailure(error)),
    });
    this.#desk = {
      ...dependencies,
      blobs: this.blobs,
      take: (entries) => commands().take(entries),
      merge: (rows) => commands().merge(rows),
      held: () => core.vector,
      adopt: (vector) => checkpointer.adopt(vector),
      introduce,
      hash,
      greeted: (by) => this.#replicator.hurry(by),
    };
  }

  /** Begins to reach for the others. */
  start(): void {
    this.#replicator.start();
  }

  close(): void {
    this.#replicator.close();
  }

  /** Resolves when this tracker has caught up with another, or nobody is there to be waited for. */
  get ready(): Promise<void> {
    return this.#replicator.ready;
  }

  /** Public keys whose signatures count, this tracker's first. */
  get keys(): readonly string[] {
    return this.#keys.all;
  }

  /** Takes a connection of another tracker; undefined if its key is not that of a listed one: it is a client's. */
  accept(
    connection: Connection,
    events: Pick<ReplicaServerDependencies, "report" | "closed">,
  ): ReplicaServer | undefined {
    if (!this.#replicator.isTracker(connection.peer)) return undefined;
    return new ReplicaServer({ connection, desk: this.#desk, ...events });
  }

  /** These are durable here now. */
  committed({ entries, merged }: Committed): void {
    this.#replicator.committed(entries);
    // What was shared here came with its list.
    const { origin } = this.#dependencies.core;
    for (const { key, body } of entries)
      if (body.kind === "file-added" && key.origin !== origin) this.blobs.want(body.digest);
    for (const row of merged) if (row.kind === "file") this.blobs.want(row.listing.digest);
  }

  /** Resolves when the others in reach have what this tracker has made, or have taken too long: how many have it. */
  spread(): Promise<number> {
    return this.#replicator.spread();
  }

  /** How many trackers are known to have all that is here, this one included. */
  holders(): number {
    return this.#replicator.holders();
  }

  /** Has the others in reach keep a piece list, and waits for that as long as for a command. */
  async spreadBlob(digest: Digest): Promise<void> {
    const asked = this.#replicator.links.filter(({ isInReach }) => isInReach);
    if (asked.length === 0) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#dependencies.clock.after(SPREAD_MS_MAX, resolve);
    await Promise.race([Promise.allSettled(asked.map((link) => link.keepBlob(digest))), late]);
    cancel();
  }

  presenceChanged(device: Device): void {
    for (const link of this.#replicator.links) link.presenceChanged(device);
  }

  /** Forgets whoever is not told of any more, and lets go from the log what all have. To be called now and then. */
  tidy(): void {
    const { presence, checkpointer, clock } = this.#dependencies;
    presence.expire(clock.monotonicMs());
    const held = this.#replicator.allHeld;
    if (held !== undefined) checkpointer.settled(held);
  }

  /** For the tracker's own prompt, a line each. */
  status(): string[] {
    return this.#replicator.links.map(({ status }) => status);
  }

  /** For whoever asks over the wire: numbers only. */
  standings(): TrackerStanding[] {
    return this.#replicator.links.map(({ standing }) => standing);
  }

  #met({ address }: TrackerEntry, key: string): void {
    if (this.#keys.learn(address, key)) this.#dependencies.keysChanged();
    this.blobs.scan();
  }
}

/** What this tracker has to give the others. */
function feedSource(core: TrackerCore, store: EventStore): FeedSource {
  return {
    held: core.vector,
    get floor() {
      return store.floor();
    },
    covered: () => core.covered(),
    entryTexts: (origin, after, limit) => store.entryTexts(origin, after, limit),
    rowTexts: () => rowTexts(core),
  };
}

function* rowTexts({ state }: TrackerCore): Generator<string> {
  for (const row of rowsOf(state)) yield encodeRow(row);
}
