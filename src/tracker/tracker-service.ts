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
import type { SigningKey } from "../net/identity.ts";
import type { Method, Params } from "../wire/client-tracker.ts";
import type { Origin } from "../wire/entry.ts";
import { closeSession } from "./account-methods.ts";
import { AccountQuota } from "./account-quota.ts";
import { Announcer } from "./announcer.ts";
import { BlobUploads } from "./blob-uploads.ts";
import { Checkpointer } from "./checkpointer.ts";
import type { ClientLink } from "./client-link.ts";
import { CommandLog } from "./command-log.ts";
import { CopiesNotices } from "./copies-notice.ts";
import { TrackerCore } from "./core/machine.ts";
import type { State } from "./core/state.ts";
import { vectorKeys } from "./core/version-vector.ts";
import type { Desk } from "./desk.ts";
import { DialBack } from "./dial-back.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { NewsBook } from "./news.ts";
import type { Passwords } from "./passwords.ts";
import { Presence } from "./presence.ts";
import { RecentRemovals } from "./recent-removals.ts";
import { Cluster, type ClusterNetwork } from "./replication/cluster.ts";
import type { ReplicaServer } from "./replication/replica-server.ts";
import { SessionTokens } from "./session-tokens.ts";
import { SnapshotRounds } from "./snapshot-rounds.ts";
import type { EventStore } from "./store/event-store.ts";
import type { Snapshots } from "./store/snapshot-keeper.ts";
import { answerMethod, type MethodAnswer } from "./tracker-methods.ts";

export interface TrackerServiceDependencies extends ClusterNetwork {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly signing: SigningKey;
  readonly passwords: Passwords;
  /** Runs something when this turn of the event loop is over. */
  readonly afterTurn: (run: () => void) => void;
  /** Told once, when the disk has failed: the tracker must end. */
  readonly failed: (failure: Failure) => void;
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
  /** Name and version. */
  readonly program?: string | undefined;
}

const STARTING = new Failure("try-later", "this tracker is starting; try another tracker, or again shortly");
const STOPPED = new Failure("try-another", "this tracker has stopped; try another tracker");

export class TrackerService {
  readonly #desk: Desk;
  readonly #cluster: Cluster;
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
    const { no, origin, others, program = "p2p" } = options;
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
    const presence = new Presence<ClientLink>((device) => this.#cluster.presenceChanged(device));
    const news = new NewsBook(store);
    const endSession = (link: ClientLink) => closeSession(this.#desk, link);
    const announcer = new Announcer({
      state,
      presence,
      news,
      removals: new RecentRemovals(clock),
      endSession,
    });
    const cluster = new Cluster(
      {
        ...dependencies,
        core,
        checkpointer,
        commands: () => commands,
        presence,
        announcer,
        news,
        keysChanged: () => this.#tellKeys(),
        failed,
      },
      { no, others },
    );
    this.#cluster = cluster;
    const commands = new CommandLog({
      core,
      store,
      clock,
      announce: (announcements) => announcer.announce(announcements),
      committed: (batch) => {
        checkpointer.applied(batch.entries);
        checkpointer.merged(batch.merged);
        cluster.committed(batch);
      },
      spread: () => cluster.spread(),
      holders: () => cluster.holders(),
      failed,
      afterTurn,
    });
    const keys = () => cluster.keys;
    this.#desk = {
      program,
      dialBack: new DialBack(dependencies.transport, clock),
      no,
      clock,
      prng,
      state,
      store,
      presence,
      news,
      announcer,
      commands,
      cluster,
      copiesNotices: new CopiesNotices(),
      uploads: new BlobUploads(),
      passwords,
      accountQuota: new AccountQuota(),
      throttle: new LoginThrottle(),
      tokens: new SessionTokens({ state, clock, signingKey: signing.privateKey, keys }),
      signingKey: signing.privateKey,
      keys,
      ready: () => this.#ready(clock),
    };
    this.#cancelUpkeep = every(clock, LOOK_MS, () => cluster.tidy());
  }

  /** Begins to reach for the other trackers. */
  start(): void {
    this.#cluster.start();
  }

  /** Takes a connection of another tracker; undefined if it is a client's. */
  acceptTracker(...given: Parameters<Cluster["accept"]>): ReplicaServer | undefined {
    return this.#cluster.accept(...given);
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

  /** What this tracker knows, to be looked at. */
  get state(): State {
    return this.#desk.state;
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
      ...this.#cluster.status(),
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
    this.#cluster.close();
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
    await Promise.race([this.#cluster.ready, late]).finally(cancel);
  }

  #fail(failure: Failure): void {
    if (this.#stopped) return;
    this.#refuseAll();
    this.#checkpointer.stop();
    this.#failed(failure);
  }
}
