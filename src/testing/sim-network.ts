/**
 * A Transport without sockets: machines in one process, each with a key, that listen and dial as the real ones do.
 *
 * Every byte is delivered by the scheduler, never from within `send`, so that no callback runs inside another. Chunks may
 * be cut anywhere by a seeded generator, and the chunk's memory is spoiled after each delivery, since it is only lent.
 * Links can be cut, slowed to nothing (`freeze`) or refused, and a simulation may say of each direction of each line how
 * long it takes and whether anything passes at all. An exception of a handler is kept in `errors` and ends its connection
 * only.
 */
import { type Address, formatAddress } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { SEND_QUEUE_BYTES_MAX } from "../base/limits.ts";
import type { Prng } from "../base/prng.ts";
import type { Connection, ConnectionHandler, Listener, Transport } from "../net/connection.ts";

/** One direction between two machines. */
export interface SimLine {
  readonly from: Fingerprint;
  readonly to: Fingerprint;
}

export interface SimNetworkOptions {
  /** Runs one step of delivery later; microtasks by default. With a ManualClock it makes latency. */
  readonly schedule?: (run: () => void, line: SimLine) => void;
  /** What does not pass waits for `wake`, the end of a connection too. */
  readonly passes?: (line: SimLine) => boolean;
  /** Cuts data into chunks at random places; without it each send arrives as one chunk. */
  readonly prng?: Prng;
}

type Accept = (connection: Connection) => void;
interface SimListener {
  readonly machine: Fingerprint;
  readonly accept: Accept;
}

export class SimNetwork {
  readonly schedule: (run: () => void, line: SimLine) => void;
  readonly passes: (line: SimLine) => boolean;
  readonly prng: Prng | undefined;
  /** What handlers threw. A test that expects none should say so. */
  readonly errors: unknown[] = [];
  readonly #listeners = new Map<string, SimListener>();
  readonly #connections = new Set<SimConnection>();
  readonly #severed = new Set<string>();
  #nextPort = 40_000;
  /** One for all deliveries, which never run inside one another: new memory each time would cost more than the copy. */
  #lent = new Uint8Array();

  constructor({ schedule = queueMicrotask, passes = () => true, prng }: SimNetworkOptions = {}) {
    this.schedule = schedule;
    this.passes = passes;
    this.prng = prng;
  }

  /** The network as the machine with that key sees it. */
  transport(machine: Fingerprint): Transport {
    return {
      listen: async (address, accept) => this.#listen(machine, address, accept),
      dial: (address, expected) => this.#dial(machine, address, expected),
    };
  }

  /** Two ends of one connection, without listening or dialling. */
  pair(near: Fingerprint, far: Fingerprint): [near: SimConnection, far: SimConnection] {
    const addressOf = () => ({ host: "sim", port: this.#nextPort++ });
    const ends: [SimConnection, SimConnection] = [
      new SimConnection(this, { self: near, peer: far, remote: addressOf() }),
      new SimConnection(this, { self: far, peer: near, remote: addressOf() }),
    ];
    ends[0].join(ends[1]);
    ends[1].join(ends[0]);
    for (const end of ends) this.#connections.add(end);
    return ends;
  }

  /** Every open connection between the two, or of the one to anybody. */
  connections(one: Fingerprint, other?: Fingerprint): SimConnection[] {
    return [...this.#connections].filter(
      (connection) => connection.self === one && (other === undefined || connection.peer === other),
    );
  }

  /** Ends every connection between the two, or of the one to anybody; both ends are told of a broken line. */
  cut(one: Fingerprint, other?: Fingerprint): void {
    for (const connection of this.connections(one, other)) connection.break();
  }

  /** Cuts the two off from each other until `heal`: dials fail too. */
  sever(one: Fingerprint, other: Fingerprint): void {
    this.#severed.add(lineOf(one, other));
    this.cut(one, other);
  }

  heal(one: Fingerprint, other: Fingerprint): void {
    this.#severed.delete(lineOf(one, other));
  }

  /** A machine that lost its power is back: the other ends learn that it knows nothing of their connections. */
  reset(machine: Fingerprint): void {
    const reason = new Failure("peer-unreachable", "connection reset");
    for (const connection of this.#connections)
      if (connection.peer === machine && connection.isForsaken) connection.endSoon(reason);
  }

  /** Lines pass again that did not: what waited at them goes on. */
  wake(): void {
    for (const connection of this.#connections) connection.wake();
  }

  /** A copy that is good until the next one is asked for. */
  lend(bytes: Uint8Array): Uint8Array {
    if (this.#lent.length < bytes.length) this.#lent = new Uint8Array(bytes.length);
    const lent = this.#lent.subarray(0, bytes.length);
    lent.set(bytes);
    return lent;
  }

  forget(connection: SimConnection): void {
    this.#connections.delete(connection);
  }

  #listen(machine: Fingerprint, address: Address, accept: Accept): Listener {
    const taken = { host: address.host, port: address.port === 0 ? this.#nextPort++ : address.port };
    const place = formatAddress(taken);
    if (this.#listeners.has(place))
      throw new Failure("address-in-use", `cannot listen on ${place}: another program listens there`);
    const listener = { machine, accept };
    this.#listeners.set(place, listener);
    return {
      address: taken,
      close: () => {
        if (this.#listeners.get(place) === listener) this.#listeners.delete(place);
      },
    };
  }

  #dial(machine: Fingerprint, address: Address, expected: Fingerprint | undefined): Promise<Connection> {
    const to = this.#listeners.get(formatAddress(address))?.machine ?? machine;
    return new Promise((resolve, reject) => {
      this.schedule(
        () => {
          const outcome = this.#connect(machine, address, expected);
          if (outcome instanceof Failure) reject(outcome);
          else resolve(outcome);
        },
        { from: machine, to },
      );
    });
  }

  #connect(machine: Fingerprint, address: Address, expected: Fingerprint | undefined): Connection | Failure {
    const place = formatAddress(address);
    const listener = this.#listeners.get(place);
    if (listener === undefined || this.#severed.has(lineOf(machine, listener.machine)))
      return new Failure("peer-unreachable", `cannot connect to ${place}: connection refused`);
    if (expected !== undefined && expected !== listener.machine)
      return new Failure("peer-refused", `${place}: the other side has another key`);
    const [near, far] = this.pair(machine, listener.machine);
    try {
      listener.accept(far);
    } catch (error) {
      this.errors.push(error);
      far.close();
    }
    return near;
  }
}

function lineOf(one: Fingerprint, other: Fingerprint): string {
  return [one, other].sort().join(" ");
}

interface Parcel {
  readonly bytes: Uint8Array;
  readonly done: (() => void) | undefined;
}

/** What travels at the end of a line, after all data. */
type Ending = { readonly reason: Failure | undefined };

export class SimConnection implements Connection {
  readonly self: Fingerprint;
  readonly peer: Fingerprint;
  readonly remote: Address;
  /** What the owner has said of the other side. */
  isVouched = false;
  readonly #network: SimNetwork;
  #other: SimConnection | undefined;
  #handler: ConnectionHandler | undefined;
  #state: "open" | "finishing" | "closed" = "open";
  /** Sent from here, not yet taken by the other side. */
  #outgoing: Parcel[] = [];
  #queuedBytes = 0;
  #isPaused = false;
  #isFrozen = false;
  #isScheduled = false;
  #owesDrained = false;
  #ending: Ending | undefined;
  /** The other side has ended, and the line does not pass. */
  #lateEnding: Ending | undefined;

  constructor(
    network: SimNetwork,
    { self, peer, remote }: { self: Fingerprint; peer: Fingerprint; remote: Address },
  ) {
    this.#network = network;
    this.self = self;
    this.peer = peer;
    this.remote = remote;
  }

  join(other: SimConnection): void {
    this.#other = other;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  attach(handler: ConnectionHandler): void {
    this.#handler = handler;
    if (this.#ending !== undefined) this.#tellEnd(this.#ending);
    this.#other?.deliverSoon();
  }

  send(bytes: Uint8Array): void {
    if (this.#state === "open") this.#enqueue({ bytes, done: undefined });
  }

  readonly messageBytesWanted = undefined;

  sendAhead(bytes: Uint8Array): void {
    this.send(bytes);
  }

  sendThen(bytes: Uint8Array, done: () => void, head?: Uint8Array): void {
    if (head !== undefined) this.send(head);
    if (this.#state === "open") this.#enqueue({ bytes, done });
    else queueMicrotask(done);
  }

  vouch(isVouched: boolean): void {
    this.isVouched = isVouched;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#other?.deliverSoon();
  }

  close(reason?: Failure): void {
    if (this.#state === "closed") return;
    this.#end(reason);
    this.#other?.endSoon(undefined);
  }

  finish(): void {
    if (this.#state !== "open") return;
    this.#state = "finishing";
    this.deliverSoon();
  }

  /** The line breaks: both ends are told, and what was on its way is lost. */
  break(): void {
    const reason = new Failure("peer-unreachable", "the connection was cut");
    this.#end(reason);
    this.#other?.endSoon(reason);
  }

  /**
   * The program at this end is gone, and is told nothing more. What it had sent may still arrive before the other end
   * hears of it, or is lost with the line; or the other end hears nothing at all, as when a machine loses its power.
   */
  abandon(how: "sent" | "lost" | "silent"): void {
    this.#handler = undefined;
    if (how === "sent") this.finish();
    else if (how === "lost") this.break();
    else this.#end(undefined);
  }

  /** Nothing leaves this end any more, though the connection stands, until `thaw`. */
  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    this.deliverSoon();
  }

  deliverSoon(): void {
    if (this.#isScheduled || this.#state === "closed") return;
    this.#isScheduled = true;
    this.#network.schedule(() => {
      this.#isScheduled = false;
      this.#deliver();
    }, this.#line);
  }

  /** The other side has ended. */
  endSoon(reason: Failure | undefined): void {
    const line = { from: this.peer, to: this.self };
    this.#network.schedule(() => {
      if (this.#network.passes(line)) this.#end(reason);
      else this.#lateEnding = { reason };
    }, line);
  }

  /** Whether the other end is gone, which this one has not heard yet. */
  get isForsaken(): boolean {
    return this.#state !== "closed" && this.#other?.isOpen !== true;
  }

  /** The line passes again. */
  wake(): void {
    const late = this.#lateEnding;
    this.#lateEnding = undefined;
    if (late !== undefined) this.endSoon(late.reason);
    else if (this.#outgoing.length > 0 || this.#state === "finishing") this.deliverSoon();
  }

  get #line(): SimLine {
    return { from: this.self, to: this.peer };
  }

  get takesData(): boolean {
    return this.#state !== "closed" && this.#handler !== undefined && !this.#isPaused;
  }

  /** Bytes of the other side arrive. */
  receive(bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    const lent = this.#network.lend(bytes);
    this.#guard(() => this.#handler?.data(lent));
    lent.fill(0xee);
  }

  #enqueue(parcel: Parcel): void {
    this.#outgoing.push(parcel);
    this.#queuedBytes += parcel.bytes.length;
    this.#owesDrained = true;
    if (this.#queuedBytes > SEND_QUEUE_BYTES_MAX)
      this.close(new Failure("peer-unreachable", "the other side does not read what is sent to it"));
    else this.deliverSoon();
  }

  #deliver(): void {
    const other = this.#other;
    if (this.#state === "closed" || other === undefined || this.#isFrozen) return;
    if (!this.#network.passes(this.#line)) return;
    while (this.#outgoing.length > 0) {
      if (!other.takesData) return;
      this.#deliverNext(other);
      if (this.#hasClosed()) return;
    }
    if (this.#state === "finishing") {
      this.close();
      return;
    }
    if (!this.#owesDrained) return;
    this.#owesDrained = false;
    this.#guard(() => this.#handler?.drained());
  }

  #deliverNext(other: SimConnection): void {
    const parcel = this.#outgoing.shift();
    if (parcel === undefined) return;
    const cutAt = this.#cutAt(parcel.bytes.length);
    const chunk = parcel.bytes.subarray(0, cutAt);
    this.#queuedBytes -= chunk.length;
    if (cutAt < parcel.bytes.length)
      this.#outgoing.unshift({ bytes: parcel.bytes.subarray(cutAt), done: parcel.done });
    other.receive(chunk);
    if (cutAt === parcel.bytes.length && parcel.done !== undefined) this.#guard(parcel.done);
  }

  #cutAt(length: number): number {
    const { prng } = this.#network;
    return prng === undefined || length < 2 ? length : 1 + prng.below(length);
  }

  /** A state that handlers change is not narrowed by the compiler this way. */
  #hasClosed(): boolean {
    return this.#state === "closed";
  }

  #end(reason: Failure | undefined): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#network.forget(this);
    this.#ending = { reason };
    const unsent = this.#outgoing;
    this.#outgoing = [];
    this.#queuedBytes = 0;
    queueMicrotask(() => {
      for (const { done } of unsent) if (done !== undefined) this.#guard(done);
    });
    if (this.#handler !== undefined) this.#tellEnd(this.#ending);
  }

  #tellEnd({ reason }: Ending): void {
    queueMicrotask(() => this.#guard(() => this.#handler?.closed(reason)));
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#network.errors.push(error);
      this.close(new Failure("internal", "this program failed on what the other side sent"));
    }
  }
}
