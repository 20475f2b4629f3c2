/**
 * The write path: commands of clients and entries of other trackers in, durable entries out, answers only after.
 *
 * What comes in one turn of the event loop shares one transaction. Commands are decided and applied one after the other,
 * so that each sees those before it; then all entries are appended at once, and only then is anything answered or
 * announced. Nothing else runs between, so nobody sees a state that is not durable. A command's answer then waits,
 * briefly, for the other trackers to have it too; nothing else waits for them. If the append fails, memory is ahead of
 * the disk and nobody knows what the disk holds: nothing is answered as done, and no command is taken again.
 */
import type { Clock } from "../base/clock.ts";
import { Failure, toFailure } from "../base/failure.ts";
import type { Entry } from "../wire/entry.ts";
import type { StateRow } from "../wire/state-row.ts";
import { type Announcement, applyAnnounced, mergeRowsAnnounced } from "./announcements.ts";
import type { Command } from "./core/commands.ts";
import type { TrackerCore } from "./core/machine.ts";
import type { State } from "./core/state.ts";
import { freshEntries } from "./fresh-entries.ts";
import type { EventStore } from "./store/event-store.ts";

export interface CommandLogDependencies {
  readonly core: TrackerCore;
  readonly store: Pick<EventStore, "append">;
  readonly clock: Clock;
  /** Tells those concerned; called after the commit, before the answers. A throw is a failed disk too. */
  readonly announce: (announcements: readonly Announcement[]) => void;
  /** Told of what came, after each commit. */
  readonly committed: (batch: Committed) => void;
  /** Resolves when the other trackers have what this one has made, or are not to be waited for: how many have it. */
  readonly spread: () => Promise<number>;
  /** How many trackers are known to have all that is here, this one included. */
  readonly holders: () => number;
  /** Told once, when the disk has failed: the tracker must end. */
  readonly failed: (failure: Failure) => void;
  /** Runs something when this turn of the event loop is over. */
  readonly afterTurn: (run: () => void) => void;
}

/** A command that is done. */
export interface Done<T> {
  readonly value: T;
  /** How many trackers have it on their disks, this one included. */
  readonly copies: number;
}

/** What one transaction was about. */
export interface Committed {
  /** In the log and in the state. */
  readonly entries: readonly Entry[];
  /** Of another tracker, in the state. */
  readonly merged: readonly StateRow[];
}

interface Batch extends Committed {
  readonly entries: Entry[];
  readonly announcements: Announcement[];
  readonly merged: StateRow[];
}

interface Waiting {
  /** Does it in memory. @returns what answers it once all is durable */
  readonly work: (batch: Batch) => () => void;
  readonly refuse: (failure: Failure) => void;
}

export class CommandLog {
  readonly #dependencies: CommandLogDependencies;
  #waiting: Waiting[] = [];
  #stopped: Failure | undefined;
  /** Of the batch that was committed last. */
  #copies: Promise<number> = Promise.resolve(1);

  constructor(dependencies: CommandLogDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Resolves once what the command did is durable.
   * @param view looks at the state right after the command, and makes its answer
   * @throws Failure of the rules, or "disk-error"
   */
  run<T>(command: Command, view: (state: State) => T): Promise<Done<T>> {
    return this.#enter((batch, resolve, refuse) => {
      const made = this.#execute(command, batch);
      if (made instanceof Failure) return () => refuse(made);
      const value = view(this.#dependencies.core.state);
      // What it did when it was given first may be an earlier run's, whose entries are not waited for.
      const repeatedOn = made === 0 ? this.#dependencies.holders : () => Number.POSITIVE_INFINITY;
      return () =>
        void this.#copies.then((copies) => resolve({ value, copies: Math.min(copies, repeatedOn()) }));
    });
  }

  /**
   * Takes entries that another tracker made or passed on; those that are here already are passed over. Resolves once they
   * are durable.
   * @throws Failure "protocol" if they do not continue what is here, or "disk-error"
   */
  take(entries: readonly Entry[]): Promise<void> {
    return this.#enter((batch, resolve, refuse) => {
      const fresh = freshEntries(this.#dependencies.core, entries);
      if (fresh instanceof Failure) return () => refuse(fresh);
      this.#apply(fresh, batch);
      return resolve;
    });
  }

  /** Joins rows of another tracker's state with the own; they are durable there. */
  merge(rows: readonly StateRow[]): Promise<void> {
    return this.#enter((batch, resolve) => {
      const { core, clock } = this.#dependencies;
      for (const announcement of mergeRowsAnnounced(core, rows, clock.nowMs()))
        batch.announcements.push(announcement);
      batch.merged.push(...rows);
      return resolve;
    });
  }

  /** Takes no more commands; those that wait are refused. */
  stop(failure: Failure): void {
    this.#stopped ??= failure;
    for (const { refuse } of this.#takeWaiting()) refuse(this.#stopped);
  }

  #enter<T>(
    work: (batch: Batch, resolve: (value: T) => void, refuse: (failure: Failure) => void) => () => void,
  ): Promise<T> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    return new Promise<T>((resolve, refuse) => {
      if (this.#waiting.length === 0) this.#dependencies.afterTurn(() => this.#commit());
      this.#waiting.push({ work: (batch) => work(batch, resolve, refuse), refuse });
    });
  }

  #takeWaiting(): Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  #commit(): void {
    const waiting = this.#takeWaiting();
    const batch: Batch = { entries: [], announcements: [], merged: [] };
    const { store, announce, committed, spread } = this.#dependencies;
    try {
      const answers = waiting.map(({ work }) => work(batch));
      if (batch.entries.length > 0) store.append(batch.entries);
      if (batch.announcements.length > 0) announce(batch.announcements);
      committed(batch);
      this.#copies = spread();
      for (const answer of answers) answer();
    } catch (error) {
      this.#fail(error, waiting);
    }
  }

  /** Decides and applies. @returns how many entries it made, none for one that was done before; or why not */
  #execute(command: Command, batch: Batch): number | Failure {
    const decided = this.#decide(command, this.#dependencies.clock.nowMs());
    if (decided instanceof Failure) return decided;
    this.#apply(decided, batch);
    return decided.length;
  }

  #apply(entries: readonly Entry[], batch: Batch): void {
    const { core, clock } = this.#dependencies;
    const nowMs = clock.nowMs();
    for (const entry of entries) {
      batch.entries.push(entry);
      for (const announcement of applyAnnounced(core, entry, nowMs)) batch.announcements.push(announcement);
    }
  }

  /** Deciding changes nothing, so a bug in it costs the one command, which would else stop one tracker after another. */
  #decide(command: Command, nowMs: number): readonly Entry[] | Failure {
    try {
      const executed = this.#dependencies.core.execute(command, nowMs);
      return executed instanceof Failure ? executed : executed.entries;
    } catch (error) {
      return toFailure(error);
    }
  }

  #fail(error: unknown, batch: readonly Waiting[]): void {
    const why = error instanceof Error ? error.message : String(error);
    const stopped = new Failure(
      "disk-error",
      "this tracker cannot write its log and stops; try another tracker",
    );
    this.stop(stopped);
    for (const { refuse } of batch) refuse(stopped);
    this.#dependencies.failed(new Failure("disk-error", `the tracker cannot keep its log and stops: ${why}`));
  }
}
