/**
 * This tracker's own connection to one other tracker of its list: dials it until the end, makes sure who it is, and over
 * it gives what the other lacks.
 *
 * Only a key that is pinned or was met first at that very address is talked to. One session follows another; what the
 * other was last known to hold is kept between them, since compaction must wait for it however long it is away.
 */
import { type Address, formatAddress } from "../../base/address.ts";
import type { Clock } from "../../base/clock.ts";
import { every } from "../../base/every.ts";
import { Failure, toFailure } from "../../base/failure.ts";
import type { Digest, Fingerprint } from "../../base/ids.ts";
import {
  CLOCK_APART_WARN_MS,
  HASH_COMPARE_MS,
  LOOK_MS,
  PRESENCE_RENEW_MS,
  REPLICA_RETRY_MS_MAX,
  REPLICA_RETRY_MS_MIN,
  REPLICA_SILENT_MS_MAX,
  REPLICA_TROUBLE_TOLD_MS,
} from "../../base/limits.ts";
import { count, formatDuration } from "../../base/text.ts";
import type { TrackerEntry } from "../../base/tracker-entry.ts";
import type { Connection, Transport } from "../../net/connection.ts";
import type { KnownTrackers } from "../../net/known-trackers.ts";
import { RpcConnection } from "../../net/rpc.ts";
import type { Origin } from "../../wire/entry.ts";
import {
  type Introduction,
  REPLICA_METHODS,
  replicaNotice,
  TRACKER_TRACKER_VERSION,
} from "../../wire/tracker-tracker.ts";
import { type VersionVector, vectorKeys, vectorOf } from "../core/version-vector.ts";
import type { Device } from "../presence.ts";
import { type FeedSource, LogFeed } from "./log-feed.ts";
import { PresenceFeed, type PresenceFeedDependencies } from "./presence-feed.ts";
import { entriesBehind, holdsAll } from "./sync-plan.ts";

const protocol = { methods: REPLICA_METHODS, notice: replicaNotice };
type ReplicaRpc = RpcConnection<typeof REPLICA_METHODS, typeof replicaNotice>;

export interface ReplicaLog {
  info(message: string): void;
  warn(message: string): void;
}

export interface ReplicaLinkDependencies {
  readonly transport: Pick<Transport, "dial">;
  readonly known: Pick<KnownTrackers, "judge" | "remember">;
  readonly clock: Clock;
  readonly log: ReplicaLog;
  /** This tracker as it is now. */
  readonly introduce: () => Introduction;
  readonly source: FeedSource;
  /** Of the state at the very vector that is held, if it is known. */
  readonly hash: () => string | undefined;
  readonly presence: Pick<PresenceFeedDependencies, "here" | "allHere">;
  readonly events: ReplicaLinkEvents;
}

export interface ReplicaLinkEvents {
  greeted(link: ReplicaLink, introduction: Introduction): void;
  /** It holds more than before, or is out of reach now. */
  changed(link: ReplicaLink): void;
}

interface Session {
  readonly rpc: ReplicaRpc;
  readonly feed: LogFeed;
  readonly presence: PresenceFeed;
  readonly clockAheadMs: number;
  /** Ends the timers. */
  readonly stop: () => void;
}

export class ReplicaLink {
  readonly entry: TrackerEntry;
  readonly #dependencies: ReplicaLinkDependencies;
  #session: Session | undefined;
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
  #comparedMs = 0;
  #closed = false;

  constructor(entry: TrackerEntry, dependencies: ReplicaLinkDependencies) {
    this.entry = entry;
    this.#dependencies = dependencies;
    this.#lostMs = dependencies.clock.monotonicMs();
  }

  start(): void {
    void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#endRest();
    this.#session?.rpc.close(new Failure("tracker-unreachable", "this tracker has ended"));
  }

  get isInReach(): boolean {
    return this.#session !== undefined;
  }

  /** Of the tracker that was met there. */
  get fingerprint(): Fingerprint | undefined {
    return this.#fingerprint;
  }

  /** What it was last known to hold on its disk; undefined if it was not met since the start. */
  get held(): VersionVector | undefined {
    return this.#session?.feed.acked ?? this.#held;
  }

  holds(origin: Origin, seq: number): boolean {
    return (this.held?.get(origin) ?? 0) >= seq;
  }

  /** Everything up to there is to reach the other. */
  offer(vector: VersionVector): void {
    this.#session?.feed.offer(vector);
  }

  presenceChanged(device: Device): void {
    this.#session?.presence.changed(device);
  }

  /** The other one is there: no need to rest before the next dial. */
  hurry(): void {
    this.#endRest();
  }

  /** Asks it to keep that piece list. @returns whether it does; false if it is out of reach */
  async keepBlob(digest: Digest): Promise<boolean> {
    const answer = await this.#session?.rpc.call("keep_blob", { digest });
    return answer?.result.has === true;
  }

  /** One part of a piece list, and the length of the whole. @throws Failure */
  async getBlob(digest: Digest, offset: number): Promise<{ bytes: Uint8Array; total: number }> {
    if (this.#session === undefined)
      throw new Failure("tracker-unreachable", `${this.#name} is out of reach`);
    const { result, tail } = await this.#session.rpc.call("get_blob", { digest, offset });
    return { bytes: tail, total: result.total };
  }

  /** For the tracker's own prompt. */
  get status(): string {
    const { source, clock } = this.#dependencies;
    const held = this.held ?? vectorOf([]);
    const lacks = count(entriesBehind(held, source.held), "entry", "entries");
    if (this.#session === undefined) {
      const since = formatDuration(Math.round((clock.monotonicMs() - this.#lostMs) / 1000));
      return `${this.#name}: out of reach for ${since} (${this.#trouble}), lacks ${lacks}, which are kept for it`;
    }
    const isInStep = holdsAll(held, source.held) && holdsAll(source.held, held);
    const missing = count(entriesBehind(source.held, held), "entry", "entries");
    const step = isInStep ? "in step" : `lacks ${lacks} that are here, has ${missing} that are not`;
    return `${this.#name}: ${step}, clock ${formatSkew(this.#session.clockAheadMs)}`;
  }

  get #name(): string {
    return `tracker ${this.entry.no} at ${formatAddress(this.entry.address)}`;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#hold(await this.#dial());
      } catch (error) {
        this.#troubled(toFailure(error));
      }
      if (!this.#closed) await this.#rest();
    }
  }

  /** Told when it has lasted: at a start trackers miss each other for a moment. */
  #troubled({ message }: Failure): void {
    const { clock, log } = this.#dependencies;
    this.#trouble = message;
    if (this.#closed || clock.monotonicMs() - this.#lostMs < REPLICA_TROUBLE_TOLD_MS) return;
    if (message !== this.#told) log.warn(`${this.#name} is out of reach: ${message}`);
    this.#told = message;
  }

  #rest(): Promise<void> {
    const restMs = this.#retryMs;
    this.#retryMs = Math.min(restMs * 2, REPLICA_RETRY_MS_MAX);
    return new Promise((resolve) => {
      const cancel = this.#dependencies.clock.after(restMs, resolve);
      this.#endRest = () => {
        cancel();
        resolve();
      };
    });
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

  /** From the greeting to the end of the connection. */
  async #hold(connection: Connection): Promise<void> {
    const { clock, introduce, log, events } = this.#dependencies;
    const ended = Promise.withResolvers<Failure | undefined>();
    const report = (error: unknown) => log.warn(toFailure(error).message);
    const handler = { closed: ended.resolve };
    const rpc: ReplicaRpc = new RpcConnection({ connection, protocol, clock, report, handler });
    try {
      const greeting = { version: TRACKER_TRACKER_VERSION, ...introduce() } as const;
      const cancel = this.#closeIfSilent(rpc);
      const { result } = await rpc.call("greet", greeting).catch(asGreetingRefused).finally(cancel);
      if (result.origin === greeting.origin)
        throw new Failure("tracker-refused", "this address of the list is this very tracker's");
      this.#begin(rpc, result);
      events.greeted(this, result);
      const reason = await ended.promise;
      throw reason ?? new Failure("tracker-unreachable", "it ended the connection");
    } finally {
      this.#finish(rpc);
    }
  }

  #begin(rpc: ReplicaRpc, { clockMs, vector }: Introduction): void {
    const { clock, source, presence, events } = this.#dependencies;
    const failed = (failure: Failure) => rpc.close(failure);
    const cancels = [
      every(clock, LOOK_MS, () => this.#look(rpc)),
      every(clock, PRESENCE_RENEW_MS, () => this.#session?.presence.renew()),
    ];
    this.#session = {
      rpc,
      feed: new LogFeed(
        source,
        {
          push: async (tail) => vectorOf((await rpc.call("push", {}, tail)).result.held),
          rows: async (tail) => void (await rpc.call("rows", {}, tail)),
          adopt: async (held) =>
            vectorOf((await rpc.call("adopt", { vector: vectorKeys(held) })).result.held),
        },
        { acked: () => events.changed(this), failed },
        vectorOf(vector),
      ),
      presence: new PresenceFeed({ ...presence, send: (message) => rpc.call("presence", message), failed }),
      clockAheadMs: clockMs - clock.nowMs(),
      stop: () => {
        for (const cancel of cancels) cancel();
      },
    };
    this.#retryMs = REPLICA_RETRY_MS_MIN;
    this.#told = "";
    this.#tellReached(this.#session.clockAheadMs);
    this.#session.presence.renew();
    this.#session.feed.offer(source.held);
  }

  #tellReached(clockAheadMs: number): void {
    const { log } = this.#dependencies;
    const skew = formatSkew(clockAheadMs);
    if (Math.abs(clockAheadMs) < CLOCK_APART_WARN_MS) log.info(`${this.#name} reached, its clock ${skew}`);
    else log.warn(`${this.#name} reached, but its clock is ${skew} from this one's: set them right`);
  }

  #finish(rpc: ReplicaRpc): void {
    const session = this.#session;
    this.#session = undefined;
    session?.stop();
    if (session !== undefined) {
      this.#held = session.feed.acked;
      this.#lostMs = this.#dependencies.clock.monotonicMs();
    }
    rpc.close();
    this.#dependencies.events.changed(this);
  }

  /** Learns how far the other is, and gives what it turns out to lack. */
  async #look(rpc: ReplicaRpc): Promise<void> {
    const cancel = this.#closeIfSilent(rpc);
    try {
      const { result } = await rpc.call("look", {});
      const theirs = vectorOf(result.vector);
      const session = this.#session;
      if (session?.rpc !== rpc) return;
      session.feed.heard(theirs);
      session.feed.offer(this.#dependencies.source.held);
      this.#compare(theirs, result.hash);
    } catch {
      // The connection has ended, which is told elsewhere.
    } finally {
      cancel();
    }
  }

  /** Equal vectors mean equal states: anything else is an alarm, mended by joining the one's state with the other's. */
  #compare(theirs: VersionVector, theirHash: string | undefined): void {
    const { clock, source, hash, log } = this.#dependencies;
    if (theirHash === undefined || clock.monotonicMs() - this.#comparedMs < HASH_COMPARE_MS) return;
    const own = hash();
    if (own === undefined || !holdsAll(source.held, theirs) || !holdsAll(theirs, source.held)) return;
    this.#comparedMs = clock.monotonicMs();
    if (own === theirHash) return;
    log.warn(
      `${this.#name} has seen the same as this tracker and holds another state: giving it all of this one's`,
    );
    this.#session?.feed.mend();
  }

  #closeIfSilent(rpc: ReplicaRpc): () => void {
    return this.#dependencies.clock.after(REPLICA_SILENT_MS_MAX, () =>
      rpc.close(new Failure("timeout", "it takes connections but does not answer")),
    );
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

/** `+1.3 s` for one that is ahead of this machine's. */
function formatSkew(aheadMs: number): string {
  const seconds = (aheadMs / 1000).toFixed(1);
  return `${aheadMs >= 0 ? "+" : ""}${seconds} s`;
}
