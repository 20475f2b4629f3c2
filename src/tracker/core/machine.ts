/**
 * The tracker's core as one thing: state, the origin of this run, its hybrid clock.
 *
 * The caller appends what `execute` gives to the log, then has it applied: nothing is in the state that is not durable.
 * `execute` therefore gives the same sequence again until `apply` has seen it. No clock, randomness or disk in here.
 */
import { assert } from "../../base/assert.ts";
import { Failure } from "../../base/failure.ts";
import type { Entry, Origin } from "../../wire/entry.ts";
import type { Command } from "./commands.ts";
import { decide } from "./decide.ts";
import type { StandingChange } from "./groups.ts";
import { HybridClock } from "./hybrid-time.ts";
import { apply, State } from "./state.ts";
import type { VersionVector } from "./version-vector.ts";

export interface Executed {
  /** To be appended in one transaction, then applied. None if the command was done before. */
  readonly entries: readonly Entry[];
}

export class TrackerCore {
  readonly state = new State();
  readonly origin: Origin;
  readonly #clock = new HybridClock();
  readonly #vector = new Map<Origin, number>();
  #seq = 0;

  /** @param origin made for this run alone: its sequence begins at 1 */
  constructor(origin: Origin) {
    this.origin = origin;
  }

  /** What it has applied: the last sequence of each origin. */
  get vector(): VersionVector {
    return this.#vector;
  }

  /** Decides; changes no state. */
  execute(command: Command, nowMs: number): Executed | Failure {
    const stamp = this.#clock.tick(nowMs);
    const bodies = decide(this.state, command, stamp);
    if (bodies instanceof Failure) return bodies;
    const { request } = command;
    const entries = bodies.map((body, index): Entry => {
      const key = { origin: this.origin, seq: this.#seq + 1 + index };
      return { key, stamp, request, body };
    });
    return { entries };
  }

  /**
   * Takes entries that are durable, from `execute` or from another tracker; in any order but for its own.
   * @returns whose standing in which group became another
   */
  apply(entries: Iterable<Entry>, nowMs: number): StandingChange[] {
    const changes: StandingChange[] = [];
    for (const entry of entries) for (const change of this.#applyOne(entry, nowMs)) changes.push(change);
    return changes;
  }

  /** Takes the log at start; keeps nothing but the state of it. */
  restore(entries: Iterable<Entry>, nowMs: number): void {
    for (const entry of entries) this.#applyOne(entry, nowMs);
  }

  #applyOne(entry: Entry, nowMs: number): readonly StandingChange[] {
    if (entry.key.origin === this.origin) {
      assert(entry.key.seq === this.#seq + 1, `own entry ${entry.key.seq} after ${this.#seq}`);
      this.#seq = entry.key.seq;
    }
    this.#vector.set(entry.key.origin, entry.key.seq);
    this.#clock.observe(entry.stamp, nowMs);
    return apply(this.state, entry);
  }
}
