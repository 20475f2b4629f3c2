/**
 * The tracker process: identity, store, service and listening socket put together, and taken apart again.
 *
 * It ends in one of two ways: `close`, or a disk that fails, after which it answers nothing more, ends all connections
 * and tells so in `failed`. What was acknowledged before either is in the store.
 */
import { join } from "node:path";
import { type Address, formatAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import {
  TRACKER_CLOSE_MS_MAX,
  TRACKER_CONNECTIONS_MAX,
  TRACKER_CONNECTIONS_PER_ADDRESS_MAX,
} from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import { randomHex, randomSeed } from "../base/random.ts";
import { count } from "../base/text.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import type { Connection, Listener, Transport } from "../net/connection.ts";
import { findIdentity, loadOrMakeIdentity, loadOrMakeSigningKey, type SigningKey } from "../net/identity.ts";
import { KnownTrackers } from "../net/known-trackers.ts";
import { TlsTcpTransport } from "../net/tls-tcp.ts";
import type { Origin } from "../wire/entry.ts";
import type { State } from "./core/state.ts";
import { Passwords } from "./passwords.ts";
import type { ReplicaServer } from "./replication/replica-server.ts";
import { RpcLink } from "./rpc-link.ts";
import type { EventStore } from "./store/event-store.ts";
import { SnapshotKeeper, type Snapshots } from "./store/snapshot-keeper.ts";
import { SqliteStore } from "./store/sqlite-store.ts";
import { TrackerService } from "./tracker-service.ts";

/** Where a tracker says what happens. */
export interface TrackerLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: unknown): void;
}

export interface TrackerOptions {
  /** The tracker's number in its list. */
  readonly no: number;
  /** Where it listens. */
  readonly address: Address;
  /** The whole list. */
  readonly trackers: readonly TrackerEntry[];
  readonly log: TrackerLog;
  readonly clock: Clock;
  /** Name and version, for whoever asks. */
  readonly program?: string;
}

/** What a tracker stands on. */
export interface TrackerParts {
  readonly transport: Transport;
  /** Of the key that the transport shows. */
  readonly fingerprint: Fingerprint;
  /** Closed with the tracker. */
  readonly store: EventStore;
  /** Copies of the store for the operator, if there are any. */
  readonly snapshots?: Snapshots;
  readonly signing: SigningKey;
  readonly passwords: Passwords;
  /** Which keys the other trackers have shown. */
  readonly known: Pick<KnownTrackers, "judge" | "recall" | "remember">;
  /** Of this run alone. */
  readonly origin: Origin;
  readonly prng: Prng;
  /** Runs something when this turn of the event loop is over. */
  readonly afterTurn: (run: () => void) => void;
}

/** @returns the key that a tracker with that folder shows, running or not; undefined before its first start. @throws Failure */
export async function findTrackerKey(dataFolder: string): Promise<Fingerprint | undefined> {
  return (await findIdentity(dataFolder))?.fingerprint;
}

/** Makes the key if need be, as the first start does. @param dataFolder exists, and is this process's alone. @throws Failure */
export async function makeTrackerKey(dataFolder: string): Promise<Fingerprint> {
  return (await loadOrMakeIdentity(dataFolder)).fingerprint;
}

/** @param options.dataFolder exists, and is this process's alone. @throws Failure */
export async function startTracker(
  options: TrackerOptions & { readonly dataFolder: string },
): Promise<TrackerServer> {
  const { dataFolder, clock, log, no } = options;
  const identity = await loadOrMakeIdentity(dataFolder);
  const signing = await loadOrMakeSigningKey(dataFolder);
  const known = await KnownTrackers.open(dataFolder);
  const transport = new TlsTcpTransport(
    { identity, clock, report: (error) => log.error(error) },
    { connectionsMax: TRACKER_CONNECTIONS_MAX, perAddressMax: TRACKER_CONNECTIONS_PER_ADDRESS_MAX },
  );
  const database = join(dataFolder, "tracker.sqlite");
  const parts: TrackerParts = {
    transport,
    fingerprint: identity.fingerprint,
    store: SqliteStore.open(database),
    snapshots: new SnapshotKeeper(database, join(dataFolder, "snapshots")),
    signing,
    passwords: new Passwords(),
    known,
    origin: `${no}-${randomHex(8)}` as Origin,
    prng: new Prng(randomSeed()),
    afterTurn: setImmediate,
  };
  return TrackerServer.open(parts, options);
}

export class TrackerServer {
  readonly fingerprint: Fingerprint;
  /** Resolves if the disk fails; the tracker has ended by then. */
  readonly failed: Promise<Failure>;
  readonly #options: TrackerOptions;
  readonly #store: EventStore;
  readonly #snapshots: Snapshots | undefined;
  readonly #afterTurn: (run: () => void) => void;
  readonly #service: TrackerService;
  readonly #links = new Set<RpcLink>();
  /** Connections of other trackers. */
  readonly #replicas = new Set<ReplicaServer>();
  #listener: Listener | undefined;
  #closing: Promise<void> | undefined;
  #allGone: () => void = () => {};

  /** Brings the state back and listens. The parts' store is closed whatever comes. @throws Failure */
  static async open(parts: TrackerParts, options: TrackerOptions): Promise<TrackerServer> {
    try {
      const server = new TrackerServer(parts, options);
      await server.#listen(parts.transport);
      server.#service.start();
      return server;
    } catch (error) {
      parts.store.close();
      throw error;
    }
  }

  private constructor(parts: TrackerParts, options: TrackerOptions) {
    const { transport, fingerprint, store, snapshots, signing, passwords, known } = parts;
    const { origin, prng, afterTurn } = parts;
    const { clock, no, trackers, log, program } = options;
    const failed = Promise.withResolvers<Failure>();
    this.fingerprint = fingerprint;
    this.failed = failed.promise;
    this.#options = options;
    this.#store = store;
    this.#snapshots = snapshots;
    this.#afterTurn = afterTurn;
    this.#service = new TrackerService(
      {
        store,
        clock,
        signing,
        passwords,
        prng,
        afterTurn,
        transport,
        known,
        log,
        snapshots,
        failed: (failure) => void this.#fail(failure).finally(() => failed.resolve(failure)),
      },
      { no, origin, others: trackers.filter((entry) => entry.no !== no), program },
    );
  }

  /** With the port really taken. */
  get address(): Address {
    return this.#listener?.address ?? this.#options.address;
  }

  /** What this tracker knows, to be looked at: a simulation compares it with others. */
  get state(): State {
    return this.#service.state;
  }

  /** For the tracker's own prompt, a line each. */
  status(): readonly string[] {
    const { no, trackers } = this.#options;
    return [
      `tracker ${no} of ${trackers.length}, listening on ${formatAddress(this.address)}`,
      `key: sha256:${this.fingerprint}`,
      `connections: ${count(this.#links.size, "client")}`,
      ...this.#service.status(),
    ];
  }

  /** Copies the database now. @returns where the copies are. @throws Failure */
  async snapshot(): Promise<string> {
    const snapshots = this.#snapshots;
    if (snapshots === undefined) throw new Failure("disk-error", "this tracker keeps no copies");
    await snapshots.take(this.#options.clock.nowMs());
    return snapshots.folder;
  }

  /** Takes nothing more, sends the answers that are due, ends all connections, closes the store. May be repeated. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #listen(transport: Transport): Promise<void> {
    this.#listener = await transport.listen(this.#options.address, (connection) => this.#accept(connection));
  }

  #accept(connection: Connection): void {
    const { clock, log } = this.#options;
    const report = (error: unknown) => log.error(error);
    const replica = this.#service.acceptTracker(connection, {
      report,
      closed: (server) => {
        this.#replicas.delete(server);
        this.#lookIfGone();
      },
    });
    if (replica !== undefined) {
      connection.vouch(true);
      this.#replicas.add(replica);
      return;
    }
    const link = new RpcLink({
      connection,
      service: this.#service,
      clock,
      report,
      closed: () => {
        this.#links.delete(link);
        this.#lookIfGone();
      },
    });
    this.#links.add(link);
  }

  #lookIfGone(): void {
    if (this.#links.size + this.#replicas.size === 0) this.#allGone();
  }

  /** Those who wait are told first: their answers are on their way when this turn is over. */
  async #fail(failure: Failure): Promise<void> {
    this.#options.log.error(failure.message);
    this.#listener?.close();
    await new Promise<void>((resolve) => this.#afterTurn(resolve));
    await this.close();
  }

  async #close(): Promise<void> {
    this.#listener?.close();
    this.#service.stop();
    const connections = () => [...this.#links, ...this.#replicas];
    for (const connection of connections()) connection.finish();
    await this.#linksGone();
    for (const connection of connections()) connection.close(new Failure("timeout", "the tracker has ended"));
    this.#store.close();
  }

  /** A client that does not read does not keep the tracker from ending. */
  #linksGone(): Promise<void> {
    if (this.#links.size + this.#replicas.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(TRACKER_CLOSE_MS_MAX, resolve);
      this.#allGone = () => {
        cancel();
        resolve();
      };
    });
  }
}
