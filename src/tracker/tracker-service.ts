/**
 * A tracker without sockets: its state brought back from the store, its methods answered, its clients told.
 *
 * One run of one tracker: rows and log are read once, at the start; what is written from then on belongs to the run's
 * own origin. When the disk fails, nothing more is promised to anybody: every method is refused from then on and `failed`
 * is called, once.
 */
import type { Clock } from "../base/clock.ts";
import { every } from "../base/every.ts";
import { Failure, toFailure } from "../base/failure.ts";
import { HELLO_WAIT_MS_MAX, LOOK_MS } from "../base/limits.ts";
import type { Prng } from "../base/prng.ts";
import { count } from "../base/text.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import type { Connection, Transport } from "../net/connection.ts";
import type { SigningKey } from "../net/identity.ts";
import type { KnownTrackers } from "../net/known-trackers.ts";
import type { Method, Params } from "../wire/client-tracker.ts";
import type { Origin } from "../wire/entry.ts";
import { encodeRow } from "../wire/state-row.ts";
import { closeSession } from "./account-methods.ts";
import { AccountQuota } from "./account-quota.ts";
import { Announcer } from "./announcer.ts";
import { BlobUploads } from "./blob-uploads.ts";
import { Checkpointer } from "./checkpointer.ts";
import type { ClientLink } from "./client-link.ts";
import { CommandLog } from "./command-log.ts";
import { CopiesNotices } from "./copies-notice.ts";
import { TrackerCore } from "./core/machine.ts";
import { rowsOf } from "./core/state-rows.ts";
import { vectorKeys } from "./core/version-vector.ts";
import type { Desk } from "./desk.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { NewsBook } from "./news.ts";
import type { Passwords } from "./passwords.ts";
import { Presence } from "./presence.ts";
import { BlobKeeper } from "./replication/blob-keeper.ts";
import type { FeedSource } from "./replication/log-feed.ts";
import type { ReplicaLog } from "./replication/replica-link.ts";
import {
  type ReplicaDesk,
  ReplicaServer,
  type ReplicaServerDependencies,
} from "./replication/replica-server.ts";
import { Replicator } from "./replication/replicator.ts";
import { SessionTokens } from "./session-tokens.ts";
import { SnapshotRounds } from "./snapshot-rounds.ts";
import type { EventStore } from "./store/event-store.ts";
import type { Snapshots } from "./store/snapshot-keeper.ts";
import { TrackerKeys } from "./tracker-keys.ts";
import { answerMethod, type MethodAnswer } from "./tracker-methods.ts";

export interface TrackerServiceDependencies {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly signing: SigningKey;
  readonly passwords: Passwords;
  /** Runs something when this turn of the event loop is over. */
  readonly afterTurn: (run: () => void) => void;
  /** Told once, when the disk has failed: the tracker must end. */
  readonly failed: (failure: Failure) => void;
  /** How the other trackers are reached. */
  readonly transport: Pick<Transport, "dial">;
  readonly known: Pick<KnownTrackers, "judge" | "recall" | "remember">;
  readonly log: ReplicaLog;
  /** Copies for the operator; none are made without. */
  readonly snapshots?: Snapshots | undefined;
}

export interface TrackerServiceOptions {
  /** The tracker's number. */
  readonly no: number;
  /** Of this run alone. */
  readonly origin: Origin;
  /** The listed trackers but this one. */
  readonly others: readonly TrackerEntry[];
}

const STARTING = new Failure("try-later", "this tracker is starting; try another tracker, or again shortly");
const STOPPED = new Failure("try-another", "this tracker has stopped; try another tracker");

export class TrackerService {
  readonly #desk: Desk;
  readonly #replicaDesk: ReplicaDesk;
  readonly #replicator: Replicator;
  readonly #checkpointer: Checkpointer;
  readonly #snapshots: Snapshots | undefined;
  readonly #snapshotRounds: SnapshotRounds | undefined;
  readonly #failed: (failure: Failure) => void;
  readonly #cancelUpkeep: () => void;
  /** Clients that have said hello. */
  readonly #greeted = new Set<ClientLink>();
  #stopped = false;

  /** Reads the state and what the log holds above it. @throws Failure "disk-error" or "corrupt" */
  constructor(dependencies: TrackerServiceDependencies, options: TrackerServiceOptions) {
    const { store, clock, prng, signing, passwords, afterTurn, log } = dependencies;
    const { no, origin, others } = options;
    this.#failed = dependencies.failed;
    const failed = (failure: Failure) => this.#fail(failure);
    const core = new TrackerCore(origin);
    const { state } = core;
    const checkpointer = new Checkpointer({ core, store, clock, afterTurn, failed });
    checkpointer.restore();
    this.#checkpointer = checkpointer;
    this.#snapshots = dependencies.snapshots;
    if (this.#snapshots !== undefined) {
      const version = () => JSON.stringify(vectorKeys(store.vector()));
      const report = (error: unknown) => log.warn(`no snapshot was made: ${toFailure(error).message}`);
      this.#snapshotRounds = new SnapshotRounds({ snapshots: this.#snapshots, clock, version, report });
    }
    const presence = new Presence<ClientLink>((device) => this.#replicator.presenceChanged(device));
    const news = new NewsBook(store);
    const endSession = (link: ClientLink) => closeSession(this.#desk, link);
    const announcer = new Announcer({ state, presence, news, endSession });
    const listed = others.map(({ address }) => address);
    const trackerKeys = new TrackerKeys(signing.publicKey, listed, store);
    const keys = () => trackerKeys.all;
    const introduce = () => ({
      no,
      origin,
      clockMs: clock.nowMs(),
      key: signing.publicKey,
      vector: vectorKeys(core.vector),
    });
    const hash = () => checkpointer.hashAt()?.hash;
    this.#replicator = new Replicator(others, {
      ...dependencies,
      core,
      source: feedSource(core, store),
      introduce,
      hash,
      presence: { here: (device) => presence.here(device), allHere: () => presence.allHere() },
      met: ({ address }, { key }) => {
        if (trackerKeys.learn(address, key)) this.#tellKeys();
        blobs.scan();
      },
    });
    const blobs = new BlobKeeper({
      store,
      sources: this.#replicator.links,
      digests: () => state.shares.digests(),
      afterTurn,
      failed: (error) => failed(toFailure(error)),
    });
    const commands = new CommandLog({
      core,
      store,
      clock,
      announce: (announcements) => announcer.announce(announcements),
      committed: ({ entries, merged }) => {
        checkpointer.applied(entries);
        checkpointer.merged(merged);
        this.#replicator.committed(entries);
        for (const { body } of entries) if (body.kind === "file-added") blobs.want(body.digest);
        for (const row of merged) if (row.kind === "file") blobs.want(row.listing.digest);
      },
      spread: () => this.#replicator.spread(),
      failed,
      afterTurn,
    });
    this.#desk = {
      no,
      clock,
      prng,
      state,
      store,
      presence,
      news,
      announcer,
      commands,
      blobs,
      replicator: this.#replicator,
      uploads: new BlobUploads(),
      passwords,
      accountQuota: new AccountQuota(),
      throttle: new LoginThrottle(),
      tokens: new SessionTokens({ state, clock, signingKey: signing.privateKey, keys }),
      signingKey: signing.privateKey,
      keys,
      ready: () => this.#ready(clock),
      copiesNotices: new CopiesNotices(),
      trackers: others.length + 1,
    };
    this.#replicaDesk = {
      clock,
      commands,
      store,
      blobs,
      presence,
      announcer,
      news,
      held: () => core.vector,
      adopt: (vector) => checkpointer.adopt(vector),
      introduce,
      hash,
      greeted: (by) => this.#replicator.hurry(by),
    };
    this.#cancelUpkeep = every(clock, LOOK_MS, () => {
      presence.expire(clock.monotonicMs());
      const vectors = this.#replicator.allHeld;
      if (vectors !== undefined) checkpointer.settled(vectors);
    });
  }

  /** Begins to reach for the other trackers. */
  start(): void {
    this.#replicator.start();
  }

  /** Takes a connection of another tracker; undefined if its key is not that of a listed one: it is a client's. */
  acceptTracker(
    connection: Connection,
    events: Pick<ReplicaServerDependencies, "report" | "closed">,
  ): ReplicaServer | undefined {
    if (!this.#replicator.isTracker(connection.peer)) return undefined;
    return new ReplicaServer({ connection, desk: this.#replicaDesk, ...events });
  }

  /** @param params checked against the method's schema. @throws Failure */
  async answer<M extends Method>(
    link: ClientLink,
    method: M,
    params: Params<M>,
    tail: Uint8Array,
  ): Promise<MethodAnswer<M>> {
    if (this.#stopped) throw STOPPED;
    try {
      const answer = await answerMethod(this.#desk, link, method, params, tail);
      if (link.greeted && link.isOpen) this.#greeted.add(link);
      return answer;
    } catch (error) {
      if (error instanceof Failure && error.code === "disk-error") this.#fail(error);
      throw error;
    }
  }

  /** The connection has ended, and with it all that it held. */
  disconnected(link: ClientLink): void {
    this.#greeted.delete(link);
    closeSession(this.#desk, link);
    this.#desk.uploads.forget(link);
  }

  /** For the tracker's own prompt, a line each. */
  status(): string[] {
    const { presence, store, state } = this.#desk;
    const floor = store.floor();
    let entries = 0;
    for (const [origin, seq] of store.vector()) entries += seq - (floor.get(origin) ?? 0);
    const { users, groups } = state;
    return [
      `online: ${count(presence.users, "user")} on ${count(presence.devices, "machine")}`,
      `records: ${count(users.size, "user")}, ${count(groups.size, "group")}, ${count(store.fileCount(), "file")}`,
      `log: ${count(entries, "entry", "entries")}`,
      ...this.#snapshotStatus(),
      ...this.#replicator.status(),
    ];
  }

  /** Refuses everything from now on and leaves the others; the next start finds all that was done in the rows. */
  stop(): void {
    this.#refuseAll();
    this.#checkpointer.close();
  }

  #refuseAll(): void {
    this.#stopped = true;
    this.#cancelUpkeep();
    this.#replicator.close();
    this.#snapshotRounds?.stop();
    this.#desk.commands.stop(STOPPED);
  }

  #snapshotStatus(): string[] {
    if (this.#snapshots === undefined) return [];
    const { lastMs } = this.#snapshots;
    return [`last snapshot: ${lastMs === undefined ? "none yet" : new Date(lastMs).toISOString()}`];
  }

  #tellKeys(): void {
    const keys = [...this.#desk.keys()];
    for (const link of this.#greeted) link.notify({ kind: "keys", keys });
  }

  /** @throws Failure "try-later" if clients cannot be served soon */
  async #ready(clock: Clock): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = clock.after(HELLO_WAIT_MS_MAX, () => reject(STARTING));
    await Promise.race([this.#replicator.ready, late]).finally(cancel);
  }

  #fail(failure: Failure): void {
    if (this.#stopped) return;
    this.#refuseAll();
    this.#checkpointer.stop();
    this.#failed(failure);
  }
}

/** What this tracker has to give the others. */
function feedSource(core: TrackerCore, store: EventStore): FeedSource {
  return {
    held: core.vector,
    get floor() {
      return store.floor();
    },
    entryTexts: (origin, after, limit) => store.entryTexts(origin, after, limit),
    rowTexts: () => rowTexts(core),
  };
}

function* rowTexts({ state }: TrackerCore): Generator<string> {
  for (const row of rowsOf(state)) yield encodeRow(row);
}
