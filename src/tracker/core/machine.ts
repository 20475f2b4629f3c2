/**
 * The tracker's core as one thing: state, the origin of this run, its hybrid clock.
 *
 * The caller appends what `execute` gives to the log, then has it applied: nothing is in the state that is not durable.
 * `execute` therefore gives the same sequence again until `apply` has seen it. No clock, randomness or disk in
 * here: what the state leaves unread at a start comes from a reader that is handed in.
 */
import { assert } from "../../base/assert.ts";
import { Failure } from "../../base/failure.ts";
import type { Entry, Origin } from "../../wire/entry.ts";
import type { StateRow } from "../../wire/state-row.ts";
import type { Command } from "./commands.ts";
import { decide } from "./decide.ts";
import type { StandingChange } from "./groups.ts";
import { HybridClock } from "./hybrid-time.ts";
import type { StoredShares } from "./shares.ts";
import { apply, mergeRow, State } from "./state.ts";
import { stampsOf } from "./state-rows.ts";
import type { AccountName, StoredAccounts } from "./users.ts";
import { joinVectors, type VersionVector } from "./version-vector.ts";

export interface Executed {
  /** To be appended in one transaction, then applied. None if the command was done before. */
  readonly entries: readonly Entry[];
}

export class TrackerCore {
  readonly state = new State();
  readonly origin: Origin;
  readonly #clock = new HybridClock();
  /** Sequences of entries that were not applied because their kind is not known, rising. */
  readonly #opaque = new Map<Origin, number[]>();

  /** @param origin made for this run alone: its sequence begins at 1 */
  constructor(origin: Origin) {
    this.origin = origin;
  }

  /** What the state has seen of each origin's log, entries of an unknown kind included. */
  get vector(): VersionVector {
    return this.state.vector;
  }

  /** What the rows of the state stand for: as `vector`, but no further than below an origin's first unknown entry. */
  covered(): VersionVector {
    const covered = new Map(this.state.vector);
    for (const [origin, [first = 1]] of this.#opaque) covered.set(origin, first - 1);
    return covered;
  }

  /** Entries that wait for a program that knows their kind. */
  get holdsUnknown(): boolean {
    return this.#opaque.size > 0;
  }

  /** Decides; changes no state. */
  execute(command: Command, nowMs: number): Executed | Failure {
    const early = this.#clock.tick(nowMs);
    const bodies = decide(this.state, command, early);
    if (bodies instanceof Failure) return bodies;
    // To decide, rows may have been read that were left unread: the entries are above them too.
    const stamp = this.#clock.last === early ? early : this.#clock.tick(nowMs);
    const { request } = command;
    const entries = bodies.map((body, index): Entry => {
      const key = { origin: this.origin, seq: this.#seqOf(this.origin) + 1 + index };
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

  /** Takes what the log holds, at start: the state of what is beyond the rows, of the rest that it was done. */
  restore(entries: Iterable<Entry>, nowMs: number): void {
    for (const entry of entries) {
      this.#clock.observe(entry.stamp, nowMs);
      if (entry.key.seq > this.#seqOf(entry.key.origin)) this.#applyOne(entry, nowMs);
      else this.state.recent.add(entry.request);
    }
  }

  /** Takes rows of another tracker, in any order. @returns whose standing in which group became another */
  merge(rows: Iterable<StateRow>, nowMs: number): StandingChange[] {
    const changes: StandingChange[] = [];
    for (const row of rows) for (const change of this.#mergeOne(row, nowMs)) changes.push(change);
    return changes;
  }

  /** Takes the rows of the store, at start. What they stand for is for `adopt` to say. */
  restoreRows(rows: Iterable<StateRow>, nowMs: number): void {
    for (const row of rows) this.#mergeOne(row, nowMs);
  }

  /** As `restoreRows` with accounts, of which no more is kept than their names before somebody asks for more. */
  leaveAccountsUnread(names: Iterable<AccountName>, stored: StoredAccounts, nowMs: number): void {
    this.state.users.leaveUnread(names, (uid) => this.#observed(stored(uid), nowMs));
  }

  /** As `restoreRows` with what groups share, which is not read before somebody asks for it. */
  leaveSharesUnread(stored: StoredShares, nowMs: number): void {
    this.state.shares.leaveUnread((gid) => this.#observed(stored(gid), nowMs));
  }

  /** The rows that were taken stand for all entries up to this vector. */
  adopt(vector: VersionVector): void {
    assert(
      (vector.get(this.origin) ?? 0) <= this.#seqOf(this.origin),
      "nobody is ahead of this run's own log",
    );
    for (const [origin, seq] of joinVectors(this.state.vector, vector)) this.state.vector.set(origin, seq);
    for (const [origin, seqs] of this.#opaque) {
      const left = seqs.filter((seq) => seq > (vector.get(origin) ?? 0));
      if (left.length > 0) this.#opaque.set(origin, left);
      else this.#opaque.delete(origin);
    }
  }

  #applyOne(entry: Entry, nowMs: number): readonly StandingChange[] {
    const { origin, seq } = entry.key;
    const last = this.#seqOf(origin);
    assert(origin !== this.origin || seq === last + 1, `own entry ${seq} after ${last}`);
    if (seq > last) this.state.vector.set(origin, seq);
    if (seq > last && entry.body.kind === "opaque")
      this.#opaque.set(origin, [...(this.#opaque.get(origin) ?? []), seq]);
    this.#clock.observe(entry.stamp, nowMs);
    return apply(this.state, entry);
  }

  #mergeOne(row: StateRow, nowMs: number): readonly StandingChange[] {
    this.#observe(row, nowMs);
    return mergeRow(this.state, row);
  }

  *#observed<Row extends StateRow>(rows: Iterable<Row>, nowMs: number): Generator<Row> {
    for (const row of rows) {
      this.#observe(row, nowMs);
      yield row;
    }
  }

  #observe(row: StateRow, nowMs: number): void {
    for (const stamp of stampsOf(row)) this.#clock.observe(stamp, nowMs);
  }

  #seqOf(origin: Origin): number {
    return this.state.vector.get(origin) ?? 0;
  }
}
