/**
 * One greeted connection to another tracker: what goes over it until it ends.
 *
 * Gives what the other lacks, tells who is online here, asks now and then how far it is. The connection is its maker's;
 * whatever goes wrong here closes it.
 */
import type { Clock } from "../../base/clock.ts";
import { every } from "../../base/every.ts";
import { Failure } from "../../base/failure.ts";
import type { Digest } from "../../base/ids.ts";
import { HASH_COMPARE_MS, LOOK_MS, PRESENCE_RENEW_MS, REPLICA_SILENT_MS_MAX } from "../../base/limits.ts";
import type { RpcConnection } from "../../net/rpc.ts";
import type { Introduction, REPLICA_METHODS, replicaNotice } from "../../wire/tracker-tracker.ts";
import { type VersionVector, vectorKeys, vectorOf } from "../core/version-vector.ts";
import type { Device } from "../presence.ts";
import { type FeedCalls, type FeedSource, LogFeed } from "./log-feed.ts";
import { PresenceFeed, type PresenceFeedDependencies } from "./presence-feed.ts";
import { holdsAll } from "./sync-plan.ts";

export type ReplicaRpc = RpcConnection<typeof REPLICA_METHODS, typeof replicaNotice>;

export interface ReplicaSessionDependencies {
  readonly rpc: ReplicaRpc;
  readonly clock: Clock;
  readonly source: FeedSource;
  readonly presence: Pick<PresenceFeedDependencies, "here" | "allHere">;
  /** Of the state at the very vector that is held, if it is known. */
  readonly hash: () => string | undefined;
  /** The other holds more than before. */
  readonly changed: () => void;
  /** The other holds the same entries and another state: an alarm. */
  readonly differs: () => void;
}

export class ReplicaSession {
  /** How far the other's wall clock is ahead of this machine's. */
  readonly clockAheadMs: number;
  readonly #dependencies: ReplicaSessionDependencies;
  readonly #feed: LogFeed;
  readonly #presence: PresenceFeed;
  readonly #cancels: readonly (() => void)[];
  #comparedMs: number;

  constructor(dependencies: ReplicaSessionDependencies, { clockMs, vector }: Introduction) {
    const { rpc, clock, source, presence, changed } = dependencies;
    const failed = (failure: Failure) => rpc.close(failure);
    this.#dependencies = dependencies;
    this.clockAheadMs = clockMs - clock.nowMs();
    this.#feed = new LogFeed(source, feedCalls(rpc), { acked: changed, failed }, vectorOf(vector));
    this.#presence = new PresenceFeed({
      ...presence,
      send: (message) => rpc.call("presence", message),
      failed,
    });
    this.#comparedMs = clock.monotonicMs();
    this.#cancels = [
      every(clock, LOOK_MS, () => this.#look()),
      every(clock, PRESENCE_RENEW_MS, () => this.#presence.renew()),
    ];
  }

  /** Gives all that there is. */
  start(): void {
    this.#presence.renew();
    this.#feed.offer(this.#dependencies.source.held);
  }

  /** Nothing more is begun. */
  stop(): void {
    for (const cancel of this.#cancels) cancel();
  }

  /** What the other has said it holds durably. */
  get acked(): VersionVector {
    return this.#feed.acked;
  }

  /** Everything up to there is to reach the other. */
  offer(vector: VersionVector): void {
    this.#feed.offer(vector);
  }

  presenceChanged(device: Device): void {
    this.#presence.changed(device);
  }

  /** Asks the other to keep that piece list. @returns whether it does. @throws Failure */
  async keepBlob(digest: Digest): Promise<boolean> {
    return (await this.#dependencies.rpc.call("keep_blob", { digest })).result.has;
  }

  /** One part of a piece list, and the length of the whole. @throws Failure */
  async getBlob(digest: Digest, offset: number): Promise<{ bytes: Uint8Array; total: number }> {
    const { result, tail } = await this.#dependencies.rpc.call("get_blob", { digest, offset });
    return { bytes: tail, total: result.total };
  }

  /** Learns how far the other is, and gives what it turns out to lack. */
  async #look(): Promise<void> {
    const { rpc, clock, source } = this.#dependencies;
    const cancel = closeIfSilent(rpc, clock);
    try {
      const { result } = await rpc.call("look", {});
      const theirs = vectorOf(result.vector);
      this.#feed.heard(theirs);
      this.#feed.offer(source.held);
      this.#compare(theirs, result.hash);
    } catch {
      // The connection has ended, which is told elsewhere.
    } finally {
      cancel();
    }
  }

  /** Equal vectors mean equal states: anything else is mended by joining the one's state with the other's. */
  #compare(theirs: VersionVector, theirHash: string | undefined): void {
    const { clock, source, hash, differs } = this.#dependencies;
    if (theirHash === undefined || clock.monotonicMs() - this.#comparedMs < HASH_COMPARE_MS) return;
    const own = hash();
    if (own === undefined || !holdsAll(source.held, theirs) || !holdsAll(theirs, source.held)) return;
    this.#comparedMs = clock.monotonicMs();
    if (own === theirHash) return;
    differs();
    this.#feed.mend();
  }
}

/** @returns what lets the other answer as late as it likes */
export function closeIfSilent(rpc: ReplicaRpc, clock: Clock): () => void {
  return clock.after(REPLICA_SILENT_MS_MAX, () =>
    rpc.close(new Failure("timeout", "it takes connections but does not answer")),
  );
}

function feedCalls(rpc: ReplicaRpc): FeedCalls {
  return {
    push: async (tail) => vectorOf((await rpc.call("push", {}, tail)).result.held),
    rows: async (tail) => void (await rpc.call("rows", {}, tail)),
    adopt: async (vector) => vectorOf((await rpc.call("adopt", { vector: vectorKeys(vector) })).result.held),
  };
}
