/**
 * Answers another tracker on a connection that it has dialled. Made for a connection whose key is that of a listed
 * tracker, in the turn in which it was accepted.
 *
 * What comes in is held against its schema and against what is here; nonsense is refused or ends the connection, and
 * nothing else notices.
 */
import type { Clock } from "../../base/clock.ts";
import { Failure, orThrow } from "../../base/failure.ts";
import type { Fingerprint } from "../../base/ids.ts";
import { BLOB_PART_BYTES, HANDSHAKE_MS_MAX, PRESENCE_LEASE_MS } from "../../base/limits.ts";
import type { Connection } from "../../net/connection.ts";
import { RpcConnection, type RpcReply } from "../../net/rpc.ts";
import type { EntryKey, Origin } from "../../wire/entry.ts";
import {
  decodeEntries,
  decodeRows,
  type Introduction,
  REPLICA_METHODS,
  type ReplicaMethod,
  type ReplicaParams,
  type ReplicaResult,
  replicaNotice,
} from "../../wire/tracker-tracker.ts";
import type { Announcer } from "../announcer.ts";
import type { ClientLink } from "../client-link.ts";
import type { CommandLog } from "../command-log.ts";
import { type VersionVector, vectorKeys, vectorOf } from "../core/version-vector.ts";
import type { NewsBook } from "../news.ts";
import type { Lease, Presence } from "../presence.ts";
import type { EventStore } from "../store/event-store.ts";
import type { BlobKeeper } from "./blob-keeper.ts";

const protocol = { methods: REPLICA_METHODS, notice: replicaNotice };

/** What the other trackers may work with. */
export interface ReplicaDesk {
  readonly clock: Clock;
  readonly commands: Pick<CommandLog, "merge" | "take">;
  readonly store: Pick<EventStore, "blobTotal" | "getBlob">;
  readonly blobs: Pick<BlobKeeper, "ensure">;
  readonly presence: Presence<ClientLink>;
  readonly announcer: Pick<Announcer, "sharesAppeared" | "sourceAppeared">;
  readonly news: Pick<NewsBook, "forget">;
  readonly held: () => VersionVector;
  /** The rows merged so far stand for all entries up to there. Resolves when they are durable. */
  readonly adopt: (vector: VersionVector) => Promise<void>;
  readonly introduce: () => Introduction;
  /** Of the state at the very vector that is held, if it is known. */
  readonly hash: () => string | undefined;
  /** Somebody with the key of a listed tracker has dialled this one. */
  readonly greeted: (by: Fingerprint) => void;
}

type Answer<M extends ReplicaMethod> = RpcReply<ReplicaResult<M>>;
type Table = {
  readonly [M in ReplicaMethod]: (
    desk: ReplicaDesk,
    by: Fingerprint,
    params: ReplicaParams<M>,
    tail: Uint8Array,
  ) => Answer<M> | Promise<Answer<M>>;
};

const TABLE: Table = {
  greet: (desk, by) => {
    desk.greeted(by);
    return { result: desk.introduce() };
  },

  push: async ({ commands, held }, _by, _params, tail) => {
    const entries = orThrow(decodeEntries(tail));
    await commands.take(entries);
    return { result: { held: keysOf(held(), new Set(entries.map(({ key }) => key.origin))) } };
  },

  look: ({ held, clock, hash }) => {
    const known = hash();
    return {
      result: {
        vector: vectorKeys(held()),
        clockMs: clock.nowMs(),
        ...(known === undefined ? {} : { hash: known }),
      },
    };
  },

  rows: async ({ commands }, _by, _params, tail) => {
    await commands.merge(orThrow(decodeRows(tail)));
    return { result: {} };
  },

  adopt: async ({ adopt, introduce, held }, _by, { vector }) => {
    const theirs = vectorOf(vector);
    const { origin } = introduce();
    if ((theirs.get(origin) ?? 0) > (held().get(origin) ?? 0))
      throw new Failure("protocol", "entries of this run that it has not made");
    await adopt(theirs);
    return { result: { held: vectorKeys(held()) } };
  },

  presence: (desk, by, { here, gone }) => {
    for (const device of gone) desk.presence.unlease(by, device, desk.clock.nowMs());
    for (const lease of here) takeLease(desk, by, lease);
    return { result: {} };
  },

  keep_blob: async ({ blobs }, _by, { digest }) => ({ result: { has: await blobs.ensure(digest) } }),

  get_blob: ({ store }, _by, { digest, offset }) => {
    const total = store.blobTotal(digest);
    const bytes = store.getBlob(digest, offset, BLOB_PART_BYTES);
    if (total === undefined || bytes === undefined)
      throw new Failure("unknown-file", `this tracker does not hold the piece list ${digest}`);
    return { result: { total }, tail: bytes };
  },
};

/** Those who wait for the machine's files are told of it, as if it had logged in here. */
function takeLease(desk: ReplicaDesk, by: Fingerprint, lease: Lease): void {
  const { presence, announcer, news, clock } = desk;
  const wasOnline = presence.isOnline(lease.uid);
  const arrival = presence.lease(by, lease, clock.monotonicMs() + PRESENCE_LEASE_MS);
  // Where the user has logged in, the news were handed out.
  if (arrival !== undefined && !wasOnline) news.forget(lease.uid);
  if (arrival?.isNew === true) announcer.sharesAppeared(lease);
  for (const file of arrival?.follows ?? []) announcer.sourceAppeared(lease, file, false);
}

function keysOf(vector: VersionVector, origins: ReadonlySet<Origin>): EntryKey[] {
  return [...origins].flatMap((origin) => {
    const seq = vector.get(origin);
    return seq === undefined ? [] : { origin, seq };
  });
}

export interface ReplicaServerDependencies {
  readonly connection: Connection;
  readonly desk: ReplicaDesk;
  readonly report: (error: unknown) => void;
  readonly closed: (server: ReplicaServer) => void;
}

export class ReplicaServer {
  readonly #rpc: RpcConnection<typeof REPLICA_METHODS, typeof replicaNotice>;
  #isGreeted = false;

  constructor({ connection, desk, report, closed }: ReplicaServerDependencies) {
    const { clock } = desk;
    const cancelDeadline = clock.after(HANDSHAKE_MS_MAX, () => {
      if (!this.#isGreeted) this.close(new Failure("timeout", "no greeting in time"));
    });
    this.#rpc = new RpcConnection({
      connection,
      protocol,
      clock,
      report,
      handler: {
        request: (method, params, tail) => this.#answer(desk, method, params, tail),
        closed: () => {
          cancelDeadline();
          closed(this);
        },
      },
    });
  }

  close(reason: Failure): void {
    this.#rpc.close(reason);
  }

  /** Sends what is queued, then ends. */
  finish(): void {
    this.#rpc.finish();
  }

  async #answer<M extends ReplicaMethod>(
    desk: ReplicaDesk,
    method: M,
    params: ReplicaParams<M>,
    tail: Uint8Array,
  ): Promise<Answer<M>> {
    if (!this.#isGreeted && method !== "greet") throw new Failure("protocol", "a greeting comes first");
    this.#isGreeted = true;
    return TABLE[method](desk, this.#rpc.peer, params, tail);
  }
}
