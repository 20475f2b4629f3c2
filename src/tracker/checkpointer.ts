/**
 * Keeps the rows in the store behind the state in memory, so that a start and the log stay short.
 *
 * Owns the keys of the rows that have changed (dirty) since they were written. A *round* writes those that were dirty when
 * it began, as they are by the time it is their turn, a slice in each turn of the event loop; then the store's checkpoint
 * rises to what the core had seen at the beginning. Invariant: a row that differs from the store's is dirty or of the
 * running round, so that the store's sum of rows is the hash of the state whenever there is neither. Decides nothing of
 * what the state is; the log is durable without it.
 */
import type { Clock } from "../base/clock.ts";
import { Failure, toFailure } from "../base/failure.ts";
import type { Gid } from "../base/ids.ts";
import { CHECKPOINT_AFTER_MS, CHECKPOINT_ENTRIES, REPEATABLE_MS, ROW_SLICE_ROWS } from "../base/limits.ts";
import type { Entry, Origin } from "../wire/entry.ts";
import { GROUPS_PREFIX, groupKey, groupPrefixes, rowKey, type StateRow } from "../wire/state-row.ts";
import type { TrackerCore } from "./core/machine.ts";
import { rowAt, touchedRow } from "./core/state-rows.ts";
import { meetVectors, type VersionVector } from "./core/version-vector.ts";
import type { EventStore } from "./store/event-store.ts";
import { replayPoint, trimPoint } from "./trim-point.ts";

export interface CheckpointerDependencies {
  readonly core: TrackerCore;
  readonly store: EventStore;
  readonly clock: Clock;
  /** Runs something when this turn of the event loop is over. */
  readonly afterTurn: (run: () => void) => void;
  /** Told once, when the disk has failed: the tracker must end. */
  readonly failed: (failure: Failure) => void;
}

/** A state, by what it has seen and the hash of all its rows. */
export interface StateAt {
  readonly vector: VersionVector;
  readonly hash: string;
}

interface Round {
  readonly keys: Iterator<string>;
  /** What the core had seen when it began. */
  readonly vector: VersionVector;
  /** Of deleted groups, whose rows are still to be dropped. */
  readonly prefixes: string[];
  readonly ended: PromiseWithResolvers<void>;
}

const STOPPED = new Failure("try-later", "this tracker has stopped");

export class Checkpointer {
  readonly #dependencies: CheckpointerDependencies;
  #dirty = new Set<string>();
  /** Applied since the last round began. */
  #entries = 0;
  #round: Round | undefined;
  #cancelTimer: (() => void) | undefined;
  /** Monotonic, of each origin's last entry. */
  readonly #activeMs = new Map<Origin, number>();
  #settled: VersionVector | undefined;
  #isTrimming = false;
  #isStopped = false;

  constructor(dependencies: CheckpointerDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * At start: brings the state back from the rows and what the log holds above them. Accounts and what groups
   * share, most of all rows, are read when somebody asks for them. @throws Failure
   */
  restore(): void {
    const { core, store, clock } = this.#dependencies;
    const checkpointed = store.checkpointed();
    core.leaveAccountsUnread(store.accountNames(), (uid) => store.loadAccounts(uid), clock.nowMs());
    core.leaveSharesUnread((gid) => store.loadShared(gid), clock.nowMs());
    core.restoreRows(this.#leftoversNoted(store.loadRows(GROUPS_PREFIX)), clock.nowMs());
    core.adopt(checkpointed);
    const entries = store.replay(replayPoint(checkpointed));
    core.restore(this.#notCoveredNoted(entries, checkpointed), clock.nowMs());
    this.#arm();
  }

  /** These entries are in the log and in the state. */
  applied(entries: Iterable<Entry>): void {
    for (const entry of entries) {
      this.#noteActive(entry);
      this.#noteTouched(entry);
    }
    this.#arm();
  }

  /** These rows of another tracker are in the state. */
  merged(rows: Iterable<StateRow>): void {
    for (const row of rows) this.#dirty.add(rowKey(row));
    this.#arm();
  }

  /**
   * The rows merged so far stand for all that another tracker had seen. Resolves when they are durable; from then on core
   * and store have seen it too. @throws Failure
   */
  async adopt(vector: VersionVector): Promise<void> {
    // A round that runs may be past the rows that were merged last.
    while (this.#round !== undefined) await this.#round.ended.promise;
    await this.#begin().ended.promise;
    const { core, store } = this.#dependencies;
    store.adopt(vector);
    core.adopt(vector);
  }

  /** Undefined while rows wait to be written, or entries for a program that knows their kind. */
  hashAt(): StateAt | undefined {
    const { core, store } = this.#dependencies;
    if (this.#dirty.size > 0 || this.#round !== undefined || core.holdsUnknown) return undefined;
    return { vector: new Map(core.vector), hash: store.rowSum() };
  }

  /** @param vectors what each of the other listed trackers holds durably: entries that all have may go from the log */
  settled(vectors: readonly VersionVector[]): void {
    this.#settled = vectors.reduce(meetVectors, this.#dependencies.store.vector());
    this.#trim();
  }

  /** Writes what is dirty at once, at the end. Nothing is lost if that fails: the log has it. */
  close(): void {
    if (this.#isStopped) return;
    try {
      const round = this.#round ?? (this.#dirty.size > 0 ? this.#newRound() : undefined);
      if (round !== undefined) this.#finish(round);
      if (this.#dirty.size > 0) this.#finish(this.#newRound());
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    } finally {
      this.stop();
    }
  }

  /** Writes nothing any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
    this.#round?.ended.reject(STOPPED);
    this.#round = undefined;
  }

  // --- what is dirty ---

  #noteTouched({ body }: Entry): void {
    this.#entries++;
    const key = touchedRow(body);
    if (key !== undefined) this.#dirty.add(key);
  }

  #noteActive({ key }: Entry): void {
    this.#activeMs.set(key.origin, this.#dependencies.clock.monotonicMs());
  }

  /** Of a deleted group's rows not all may have been dropped before the last run ended. Its people follow it. */
  *#leftoversNoted(rows: Iterable<StateRow>): Generator<StateRow> {
    let deleted: Gid | undefined;
    for (const row of rows) {
      if (row.kind === "group") deleted = row.deleted ? row.gid : undefined;
      const isLeft = row.kind === "person" && row.gid === deleted;
      if (deleted !== undefined && (isLeft || this.#dependencies.store.hasShared(deleted)))
        this.#dirty.add(groupKey(deleted));
      yield row;
    }
  }

  *#notCoveredNoted(entries: Iterable<Entry>, checkpointed: VersionVector): Generator<Entry> {
    for (const entry of entries) {
      this.#noteActive(entry);
      if (entry.key.seq > (checkpointed.get(entry.key.origin) ?? 0)) this.#noteTouched(entry);
      yield entry;
    }
  }

  // --- rounds ---

  #arm(): void {
    if (this.#isStopped || this.#round !== undefined || this.#dirty.size === 0) return;
    if (this.#entries >= CHECKPOINT_ENTRIES) this.#begin();
    else this.#cancelTimer ??= this.#dependencies.clock.after(CHECKPOINT_AFTER_MS, () => this.#begin());
  }

  #begin(): Round {
    const round = this.#newRound();
    this.#dependencies.afterTurn(() => this.#goOn(round));
    return round;
  }

  #newRound(): Round {
    if (this.#isStopped) throw STOPPED;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const ended = Promise.withResolvers<void>();
    // Whoever waits for it is told; mostly nobody does.
    ended.promise.catch(() => {});
    const vector = this.#dependencies.core.covered();
    // In the order of the store: rows of one slice lie beside each other there, and change fewer pages.
    this.#round = { keys: [...this.#dirty].sort().values(), vector, prefixes: [], ended };
    this.#dirty = new Set();
    this.#entries = 0;
    return this.#round;
  }

  #goOn(round: Round): void {
    if (round !== this.#round) return;
    this.#guarded(() => {
      if (this.#writeSlice(round)) this.#dependencies.afterTurn(() => this.#goOn(round));
      else this.#end(round);
    });
  }

  #finish(round: Round): void {
    while (this.#writeSlice(round));
    this.#end(round);
  }

  /** @returns whether there is more to write */
  #writeSlice({ keys, prefixes }: Round): boolean {
    const { core, store } = this.#dependencies;
    const [prefix] = prefixes;
    if (prefix !== undefined) {
      if (store.dropRows(prefix, ROW_SLICE_ROWS) < ROW_SLICE_ROWS) prefixes.shift();
      return true;
    }
    const rows: StateRow[] = [];
    let isLast = false;
    for (let count = 0; count < ROW_SLICE_ROWS && !isLast; count++) {
      const { value: key, done } = keys.next();
      isLast = done === true;
      const row = isLast ? undefined : rowAt(core.state, key);
      if (row === undefined) continue; // went with its group
      if (row.kind === "group" && row.deleted) prefixes.push(...groupPrefixes(row.gid));
      rows.push(row);
    }
    store.saveRows(rows);
    return !isLast || prefixes.length > 0;
  }

  #end(round: Round): void {
    this.#dependencies.store.checkpoint(round.vector);
    this.#round = undefined;
    round.ended.resolve();
    this.#arm();
    this.#trim();
  }

  // --- the log's end ---

  #trim(): void {
    if (this.#isTrimming || this.#isStopped || this.#settled === undefined) return;
    this.#isTrimming = true;
    this.#dependencies.afterTurn(() => {
      this.#isTrimming = false;
      if (!this.#isStopped) this.#guarded(() => this.#trimSlice());
    });
  }

  #trimSlice(): void {
    const { store, clock } = this.#dependencies;
    const sinceMs = clock.monotonicMs() - REPEATABLE_MS;
    const point = trimPoint({
      settled: this.#settled ?? new Map(),
      checkpointed: store.checkpointed(),
      vector: store.vector(),
      floor: store.floor(),
      isActive: (origin) => (this.#activeMs.get(origin) ?? Number.NEGATIVE_INFINITY) > sinceMs,
    });
    if (point.size === 0) return;
    store.trim(point);
    this.#trim();
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.stop();
      this.#dependencies.failed(toFailure(error, "disk-error"));
    }
  }
}
