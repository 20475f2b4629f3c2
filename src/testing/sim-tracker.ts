/**
 * One tracker of a simulated cluster: a machine with a disk and a clock on which the real server is started, killed and
 * started again.
 *
 * What outlives a run is the disk, the keys, and whom it has met. Every entry that becomes durable is written down in the
 * history; every grant and session that leaves is held against what the tracker knows at that very moment.
 */
import { createPrivateKey } from "node:crypto";
import type { Address } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { START_CATCH_UP_MS_MAX, START_WAIT_MS } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import type { Connection, Transport } from "../net/connection.ts";
import type { SigningKey } from "../net/identity.ts";
import type { State } from "../tracker/core/state.ts";
import { stateHash } from "../tracker/core/state-rows.ts";
import { joinVectors, type VersionVector } from "../tracker/core/version-vector.ts";
import { Passwords } from "../tracker/passwords.ts";
import { holdsAll } from "../tracker/replication/sync-plan.ts";
import { MemoryDisk, MemoryStore } from "../tracker/store/memory-store.ts";
import { TrackerServer } from "../tracker/tracker-server.ts";
import type { Entry, Origin } from "../wire/entry.ts";
import { formatPublicKey } from "../wire/signed.ts";
import { MetTrackers } from "./met-trackers.ts";
import { cheapPasswords } from "./service-clients.ts";
import { type DiskWatch, openSimStore, type StepFate, vectorOfDisk } from "./sim-disk.ts";
import type { SimHistory } from "./sim-history.ts";
import { type SimGround, SimProcess } from "./sim-process.ts";
import { WatchedAnswers, WatchedGifts } from "./sim-watch.ts";
import { deviceOf, originOf } from "./test-tracker.ts";

/** What the world lends a tracker. */
export interface SimTrackerWorld extends SimGround {
  readonly history: SimHistory;
  readonly prng: Prng;
  /** What trackers are told to be of the cluster, when they start. */
  readonly list: readonly TrackerEntry[];
  tell(line: string): void;
  /** The tracker on that machine. */
  trackerOn(machine: Fingerprint): SimTracker | undefined;
  /** A promise was broken, or the program failed. */
  broken(error: unknown): void;
}

export interface SimTrouble {
  /** Until it strikes. */
  steps: number;
  readonly fate: StepFate;
  /** Counts only steps about rows, which are rare. */
  readonly isAboutRows: boolean;
}

/** Steps that are no part of a command. */
const ROW_STEPS: ReadonlySet<string> = new Set(["saveRows", "dropRows", "checkpoint", "trim", "adopt"]);

/** How a run ended, for the one who decides when the next begins. */
export type SimEnd = "killed" | "stopped" | "disk failed";

export class SimTracker {
  readonly no: number;
  readonly fingerprint: Fingerprint;
  readonly address: Address;
  readonly signing: SigningKey;
  /** Told when a run has ended. */
  ended: (how: SimEnd) => void = () => {};
  disk = new MemoryDisk();
  skewMs = 0;
  /** The process is to be killed in a step of the store, or one is to fail; none by default. */
  trouble: SimTrouble | undefined;
  /** Since when it has been serving; infinite while it is not. */
  servingSinceMs = Number.POSITIVE_INFINITY;
  readonly #world: SimTrackerWorld;
  readonly #known = new MetTrackers();
  #process: SimProcess | undefined;
  #server: TrackerServer | undefined;
  #runs = 0;
  #list: readonly TrackerEntry[] = [];
  #wasEmpty = true;
  /** What those had seen who gave this one rows. */
  #told: VersionVector = new Map();
  #isDark = false;
  #isFailing = false;
  /** What disks of this tracker held before they were taken away. */
  #everHeld: VersionVector = new Map();
  /** Of the state when the last run ended, if the disk has not been touched since. */
  #lastHash: string | undefined;

  constructor(world: SimTrackerWorld, no: number) {
    this.#world = world;
    this.no = no;
    this.fingerprint = deviceOf(`tracker ${no}`);
    this.address = { host: `192.0.2.${no}`, port: 8001 };
    this.signing = signingKeyOf(no);
  }

  get isRunning(): boolean {
    return this.#process?.isAlive === true;
  }

  get process(): SimProcess | undefined {
    return this.#process?.isAlive === true ? this.#process : undefined;
  }

  /** Whether its machine has lost its power: nobody there even refuses a dial. */
  get isDark(): boolean {
    return this.#isDark;
  }

  /** Undefined unless it serves: after a failed write memory is ahead of the disk, and nobody is told of it. */
  get state(): State | undefined {
    return this.isRunning && !this.#isFailing ? this.#server?.state : undefined;
  }

  /** Whether its state is made of what it has seen and of nothing else: rows of another tracker may be ahead of that. */
  get isExact(): boolean {
    return holdsAll(this.vector, this.#told);
  }

  get hasRun(): boolean {
    return this.#runs > 0;
  }

  /** The list that it was started with. */
  get list(): readonly TrackerEntry[] {
    return this.#list;
  }

  /** How many entries its log holds. */
  get logLength(): number {
    return [...this.disk.logs.values()].reduce((sum, log) => sum + log.length, 0);
  }

  /** The sum of the rows on its disk. */
  get rowSum(): string {
    return new MemoryStore(this.disk).rowSum();
  }

  get vector(): VersionVector {
    return vectorOfDisk(this.disk);
  }

  /** What a disk of this tracker holds or has ever held. */
  get everHeld(): VersionVector {
    return joinVectors(this.#everHeld, this.vector);
  }

  start(): void {
    const run = ++this.#runs;
    this.#list = this.#world.list;
    this.#wasEmpty = this.vector.size === 0;
    const process = new SimProcess(this.#world, this.fingerprint, () => this.skewMs);
    const origin = originOf(this.no, run);
    this.#process = process;
    this.#server = undefined;
    this.#isDark = false;
    this.#isFailing = false;
    this.#world.network.reset(this.fingerprint);
    this.#world.tell(`tracker ${this.no} starts, run ${run}`);
    const { clock, afterTurn } = process;
    const opening = TrackerServer.open(
      {
        transport: this.#watched(process.transport),
        fingerprint: this.fingerprint,
        store: openSimStore(this.disk, this.#diskWatch(process, origin)),
        signing: this.signing,
        passwords: new Passwords(cheapPasswords),
        known: this.#known,
        origin,
        prng: new Prng(this.#world.prng.uint32()),
        afterTurn,
      },
      {
        no: this.no,
        address: this.address,
        trackers: this.#list,
        clock,
        log: this.#log(process),
      },
    );
    opening.then(
      (server) => this.#opened(process, server),
      (error: unknown) => this.#notOpened(process, error),
    );
  }

  /** `kill -9`, or the loss of power. */
  kill(how: "sent" | "lost" | "silent"): void {
    const process = this.process;
    if (process === undefined) return;
    this.#noteState();
    this.#world.tell(`tracker ${this.no} is killed (${how})`);
    this.#end(process, how, "killed");
  }

  /** As its operator does it. */
  stop(): void {
    const [process, server] = [this.process, this.#server];
    if (process === undefined || server === undefined) return;
    this.#world.tell(`tracker ${this.no} is stopped`);
    this.servingSinceMs = Number.POSITIVE_INFINITY;
    server.close().then(
      () => {
        if (!process.isAlive) return;
        this.#noteState();
        this.#end(process, "sent", "stopped");
      },
      (error: unknown) => process.run(() => this.#world.broken(error)),
    );
  }

  /** It has greeted a client: before, it may wait for the others. */
  serves(): void {
    if (this.state !== undefined) this.servingSinceMs = Math.min(this.servingSinceMs, this.#world.nowMs());
  }

  /** Another tracker gives it rows. */
  isTold(by: SimTracker): void {
    this.#told = joinVectors(this.#told, joinVectors(by.vector, by.#told));
    this.#world.tell(`tracker ${by.no} gives tracker ${this.no} rows`);
  }

  /** Only while it does not run. */
  replaceDisk(disk: MemoryDisk, others: readonly SimTracker[]): void {
    const before = this.vector;
    this.#everHeld = this.everHeld;
    this.disk = disk;
    this.#lastHash = undefined;
    this.#world.history.diskReplaced(
      before,
      this.vector,
      others.map(({ vector }) => vector),
    );
  }

  /** Rows of another tracker are not durable before they are adopted. */
  #noteState(): void {
    const { state } = this;
    this.#lastHash = this.isExact ? state && stateHash(state) : undefined;
  }

  #opened(process: SimProcess, server: TrackerServer): void {
    if (!process.isAlive) return;
    this.#server = server;
    this.servingSinceMs = this.#world.nowMs() + (this.#wasEmpty ? START_CATCH_UP_MS_MAX : START_WAIT_MS);
    const lastHash = this.#lastHash;
    this.#lastHash = undefined;
    if (lastHash !== undefined && stateHash(server.state) !== lastHash)
      this.#world.broken(new Error(`tracker ${this.no} does not say after its restart what it said before`));
    void server.failed.then(() => {
      if (process.isAlive) this.#end(process, "sent", "disk failed");
    });
  }

  #notOpened(process: SimProcess, error: unknown): void {
    if (!process.isAlive) return;
    if (error instanceof Failure && error.code === "disk-error") this.#end(process, "sent", "disk failed");
    else this.#world.broken(error);
  }

  #end(process: SimProcess, how: "sent" | "lost" | "silent", end: SimEnd): void {
    process.kill(how);
    this.#isDark = how === "silent";
    this.servingSinceMs = Number.POSITIVE_INFINITY;
    this.trouble = undefined;
    this.#world.tell(`tracker ${this.no} has ended: ${end}`);
    this.ended(end);
  }

  #log(process: SimProcess) {
    const tell = (message: string) => this.#world.tell(`tracker ${this.no}: ${message}`);
    const error = (message: unknown) => {
      if (!process.isAlive) return;
      if (typeof message === "string") tell(message);
      else this.#world.broken(message);
    };
    return { info: tell, warn: tell, error };
  }

  #watched(transport: Transport): Transport {
    return {
      dial: async (address, expected) => {
        const connection = await transport.dial(address, expected);
        return new WatchedGifts(connection, () => this.#world.trackerOn(connection.peer)?.isTold(this));
      },
      listen: (address, accept) =>
        transport.listen(address, (connection: Connection) =>
          accept(
            new WatchedAnswers(
              connection,
              () => this.state,
              (error) => this.#world.broken(error),
            ),
          ),
        ),
    };
  }

  #diskWatch(process: SimProcess, origin: Origin): DiskWatch {
    return {
      fate: (method) => (process.isAlive ? this.#fate(method) : "killed before"),
      done: (method, args, before) => {
        if (method === "append") this.#appended(origin, args[0] as readonly Entry[], before as VersionVector);
        else if (method === "adopt") this.#adopted(args[0] as VersionVector);
        else if (method === "trim") this.#world.tell(`tracker ${this.no} keeps ${this.logLength} entries`);
      },
      killed: () => {
        if (!process.isAlive) return;
        this.#lastHash = undefined;
        this.#world.tell(`tracker ${this.no} is killed in a step of its store`);
        this.#end(process, "sent", "killed");
      },
    };
  }

  #appended(own: Origin, entries: readonly Entry[], before: VersionVector): void {
    const knewNoMore = holdsAll(before, this.#told);
    try {
      this.#world.history.append(entries, before, ({ origin }) => origin === own, knewNoMore);
    } catch (error) {
      this.#world.broken(error);
    }
    this.#world.tell(`tracker ${this.no} has ${entries.map(entryText).join(", ")}`);
  }

  #adopted(vector: VersionVector): void {
    this.#world.history.adopted(vector);
    this.#world.tell(`tracker ${this.no} has rows that stand for ${vector.size} origins`);
  }

  #fate(method: string): StepFate {
    const { trouble } = this;
    if (trouble === undefined || (trouble.isAboutRows && !ROW_STEPS.has(method))) return "done";
    trouble.steps--;
    if (trouble.steps > 0) return "done";
    this.trouble = undefined;
    if (trouble.fate.startsWith("fails")) this.#fails();
    return trouble.fate;
  }

  #fails(): void {
    this.#isFailing = true;
    this.servingSinceMs = Number.POSITIVE_INFINITY;
  }
}

function entryText({ key, body }: Entry): string {
  return `${key.origin.replace(/-0*/, "-")}:${key.seq} ${body.kind}`;
}

/** A key made of the number alone, so that signatures are the same in every run (RFC 8410, a private key of 32 bytes). */
const signingKeyOf = memoized((no: number): SigningKey => {
  const head = Buffer.from("302e020100300506032b657004220420", "hex");
  const key = Buffer.concat([head, Buffer.alloc(32, no)]);
  const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
  return { privateKey, publicKey: formatPublicKey(privateKey) };
});

function memoized<T>(make: (no: number) => T): (no: number) => T {
  const made = new Map<number, T>();
  return (no) => {
    const known = made.get(no) ?? make(no);
    made.set(no, known);
    return known;
  };
}
