/**
 * A whole cluster in one process: real trackers and real client sessions on a simulated network, clock and disk, people
 * who follow a script, and faults.
 *
 * One seed decides everything: the same seed gives the same events, which the trace's hash shows. Between two events all
 * microtasks run, and nothing of the machine's own time or chance comes in. What breaks a promise ends the run.
 */
import { drainMicrotasks } from "bun:jsc";
import type { Address } from "../base/address.ts";
import type { Failure } from "../base/failure.ts";
import type { Fingerprint, Gid, RequestId, Uid } from "../base/ids.ts";
import { CHECKPOINT_AFTER_MS, LOOK_MS } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import type { State } from "../tracker/core/state.ts";
import type { Result } from "../wire/client-tracker.ts";
import { SimAgenda } from "./sim-agenda.ts";
import {
  type AnswerFrom,
  type SimCall,
  SimClient,
  type SimClientWorld,
  type SimCommand,
  type SimCopies,
  type SimPerson,
  simRequest,
} from "./sim-client.ts";
import { type FaultName, SimFaults, SLEEP_MS, someFaults } from "./sim-faults.ts";
import { SimHistory } from "./sim-history.ts";
import { bothWays, SimLines } from "./sim-lines.ts";
import { SimNetwork } from "./sim-network.ts";
import { SimPromises } from "./sim-promises.ts";
import { SimTrace } from "./sim-trace.ts";
import { SimTracker, type SimTrackerWorld } from "./sim-tracker.ts";

/** Faults happen for so long. */
const TROUBLED_MS = 14_000;
/** Clients go on for so long after everything has healed. */
const HEALED_MS = 3_000;
/** Nobody asks for anything: trackers that are not equal by now never will be. */
const QUIET_MS = 90_000;
const QUIET_STEP_MS = 5_000;
const JUDGE_EVERY_MS = 6_000;
/** One run in so many goes on for long after all is quiet. */
const LONG_RUNS_OF = 4;
/** In so long changed rows are written, and the others asked how far they are. */
const CHECKPOINT_MS = CHECKPOINT_AFTER_MS + 2 * LOOK_MS;

export interface SimReport {
  readonly seed: number;
  readonly faults: readonly FaultName[];
  readonly hash: string;
  /** What happened last. */
  readonly events: readonly string[];
  /** The promise that was broken. */
  readonly broken: string | undefined;
  readonly entries: number;
  /** Commands that were answered with yes. */
  readonly acknowledged: number;
  /** The longest that a command took that a tracker could have answered, since one could. */
  readonly longestMs: number;
}

export function runCluster(seed: number): SimReport {
  return new SimWorld(seed).run();
}

/** What happened last, for whoever looks for the cause. */
export function describe({ faults, events, hash }: SimReport): string[] {
  return [...events, `faults: ${faults.join(", ") || "none"}`, `events and their hash: ${hash}`];
}

class SimWorld implements SimTrackerWorld, SimClientWorld {
  readonly prng: Prng;
  readonly network: SimNetwork;
  readonly lines: SimLines;
  readonly history = new SimHistory();
  readonly people: SimPerson[] = [];
  /** All that ever are: one is a spare. */
  readonly trackers: readonly SimTracker[];
  readonly clients: readonly SimClient[];
  list: readonly TrackerEntry[];
  readonly #seed: number;
  readonly #entries: readonly TrackerEntry[];
  readonly #agenda = new SimAgenda();
  readonly #trace = new SimTrace();
  readonly #faultNames: readonly FaultName[];
  readonly #faults: SimFaults;
  readonly #promises: SimPromises;
  /** Without the time in which everything slept. */
  #awakeMs = 0;
  #sleptMs = 0;
  #requests = 0;
  #broken: string | undefined;

  constructor(seed: number) {
    this.#seed = seed;
    this.prng = new Prng(seed);
    this.lines = new SimLines(new Prng(this.prng.uint32()), this.nowMs, () => this.network.wake());
    this.network = new SimNetwork({
      schedule: (run, line) => this.at(this.nowMs() + this.lines.latencyMs(line), run),
      passes: (line) => this.lines.passes(line),
      ...(this.prng.below(2) === 0 ? { prng: new Prng(this.prng.uint32()) } : {}),
    });
    const isPinned = this.prng.below(2) === 0;
    const count = 2 + this.prng.below(4);
    this.trackers = Array.from({ length: count + 1 }, (_, index) => new SimTracker(this, index + 1));
    const entries = this.trackers.map(({ no, address, fingerprint }) => ({
      no,
      address,
      pin: isPinned ? fingerprint : undefined,
    }));
    this.#entries = entries;
    this.list = entries.slice(0, count);
    this.clients = Array.from(
      { length: 2 + this.prng.below(4) },
      (_, index) => new SimClient(this, index + 1, entries),
    );
    this.#faultNames = someFaults(this.prng);
    this.#faults = new SimFaults(this);
    this.#promises = new SimPromises(this);
  }

  run(): SimReport {
    this.#begin();
    this.#until(TROUBLED_MS);
    this.#faults.heal();
    this.#until(TROUBLED_MS + HEALED_MS);
    for (const client of this.clients) client.leave();
    // Now, because trackers that differ mend each other in a while.
    this.#guarded(() => this.#promises.now());
    this.#untilQuiet();
    this.#guarded(() => this.#promises.atTheEnd());
    if (this.prng.below(LONG_RUNS_OF) === 0) this.#longAfter();
    for (const error of this.network.errors) this.broken(error);
    return {
      seed: this.#seed,
      faults: this.#faultNames,
      hash: this.#trace.hash,
      events: this.#trace.last,
      broken: this.#broken,
      entries: this.history.size,
      acknowledged: this.#promises.acknowledgedCount,
      longestMs: this.#promises.longestMs,
    };
  }

  // --- time ---

  readonly nowMs = (): number => this.#awakeMs + this.#sleptMs;

  /** Time goes by in whole milliseconds: else what waits for a rest of one would wait for ever at one moment. */
  readonly at = (atMs: number, run: () => void): void => {
    this.#agenda.add(Math.ceil(atMs - this.#sleptMs), run);
  };

  readonly tell = (line: string): void => {
    this.#trace.add(this.nowMs(), line);
  };

  readonly broken = (error: unknown): void => {
    if (this.#broken !== undefined) return;
    const isPlain = error instanceof Error && !(error instanceof TypeError);
    this.#broken = isPlain ? error.message : String(error);
    this.tell(`BROKEN: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  };

  escaped(error: unknown): void {
    this.broken(error);
  }

  /** All machines sleep for so long: no program runs, and no timer. */
  sleep(ms: number): void {
    this.#sleptMs += ms;
    const machines = [...this.trackers, ...this.clients].map(({ fingerprint }) => fingerprint);
    for (const one of machines) for (const other of machines) this.lines.disturbed(one, other);
  }

  /** @param endMs without the time that is slept */
  #until(endMs: number): void {
    let isOver = false;
    this.#agenda.add(endMs, () => {
      isOver = true;
    });
    while (!isOver && this.#broken === undefined) {
      const event = this.#agenda.next();
      if (event === undefined) return;
      this.#awakeMs = event.atMs;
      event.run();
      drainMicrotasks();
    }
  }

  /** Nothing happens for so long that all is in rows and nothing in the logs; then one tracker loses its disk. */
  #longAfter(): void {
    this.#goOn(CHECKPOINT_MS);
    this.sleep(SLEEP_MS);
    this.#goOn(CHECKPOINT_MS);
    this.#guarded(() => this.#promises.longAfter());
    const tracker = this.listed[this.prng.below(this.listed.length)];
    if (tracker !== undefined) this.#faults.loseDisk(tracker);
    this.#goOn(QUIET_STEP_MS);
    this.#guarded(() => this.#promises.atTheEnd());
  }

  #goOn(ms: number): void {
    this.#until(this.#awakeMs + ms);
  }

  /** Mostly no longer than until all are equal; now and then the whole time, in which nothing may become wrong again. */
  #untilQuiet(): void {
    const isWhole = this.prng.below(8) === 0;
    for (let quietMs = QUIET_STEP_MS; quietMs <= QUIET_MS; quietMs += QUIET_STEP_MS) {
      this.#until(TROUBLED_MS + HEALED_MS + quietMs);
      if (!isWhole && this.#promises.isAtRest()) return;
      if (quietMs === QUIET_STEP_MS) this.#guarded(() => this.#promises.now());
    }
  }

  #guarded(check: () => void): void {
    if (this.#broken !== undefined) return;
    try {
      check();
    } catch (error) {
      this.broken(error);
    }
  }

  // --- what happens ---

  #begin(): void {
    for (const tracker of this.listed) this.at(this.prng.float() * 1_000, () => tracker.start());
    for (const client of this.clients) this.at(this.prng.float() * 1_000, () => client.start());
    if (this.#faultNames.length > 0) this.#faultsFrom(1_000 + this.prng.float() * 4_000);
    for (let atMs = JUDGE_EVERY_MS; atMs < TROUBLED_MS; atMs += JUDGE_EVERY_MS)
      this.#agenda.add(atMs, () => this.#guarded(() => this.#promises.now()));
  }

  #faultsFrom(atMs: number): void {
    if (atMs >= TROUBLED_MS) return;
    this.#agenda.add(Math.ceil(atMs), () => {
      const name = this.#faultNames[this.prng.below(this.#faultNames.length)];
      if (name !== undefined) this.#faults.happen(name);
      this.#faultsFrom(this.#awakeMs + this.prng.float() * 3_000);
    });
  }

  // --- what machines ask ---

  /** The trackers of the list as it is now. */
  get listed(): SimTracker[] {
    return this.trackers.filter((tracker) => this.list.some(({ no }) => no === tracker.no));
  }

  trackerOn(machine: Fingerprint): SimTracker | undefined {
    return this.trackers.find(({ fingerprint }) => fingerprint === machine);
  }

  served(index: number): void {
    this.trackers[index]?.serves();
  }

  /** One goes and the spare comes, or one of both; those that stay learn of it when they start. */
  changeList(goes: SimTracker | undefined, comes: SimTracker | undefined): void {
    const stay = this.listed.filter((tracker) => tracker !== goes);
    this.list = this.#entries.filter(({ no }) => no === comes?.no || stay.some((each) => each.no === no));
  }

  isReachable(from: Fingerprint, { host, port }: Address): boolean {
    const tracker = this.trackers.find(({ address }) => address.host === host && address.port === port);
    if (tracker === undefined || tracker.isDark) return tracker === undefined;
    return bothWays(from, tracker.fingerprint).every((line) => this.lines.passes(line));
  }

  losesDial(from: Fingerprint, to: Fingerprint): boolean {
    if (!this.#faults.losesDials || this.prng.below(3) > 0) return false;
    this.lines.disturbed(from, to);
    return true;
  }

  stateAt(index: number | undefined): State | undefined {
    const serving = this.trackers.filter(({ state }) => state !== undefined);
    const tracker = index === undefined ? serving[this.prng.below(serving.length)] : this.trackers[index];
    return tracker?.state;
  }

  knowing(uid: Uid | undefined): number[] {
    return this.trackers.flatMap(({ state }, index) =>
      uid === undefined || state?.users.has(uid) === true ? [index] : [],
    );
  }

  nextRequest(): RequestId {
    return simRequest(this.#seed, ++this.#requests);
  }

  acknowledged(client: SimClient, command: SimCommand, answer: AnswerFrom, copies: SimCopies): void {
    this.#guarded(() => this.#promises.acknowledged(client, command, answer, copies));
  }

  granted(client: SimClient, grant: Result<"grant">, from: number, gid: Gid): void {
    this.#guarded(() => this.#promises.granted(client, grant, from, gid));
  }

  ended(call: SimCall, outcome: AnswerFrom | Failure): void {
    this.#guarded(() => this.#promises.ended(call, outcome));
  }
}
