/**
 * This tracker among the others of its list: a link to each, what is waited for, what is known of them.
 *
 * It moves what is durable here to the others and is told of what they have; what comes from them is `replica-server`'s
 * and goes through the command log like everything else. A lone tracker has none of this and serves at once.
 */

import type { Clock } from "../../base/clock.ts";
import type { Fingerprint } from "../../base/ids.ts";
import { SPREAD_MS_MAX, START_WAIT_MS } from "../../base/limits.ts";
import type { TrackerEntry } from "../../base/tracker-entry.ts";
import type { Transport } from "../../net/connection.ts";
import type { KnownTrackers } from "../../net/known-trackers.ts";
import type { Entry } from "../../wire/entry.ts";
import type { Introduction } from "../../wire/tracker-tracker.ts";
import type { TrackerCore } from "../core/machine.ts";
import type { VersionVector } from "../core/version-vector.ts";
import type { FeedSource } from "./log-feed.ts";
import type { PresenceFeedDependencies } from "./presence-feed.ts";
import { ReplicaLink, type ReplicaLog } from "./replica-link.ts";
import { Spread } from "./spread.ts";
import { mayServe } from "./start-gate.ts";
import { holdsAll } from "./sync-plan.ts";

export interface ReplicatorDependencies {
  readonly core: Pick<TrackerCore, "origin" | "vector">;
  readonly source: FeedSource;
  readonly transport: Pick<Transport, "dial">;
  readonly known: Pick<KnownTrackers, "judge" | "recall" | "remember">;
  readonly clock: Clock;
  readonly log: ReplicaLog;
  readonly introduce: () => Introduction;
  /** Of the state at the very vector that is held, if it is known. */
  readonly hash: () => string | undefined;
  readonly presence: Pick<PresenceFeedDependencies, "here" | "allHere">;
  /** Another tracker was met: who it is. */
  readonly met: (entry: TrackerEntry, introduction: Introduction) => void;
}

export class Replicator {
  readonly links: readonly ReplicaLink[];
  /** Resolves when clients may be served. */
  readonly ready: Promise<void>;
  readonly #dependencies: ReplicatorDependencies;
  readonly #spread: Spread;
  readonly #startedMs: number;
  readonly #wasEmpty: boolean;
  /** What those who were met since the start held at that moment. */
  readonly #answers: VersionVector[] = [];
  #setReady: (() => void) | undefined;
  #cancelStart = () => {};

  /** @param others the listed trackers but this one */
  constructor(others: readonly TrackerEntry[], dependencies: ReplicatorDependencies) {
    const { core, clock } = dependencies;
    this.#dependencies = dependencies;
    this.#startedMs = clock.monotonicMs();
    this.#wasEmpty = core.vector.size === 0;
    const events = {
      greeted: (link: ReplicaLink, introduction: Introduction) => this.#greeted(link, introduction),
      changed: () => this.#changed(),
    };
    this.links = others.map((entry) => new ReplicaLink(entry, { ...dependencies, events }));
    const receivers = this.links.map((link) => ({
      get isInReach() {
        return link.isInReach;
      },
      holds: (seq: number) => link.holds(core.origin, seq),
    }));
    this.#spread = new Spread(clock, receivers);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#setReady = resolve;
    if (this.links.length === 0) this.#serve();
  }

  start(): void {
    for (const link of this.links) link.start();
    this.#lookAtStart();
  }

  close(): void {
    this.#cancelStart();
    for (const link of this.links) link.close();
  }

  /** Whether that is the key of a listed tracker: pinned, or met at its address. */
  isTracker(fingerprint: Fingerprint): boolean {
    const { known } = this.#dependencies;
    return this.links.some(({ entry }) => (entry.pin ?? known.recall(entry.address)) === fingerprint);
  }

  /** Somebody with that key has dialled this tracker: it is there. */
  hurry(fingerprint: Fingerprint): void {
    for (const link of this.links) if (link.fingerprint === fingerprint) link.hurry();
  }

  /** These are durable here now. What this tracker made itself goes out at once; the rest its makers give themselves. */
  committed(entries: readonly Entry[]): void {
    const { origin, vector } = this.#dependencies.core;
    if (entries.some(({ key }) => key.origin === origin)) {
      const own = new Map([[origin, vector.get(origin) ?? 0]]);
      for (const link of this.links) link.offer(own);
    }
    if (this.#setReady !== undefined) this.#lookAtStart();
  }

  /** Resolves when the others in reach have what this tracker has made, or have taken too long: how many have it. */
  spread(): Promise<number> {
    const { core } = this.#dependencies;
    return this.#spread.until(core.vector.get(core.origin) ?? 0);
  }

  /** How many trackers are known to have all that is here, this one included. */
  holders(): number {
    const { vector } = this.#dependencies.core;
    return 1 + this.links.filter(({ held }) => held !== undefined && holdsAll(held, vector)).length;
  }

  /** What each of the others was last known to hold; undefined while one has not been met since the start. */
  get allHeld(): readonly VersionVector[] | undefined {
    const vectors = this.links.flatMap(({ held }) => held ?? []);
    return vectors.length === this.links.length ? vectors : undefined;
  }

  #greeted(link: ReplicaLink, introduction: Introduction): void {
    this.#answers.push(link.held ?? new Map());
    this.#dependencies.met(link.entry, introduction);
    this.#changed();
    this.#lookAtStart();
  }

  #changed(): void {
    const { core } = this.#dependencies;
    this.#spread.changed(core.vector.get(core.origin) ?? 0);
  }

  #lookAtStart(): void {
    const { clock, core } = this.#dependencies;
    this.#cancelStart();
    if (this.#setReady === undefined) return;
    const elapsedMs = clock.monotonicMs() - this.#startedMs;
    const facts = { elapsedMs, wasEmpty: this.#wasEmpty, held: core.vector, answers: this.#answers };
    if (!mayServe(facts)) {
      const waitMs = Math.max(START_WAIT_MS - elapsedMs, SPREAD_MS_MAX);
      this.#cancelStart = clock.after(waitMs, () => this.#lookAtStart());
      return;
    }
    this.#serve();
  }

  #serve(): void {
    this.#setReady?.();
    this.#setReady = undefined;
  }
}
