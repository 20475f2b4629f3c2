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
import { Prng } from "../base/prng.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import type { Connection, Transport } from "../net/connection.ts";
import type { SigningKey } from "../net/identity.ts";
import type { State } from "../tracker/core/state.ts";
import { stateHash } from "../tracker/core/state-rows.ts";
import { joinVectors, type VersionVector } from "../tracker/core/version-vector.ts";
import { Passwords } from "../tracker/passwords.ts";
import { MemoryDisk } from "../tracker/store/memory-store.ts";
import { TrackerServer } from "../tracker/tracker-server.ts";
import type { Entry } from "../wire/entry.ts";
import { formatPublicKey } from "../wire/signed.ts";
import { MetTrackers } from "./met-trackers.ts";
import { cheapPasswords } from "./service-clients.ts";
import { type DiskWatch, openSimStore, type StepFate, vectorOfDisk } from "./sim-disk.ts";
import type { SimHistory } from "./sim-history.ts";
import { type SimGround, SimProcess } from "./sim-process.ts";
import { WatchedAnswers } from "./sim-watch.ts";
import { deviceOf, originOf } from "./test-tracker.ts";

/** What the world lends a tracker. */
export interface SimTrackerWorld extends SimGround {
  readonly history: SimHistory;
  readonly prng: Prng;
  tell(line: string): void;
  /** A promise was broken, or the program failed. */
  broken(error: unknown): void;
}

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
  /** Steps of the store until the process is killed in one, or one fails; none by default. */
  trouble: { steps: number; readonly fate: StepFate } | undefined;
  /** Since when it has been serving; infinite while it is not. */
  servingSinceMs = Number.POSITIVE_INFINITY;
  readonly #world: SimTrackerWorld;
  readonly #list: () => readonly TrackerEntry[];
  readonly #known = new MetTrackers();
  #process: SimProcess | undefined;
  #server: TrackerServer | undefined;
  #runs = 0;
  #isDark = false;
  #isFailing = false;
  /** What disks of this tracker held before they were taken away. */
  #everHeld: VersionVector = new Map();
  /** Of the state when the last run ended, if the disk has not been touched since. */
  #lastHash: string | undefined;

  constructor(world: SimTrackerWorld, no: number, list: () => readonly TrackerEntry[]) {
    this.#world = world;
    this.#list = list;
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

  get vector(): VersionVector {
    return vectorOfDisk(this.disk);
  }

  /** Whether a disk of this tracker has ever held it. */
  get everHeld(): VersionVector {
    return joinVectors(this.#everHeld, this.vector);
  }

  start(): void {
    const run = ++this.#runs;
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
        trackers: this.#list(),
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
    const state = this.state;
    this.#lastHash = state && stateHash(state);
    this.#world.tell(`tracker ${this.no} is killed (${how})`);
    this.#end(process, how, "killed");
  }

  /** As its operator does it. */
  stop(): void {
    const [process, server] = [this.process, this.#server];
    if (process === undefined || server === undefined) return;
    this.#world.tell(`tracker ${this.no} is stopped`);
    this.servingSinceMs = Number.POSITIVE_INFINITY;
    void server.close().then(() => {
      if (!process.isAlive) return;
      this.#lastHash = this.state && stateHash(this.state);
      this.#end(process, "sent", "stopped");
    });
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

  #opened(process: SimProcess, server: TrackerServer): void {
    if (!process.isAlive) return;
    this.#server = server;
    this.servingSinceMs = this.#world.nowMs();
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
      dial: transport.dial,
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

  #diskWatch(process: SimProcess, origin: ReturnType<typeof originOf>): DiskWatch {
    return {
      fate: () => (process.isAlive ? this.#fate() : "killed before"),
      done: (method, args, before) => {
        if (method !== "append") return;
        const entries = args[0] as readonly Entry[];
        try {
          this.#world.history.append(entries, before as VersionVector, (key) => key.origin === origin);
        } catch (error) {
          this.#world.broken(error);
        }
        this.#world.tell(`tracker ${this.no} has ${entries.map(entryText).join(", ")}`);
      },
      killed: () => {
        if (!process.isAlive) return;
        this.#lastHash = undefined;
        this.#world.tell(`tracker ${this.no} is killed in a step of its store`);
        this.#end(process, "sent", "killed");
      },
    };
  }

  #fate(): StepFate {
    const { trouble } = this;
    if (trouble === undefined) return "done";
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
