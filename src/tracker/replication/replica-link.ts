/**
 * This tracker's own way to one other tracker of its list: dials it until the end and makes sure who it is.
 *
 * Only a key that is pinned or was met first at that very address is talked to. One session follows another; what the
 * other was last known to hold is kept between them, since compaction must wait for it however long it is away.
 */
import { type Address, formatAddress } from "../../base/address.ts";
import type { Clock } from "../../base/clock.ts";
import { Failure, toFailure } from "../../base/failure.ts";
import type { Digest, Fingerprint } from "../../base/ids.ts";
import {
  CLOCK_APART_WARN_MS,
  REPLICA_RETRY_MS_MAX,
  REPLICA_RETRY_MS_MIN,
  REPLICA_TROUBLE_TOLD_MS,
} from "../../base/limits.ts";
import { count, formatDuration } from "../../base/text.ts";
import type { TrackerEntry } from "../../base/tracker-entry.ts";
import type { Connection, Transport } from "../../net/connection.ts";
import type { KnownTrackers } from "../../net/known-trackers.ts";
import { RpcConnection } from "../../net/rpc.ts";
import type { TrackerStanding } from "../../wire/client-tracker.ts";
import type { Origin } from "../../wire/entry.ts";
import {
  type Introduction,
  REPLICA_METHODS,
  replicaNotice,
  TRACKER_TRACKER_VERSION,
} from "../../wire/tracker-tracker.ts";
import type { VersionVector } from "../core/version-vector.ts";
import type { Device } from "../presence.ts";
import {
  closeIfSilent,
  type ReplicaRpc,
  ReplicaSession,
  type ReplicaSessionDependencies,
} from "./replica-session.ts";
import { entriesBehind, holdsAll } from "./sync-plan.ts";

const protocol = { methods: REPLICA_METHODS, notice: replicaNotice };
const NOTHING: VersionVector = new Map();

export interface ReplicaLog {
  info(message: string): void;
  warn(message: string): void;
}

export interface ReplicaLinkDependencies
  extends Pick<ReplicaSessionDependencies, "clock" | "source" | "presence" | "hash"> {
  readonly transport: Pick<Transport, "dial">;
  readonly known: Pick<KnownTrackers, "judge" | "remember">;
  readonly log: ReplicaLog;
  /** This tracker as it is now. */
  readonly introduce: () => Introduction;
  readonly events: ReplicaLinkEvents;
}

export interface ReplicaLinkEvents {
  greeted(link: ReplicaLink, introduction: Introduction): void;
  /** It holds more than before, or is out of reach now. */
  changed(link: ReplicaLink): void;
}

export class ReplicaLink {
  readonly entry: TrackerEntry;
  readonly #dependencies: ReplicaLinkDependencies;
  readonly #clock: Clock;
  #rpc: ReplicaRpc | undefined;
  /** Set exactly while the other is greeted and connected. */
  #session: ReplicaSession | undefined;
  /** From the last session. */
  #held: VersionVector | undefined;
  #fingerprint: Fingerprint | undefined;
  #trouble = "not met yet";
  /** The trouble that the log knows of. */
  #told = "";
  /** Since when it is out of reach. */
  #lostMs: number;
  #retryMs = REPLICA_RETRY_MS_MIN;
  #endRest: () => void = () => {};
  #isClosed = false;

  constructor(entry: TrackerEntry, dependencies: ReplicaLinkDependencies) {
    this.entry = entry;
    this.#dependencies = dependencies;
    this.#clock = dependencies.clock;
    this.#lostMs = this.#clock.monotonicMs();
  }

  start(): void {
    void this.#run();
  }

  close(): void {
    this.#isClosed = true;
    this.#endRest();
    this.#rpc?.close(new Failure("tracker-unreachable", "this tracker has ended"));
  }

  // --- what is known of the other ---

  get isInReach(): boolean {
    return this.#session !== undefined;
  }

  /** Of the tracker that was met there. */
  get fingerprint(): Fingerprint | undefined {
    return this.#fingerprint;
  }

  /** What it was last known to hold on its disk; undefined if it was not met since the start. */
  get held(): VersionVector | undefined {
    return this.#session?.acked ?? this.#held;
  }

  holds(origin: Origin, seq: number): boolean {
    return (this.held?.get(origin) ?? 0) >= seq;
  }

  /** For the tracker's own prompt. */
  get status(): string {
    const ours = this.#dependencies.source.held;
    const theirs = this.held ?? NOTHING;
    const lacks = count(entriesBehind(theirs, ours), "entry", "entries");
    if (this.#session === undefined) {
      const since = formatDuration((this.#clock.monotonicMs() - this.#lostMs) / 1000);
      return `${this.#name}: out of reach for ${since} (${this.#trouble}), lacks ${lacks}, which are kept for it`;
    }
    const missing = count(entriesBehind(ours, theirs), "entry", "entries");
    const isInStep = holdsAll(theirs, ours) && holdsAll(ours, theirs);
    const step = isInStep ? "in step" : `lacks ${lacks} that are here, has ${missing} that are not`;
    return `${this.#name}: ${step}, its clock is ${formatSkew(this.#session.clockAheadMs)}`;
  }

  /** The same in numbers. */
  get standing(): TrackerStanding {
    const ours = this.#dependencies.source.held;
    const theirs = this.held ?? NOTHING;
    return {
      tracker: this.entry.no,
      reachable: this.isInReach,
      lacks: entriesBehind(theirs, ours),
      ahead: entriesBehind(ours, theirs),
    };
  }

  // --- what it is to get ---

  /** Everything up to there is to reach the other. */
  offer(vector: VersionVector): void {
    this.#session?.offer(vector);
  }

  presenceChanged(device: Device): void {
    this.#session?.presenceChanged(device);
  }

  /** The other one is there: no need to rest before the next dial. */
  hurry(): void {
    this.#endRest();
  }

  /** Asks it to keep that piece list. @returns whether it does. @throws Failure */
  async keepBlob(digest: Digest): Promise<boolean> {
    return this.#connected().keepBlob(digest);
  }

  /** One part of a piece list, and the length of the whole. @throws Failure */
  async getBlob(digest: Digest, offset: number): Promise<{ bytes: Uint8Array; total: number }> {
    return this.#connected().getBlob(digest, offset);
  }

  #connected(): ReplicaSession {
    if (this.#session !== undefined) return this.#session;
    throw new Failure("tracker-unreachable", `${this.#name} is out of reach`);
  }

  // --- dialling ---

  get #name(): string {
    return `tracker ${this.entry.no} at ${formatAddress(this.entry.address)}`;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#hold(await this.#dial());
      } catch (error) {
        this.#troubled(toFailure(error));
      }
      if (!this.#isClosed) await this.#rest();
    }
  }

  async #dial(): Promise<Connection> {
    const { transport, known, log } = this.#dependencies;
    const { address, pin } = this.entry;
    const connection = await reach(transport, address);
    const verdict = known.judge(address, connection.peer, pin);
    if (verdict instanceof Failure) {
      connection.close();
      throw verdict;
    }
    this.#fingerprint = connection.peer;
    if (verdict === "first-use") {
      // Not awaited: the connection has to be taken in this very turn.
      known.remember(address, connection.peer).catch((error) => log.warn(toFailure(error).message));
      log.info(`${this.#name} met for the first time: its key is sha256:${connection.peer}`);
    }
    return connection;
  }

  /** From the greeting to the end of the connection. @throws Failure what ended it */
  async #hold(connection: Connection): Promise<never> {
    const { introduce, log, events } = this.#dependencies;
    const ended = Promise.withResolvers<Failure | undefined>();
    const rpc: ReplicaRpc = new RpcConnection({
      connection,
      protocol,
      clock: this.#clock,
      report: (error) => log.warn(toFailure(error).message),
      handler: { closed: ended.resolve },
    });
    this.#rpc = rpc;
    try {
      const own = introduce();
      const cancel = closeIfSilent(rpc, this.#clock);
      const greeting = rpc.call("greet", { version: TRACKER_TRACKER_VERSION, ...own });
      const { result } = await greeting.catch(asGreetingRefused).finally(cancel);
      if (result.origin === own.origin)
        throw new Failure("tracker-refused", "this address is this tracker's own; list each tracker once");
      this.#begin(rpc, result);
      events.greeted(this, result);
      throw (await ended.promise) ?? new Failure("tracker-unreachable", "it ended the connection");
    } finally {
      this.#finish(rpc);
    }
  }

  #begin(rpc: ReplicaRpc, introduction: Introduction): void {
    const { events, log } = this.#dependencies;
    const session = new ReplicaSession(
      {
        ...this.#dependencies,
        rpc,
        changed: () => events.changed(this),
        differs: () =>
          log.warn(
            `${this.#name} has seen the same as this tracker and holds another state: giving it all of this one's`,
          ),
      },
      introduction,
    );
    this.#session = session;
    this.#retryMs = REPLICA_RETRY_MS_MIN;
    this.#told = "";
    this.#tellReached(session.clockAheadMs);
    session.start();
  }

  #finish(rpc: ReplicaRpc): void {
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) {
      session.stop();
      this.#held = session.acked;
      this.#lostMs = this.#clock.monotonicMs();
    }
    rpc.close();
    this.#dependencies.events.changed(this);
  }

  #rest(): Promise<void> {
    const restMs = this.#retryMs;
    this.#retryMs = Math.min(restMs * 2, REPLICA_RETRY_MS_MAX);
    return new Promise((resolve) => {
      const cancel = this.#clock.after(restMs, resolve);
      this.#endRest = () => {
        cancel();
        resolve();
      };
    });
  }

  // --- what the log hears ---

  #tellReached(clockAheadMs: number): void {
    const { log } = this.#dependencies;
    const skew = formatSkew(clockAheadMs);
    if (Math.abs(clockAheadMs) < CLOCK_APART_WARN_MS) log.info(`${this.#name} reached, its clock is ${skew}`);
    else log.warn(`${this.#name} reached, but its clock is ${skew}: set them right`);
  }

  /** Told when it has lasted: at a start trackers miss each other for a moment. */
  #troubled({ message }: Failure): void {
    this.#trouble = message;
    if (this.#isClosed || this.#clock.monotonicMs() - this.#lostMs < REPLICA_TROUBLE_TOLD_MS) return;
    if (message !== this.#told) this.#dependencies.log.warn(`${this.#name} is out of reach: ${message}`);
    this.#told = message;
  }
}

/** To one that has not met this tracker's key, it is a client that asks for what clients cannot have. */
function asGreetingRefused(error: unknown): never {
  const failure = toFailure(error);
  if (failure.code !== "protocol") throw failure;
  throw new Failure(
    "tracker-refused",
    "it does not know this tracker: its tracker_info.txt must list this one at an address where it can be dialled",
  );
}

/** The address is said by who names the tracker: here only the cause. */
async function reach(transport: Pick<Transport, "dial">, address: Address): Promise<Connection> {
  try {
    return await transport.dial(address, undefined);
  } catch (error) {
    const { code, message } = toFailure(error);
    throw new Failure(code, message.replace(`cannot connect to ${formatAddress(address)}: `, ""));
  }
}

/** `3s ahead` of this machine's. */
function formatSkew(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return seconds === 0 ? "the same" : `${formatDuration(seconds)} ${aheadMs > 0 ? "ahead" : "behind"}`;
}
