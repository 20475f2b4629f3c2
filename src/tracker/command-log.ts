/**
 * The write path: commands in, durable entries out, answers only after.
 *
 * Commands of one turn of the event loop share one transaction. They are decided and applied one after the other, so
 * that each sees those before it; then all their entries are appended at once, and only then is anything answered or
 * announced. Nothing else runs between, so nobody sees a state that is not durable. If the append fails, memory is
 * ahead of the disk and nobody knows what the disk holds: nothing is answered as done, and no command is taken again.
 */
import type { Clock } from "../base/clock.ts";
import { Failure, toFailure } from "../base/failure.ts";
import type { Entry } from "../wire/entry.ts";
import { type Announcement, applyAnnounced } from "./announcements.ts";
import type { Command } from "./core/commands.ts";
import type { TrackerCore } from "./core/machine.ts";
import type { State } from "./core/state.ts";

export interface CommandLogDependencies {
  readonly core: TrackerCore;
  readonly store: { append(entries: readonly Entry[]): void };
  readonly clock: Clock;
  /** Tells those concerned; called after the commit, before the answers. A throw is a failed disk too. */
  readonly announce: (announcements: readonly Announcement[]) => void;
  /** Told once, when the disk has failed: the tracker must end. */
  readonly failed: (failure: Failure) => void;
  /** Runs something when this turn of the event loop is over. */
  readonly afterTurn: (run: () => void) => void;
}

interface Waiting {
  readonly command: Command;
  /** @returns what answers the command once all is durable */
  readonly view: () => () => void;
  readonly refuse: (failure: Failure) => void;
}

export class CommandLog {
  readonly #dependencies: CommandLogDependencies;
  #waiting: Waiting[] = [];
  #stopped: Failure | undefined;

  constructor(dependencies: CommandLogDependencies) {
    this.#dependencies = dependencies;
  }

  /** Resolves once what the command did is durable. @throws Failure of the rules, or "disk-error" */
  async run(command: Command): Promise<void> {
    return this.runThen(command, () => {});
  }

  /** @param view looks at the state right after the command, and makes its answer */
  runThen<T>(command: Command, view: (state: State) => T): Promise<T> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    const { core, afterTurn } = this.#dependencies;
    return new Promise<T>((resolve, refuse) => {
      if (this.#waiting.length === 0) afterTurn(() => this.#commit());
      const answer = () => {
        const value = view(core.state);
        return () => resolve(value);
      };
      this.#waiting.push({ command, view: answer, refuse });
    });
  }

  /** Takes no more commands; those that wait are refused. */
  stop(failure: Failure): void {
    this.#stopped ??= failure;
    for (const { refuse } of this.#take()) refuse(this.#stopped);
  }

  #take(): Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  #commit(): void {
    const batch = this.#take();
    const entries: Entry[] = [];
    const announcements: Announcement[] = [];
    try {
      const answers = batch.map((waiting) => this.#execute(waiting, entries, announcements));
      if (entries.length > 0) this.#dependencies.store.append(entries);
      if (announcements.length > 0) this.#dependencies.announce(announcements);
      for (const answer of answers) answer();
    } catch (error) {
      this.#fail(error, batch);
    }
  }

  /** Decides and applies. @returns what answers it */
  #execute(waiting: Waiting, entries: Entry[], announcements: Announcement[]): () => void {
    const { core, clock } = this.#dependencies;
    const nowMs = clock.nowMs();
    const decided = this.#decide(waiting.command, nowMs);
    if (decided instanceof Failure) return () => waiting.refuse(decided);
    for (const entry of decided) {
      entries.push(entry);
      for (const announcement of applyAnnounced(core, entry, nowMs)) announcements.push(announcement);
    }
    return waiting.view();
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
