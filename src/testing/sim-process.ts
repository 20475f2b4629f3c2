/**
 * One run of one program on a simulated machine: its time, its turns of the event loop and its connections, all of which
 * end with it.
 *
 * Invariant: once it is killed nothing of it runs any more, and nothing that still unwinds has any effect outside. While
 * it is paused nothing runs either, and what fell due runs when it goes on.
 */
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { DIAL_MS_MAX } from "../base/limits.ts";
import type { Connection, Listener, Transport } from "../net/connection.ts";
import { SimKilled } from "./sim-disk.ts";
import type { SimNetwork } from "./sim-network.ts";

const WALL_START_MS = 1_700_000_000_000;
/** When the first packet of a connection is sent again (RFC 6298). */
const KNOCKS_MS = [0, 1_000, 3_000];

/** What a process stands on. */
export interface SimGround {
  readonly network: SimNetwork;
  nowMs(): number;
  at(atMs: number, run: () => void): void;
  /** Whether packets go both ways now to whoever listens there. */
  isReachable(from: Fingerprint, address: Address): boolean;
  /** Whether this dial is to be told of a failure although the other side has taken it. */
  losesDial(from: Fingerprint, to: Fingerprint): boolean;
  /** An exception that nobody caught. */
  escaped(error: unknown): void;
}

export class SimProcess {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly #ground: SimGround;
  readonly #machine: Fingerprint;
  readonly #listeners = new Set<Listener>();
  #isAlive = true;
  #held: (() => void)[] | undefined;

  /** @param skewMs of the machine's wall clock, now */
  constructor(ground: SimGround, machine: Fingerprint, skewMs: () => number) {
    this.#ground = ground;
    this.#machine = machine;
    const startedMs = ground.nowMs();
    this.clock = {
      nowMs: () => Math.trunc(WALL_START_MS + ground.nowMs() + skewMs()),
      monotonicMs: () => ground.nowMs() - startedMs,
      after: (delayMs, run) => this.#after(delayMs, run),
    };
    this.transport = {
      listen: (address, accept) => this.#listen(address, accept),
      dial: (address, expected) => this.#dial(address, expected),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** When this turn of the event loop is over. */
  readonly afterTurn = (run: () => void): void => {
    this.#ground.at(this.#ground.nowMs(), () => this.run(run));
  };

  run(task: () => void): void {
    if (!this.#isAlive) return;
    if (this.#held !== undefined) {
      this.#held.push(task);
      return;
    }
    try {
      task();
    } catch (error) {
      if (!(error instanceof SimKilled)) this.#ground.escaped(error);
    }
  }

  pause(): void {
    this.#held ??= [];
  }

  goOn(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const task of held) this.#ground.at(this.#ground.nowMs(), () => this.run(task));
  }

  kill(how: "sent" | "lost" | "silent"): void {
    this.#isAlive = false;
    for (const listener of this.#listeners) listener.close();
    for (const connection of this.#ground.network.connections(this.#machine)) connection.abandon(how);
  }

  #after(delayMs: number, run: () => void): () => void {
    let isCancelled = false;
    this.#ground.at(this.#ground.nowMs() + Math.max(0, delayMs), () => {
      if (isCancelled) return;
      this.run(() => {
        if (!isCancelled) run();
      });
    });
    return () => {
      isCancelled = true;
    };
  }

  async #listen(address: Address, accept: (connection: Connection) => void): Promise<Listener> {
    const { network } = this.#ground;
    const listener = await network.transport(this.#machine).listen(address, accept);
    if (!this.#isAlive) {
      listener.close();
      throw new SimKilled("killed while it began to listen");
    }
    this.#listeners.add(listener);
    return listener;
  }

  async #dial(address: Address, expected: Fingerprint | undefined): Promise<Connection> {
    const { network } = this.#ground;
    const failure = new Failure("peer-unreachable", "no answer");
    if (!(await this.#knocks(address))) throw failure;
    const connection = await network.transport(this.#machine).dial(address, expected);
    if (!this.#isAlive) return unheard(connection);
    if (!this.#ground.losesDial(this.#machine, connection.peer)) return connection;
    connection.close();
    throw failure;
  }

  /** Asks again and again, as a network stack does. @returns false if nobody answered in time */
  async #knocks(address: Address): Promise<boolean> {
    let waitedMs = 0;
    for (const atMs of KNOCKS_MS) {
      await this.#passes(atMs - waitedMs);
      waitedMs = atMs;
      if (this.#ground.isReachable(this.#machine, address)) return true;
    }
    await this.#passes(DIAL_MS_MAX - waitedMs);
    return false;
  }

  #passes(ms: number): Promise<void> {
    return new Promise((resolve) => this.#after(ms, resolve));
  }
}

/** The program that dialled is gone. */
function unheard(connection: Connection): Promise<never> {
  connection.close();
  return new Promise(() => {});
}
