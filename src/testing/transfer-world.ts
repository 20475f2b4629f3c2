/**
 * Machines that share with and fetch from each other in memory: one clock, one network, one tracker's key.
 *
 * Nothing happens unless a test lets time pass: each delivery takes a millisecond of the clock. At the end of a world its
 * engines are closed, and a timer, connection, buffer, open file or exception that is left over fails the test.
 */

import { createHash, generateKeyPairSync } from "node:crypto";
import { dirname } from "node:path";
import type { Address } from "../base/address.ts";
import { assert, defined } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint, Gid, Sha1, Uid, UserName } from "../base/ids.ts";
import { GRANT_LIFETIME_MS, PIECE_BYTES, UPLOADS_AT_ONCE_MAX } from "../base/limits.ts";
import type { Manifest } from "../base/manifest.ts";
import { Prng } from "../base/prng.ts";
import type { Download, Grant, Offer, TransferEngine } from "../transfer/contract.ts";
import type { DiscardDownload, OpenDownload, PieceWorkers, PrefixHash } from "../transfer/disk/contract.ts";
import type { FileIdentity } from "../transfer/disk/file-identity.ts";
import { createTransferEngine } from "../transfer/engine.ts";
import type { OpenSource } from "../transfer/shared-file.ts";
import type { Source } from "../wire/client-tracker.ts";
import { formatPublicKey, sign } from "../wire/signed.ts";
import { ManualClock, settle } from "./manual-clock.ts";
import { SimNetwork } from "./sim-network.ts";
import { manifestOf, SimStorage, type SimStorageOptions } from "./sim-storage.ts";

export interface Content {
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
}

const contents = new Map<number, Content>();

/** A file of so many pieces, of which the last may be a part of one; the same each time, and only to be read. */
export function content(pieces: number): Content {
  const known = contents.get(pieces);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(pieces * PIECE_BYTES);
  const noise = new Prng(7);
  const block = Uint32Array.from({ length: PIECE_BYTES / 4 }, () => noise.uint32());
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = new Uint8Array(block.buffer).subarray(0, bytes.length - at);
    bytes.set(piece, at);
    bytes.fill(at / PIECE_BYTES, at, at + 8);
  }
  const made = { bytes, manifest: manifestOf(bytes) };
  contents.set(pieces, made);
  return made;
}

const digits = (text: string, length: number) =>
  createHash("sha256").update(text).digest("hex").slice(0, length);

export const gid = digits("the group", 32) as Gid;
export const otherGid = digits("another group", 32) as Gid;

/** Signs grants, as a tracker does. */
export class GrantOffice {
  readonly #key = generateKeyPairSync("ed25519").privateKey;
  readonly publicKey = formatPublicKey(this.#key);
  readonly #clock: Pick<Clock, "nowMs">;

  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  grant(machine: { uid: Uid; fingerprint: Fingerprint }, group = gid, lifetimeMs = GRANT_LIFETIME_MS): Grant {
    const expiresMs = this.#clock.nowMs() + lifetimeMs;
    const { uid, fingerprint } = machine;
    const text = sign({ purpose: "grant", gid: group, uid, fingerprint, expiresMs }, this.#key);
    return { text, expiresMs };
  }
}

/** The files placed in a storage, as sources to be shared. Bytes put in the place of others are another file. */
export class SimSources {
  /** Sources opened and not closed. */
  held = 0;
  readonly #storage: SimStorage;
  readonly #inodes = new Map<Uint8Array, string>();

  constructor(storage: SimStorage) {
    this.#storage = storage;
  }

  readonly open: OpenSource = async (path, known) => {
    const identity = this.identityOf(path);
    if (identity === undefined) throw new Failure("file-missing", `no such file: ${path}`);
    const change = known && this.#difference(path, known);
    if (change !== undefined) throw change;
    const descriptor = this.#storage.addFile(defined(this.#storage.placed.get(path), "it is there"));
    this.held++;
    return {
      descriptor,
      identity,
      unchanged: async () => this.#difference(path, identity),
      close: async () => {
        await this.#storage.settled(descriptor);
        this.held--;
      },
    };
  };

  identityOf(path: string): FileIdentity | undefined {
    const bytes = this.#storage.placed.get(path);
    if (bytes === undefined) return undefined;
    const inode = this.#inodes.get(bytes) ?? String(this.#inodes.size);
    this.#inodes.set(bytes, inode);
    return { device: "sim", inode, size: bytes.length, modifiedNs: "0" };
  }

  #difference(path: string, known: FileIdentity): Failure | undefined {
    if (this.identityOf(path)?.inode === known.inode) return undefined;
    return new Failure("file-changed", `${path} was changed since it was shared`);
  }
}

export interface MachineOptions extends SimStorageOptions {
  /** What an earlier machine of that name left on its disk. */
  readonly storage?: SimStorage;
  /** Buffers that its downloads may use together. */
  readonly downloadBuffers?: number;
  /** How far the trackers' clock, which is the world's, is ahead of this machine's: so much its own is behind. */
  readonly trackersAheadMs?: number;
  /** Stands between its downloads and its disk. */
  readonly opening?: (real: OpenDownload) => OpenDownload;
  readonly discard?: DiscardDownload;
  /** `stuck`: the SHA-1 of a whole file never comes, unless it is given up. */
  readonly hashing?: "working" | "stuck";
}

/** Never gets anywhere, and fails when it is given up. */
class StuckHash implements PrefixHash {
  readonly hashedBytes = 0;
  readonly #givenUp = Promise.withResolvers<never>();

  constructor() {
    this.#givenUp.promise.catch(() => {});
  }

  advance(): Promise<void> {
    return this.#givenUp.promise;
  }

  finish(): Promise<Sha1> {
    return this.#givenUp.promise;
  }

  dispose(): void {
    this.#givenUp.reject(new Failure("internal", "the hash was given up"));
  }
}

/** Workers as they are, but for the SHA-1 of whole files. */
function withStuckHash(workers: PieceWorkers): PieceWorkers {
  return {
    slots: workers.slots,
    store: (...job) => workers.store(...job),
    load: (...job) => workers.load(...job),
    prefixHash: () => new StuckHash(),
    hashFile: (...job) => workers.hashFile(...job),
    hashSmall: (path) => workers.hashSmall(path),
    settled: (file) => workers.settled(file),
    close: () => workers.close(),
  };
}

/** A machine's clock that is wrong by so much; time passes as it does in the world. */
function behind(clock: Clock, byMs: number): Clock {
  return {
    nowMs: () => clock.nowMs() - byMs,
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, run) => clock.after(delayMs, run),
  };
}

export class Machine {
  readonly user: UserName;
  readonly uid: Uid;
  readonly fingerprint: Fingerprint;
  readonly storage: SimStorage;
  readonly sources: SimSources;
  readonly engine: TransferEngine;
  /** What each download said of itself: `path: phase`. */
  readonly phases: string[] = [];
  readonly broken: Failure[] = [];
  readonly notices: string[] = [];
  grantsAsked = 0;
  /** What it has instead of grants. */
  grantFailure: Failure | undefined;
  readonly #world: TransferWorld;
  readonly #trackersAheadMs: number;
  #address: Address = { host: "sim", port: 1 };

  constructor(world: TransferWorld, name: string, options: MachineOptions) {
    const { storage, downloadBuffers = 8, opening = (real) => real, hashing, ...storageOptions } = options;
    this.#world = world;
    this.#trackersAheadMs = options.trackersAheadMs ?? 0;
    this.user = name as UserName;
    this.uid = digits(`user ${name}`, 32) as Uid;
    this.fingerprint = digits(`key ${name}`, 64) as Fingerprint;
    this.storage =
      storage ?? new SimStorage({ buffers: UPLOADS_AT_ONCE_MAX + downloadBuffers, ...storageOptions });
    this.sources = new SimSources(this.storage);
    const { workers, openDownload, discardDownload } = this.storage;
    this.engine = createTransferEngine({
      transport: world.network.transport(this.fingerprint),
      workers: hashing === "stuck" ? withStuckHash(workers) : workers,
      openDownload: opening(openDownload),
      discardDownload: options.discard ?? discardDownload,
      openSource: this.sources.open,
      clock: behind(world.clock, options.trackersAheadMs ?? 0),
      authority: {
        fingerprint: this.fingerprint,
        keys: () => [world.office.publicKey],
        clockAheadMs: () => options.trackersAheadMs ?? 0,
        grant: (group) => this.#grant(group),
      },
      events: {
        changed: (download) => this.phases.push(`${download.order.path}: ${download.snapshot().phase.kind}`),
        offerBroken: (_offer, failure) => this.broken.push(failure),
        notice: (message) => this.notices.push(message),
      },
      seed: Number.parseInt(digits(name, 7), 16),
    });
  }

  async listen(): Promise<void> {
    this.#address = await this.engine.listen({ host: "sim", port: 0 });
  }

  source(complete = true): Source {
    const { user, uid, fingerprint } = this;
    return { user, uid, fingerprint, address: this.#address, complete };
  }

  /** Puts the file on its disk and offers it. A `fresh` one is not read again before it is served. */
  share({ bytes, manifest }: Content, { fresh = true, path = "/shared" } = {}): Offer {
    this.storage.placed.set(path, bytes);
    const identity = fresh ? this.sources.identityOf(path) : undefined;
    const offer = { gid, file: manifest.summary, manifest: async () => manifest, path, identity, fresh };
    this.engine.offer(offer);
    return offer;
  }

  /** Shares it, but every piece is read wrong from its disk. */
  shareWrong(file: Content): void {
    this.share(file);
    this.storage.faults = { read: () => "wrong" };
  }

  fetch({ manifest }: Content, sources: readonly Machine[], path = "/fetched"): Download {
    const download = this.engine.download({
      gid,
      manifest,
      path,
      base: dirname(path),
      journalPath: `${path}.journal`,
    });
    for (const machine of sources) download.addSource(machine.source());
    return download;
  }

  async #grant(group: Gid): Promise<Grant> {
    this.grantsAsked++;
    if (this.grantFailure !== undefined) throw this.grantFailure;
    const { text, expiresMs } = this.#world.office.grant(this, group);
    return { text, expiresMs: expiresMs - this.#trackersAheadMs };
  }
}

export class TransferWorld {
  readonly clock = new ManualClock();
  readonly office = new GrantOffice(this.clock);
  readonly network: SimNetwork;
  readonly #machines: Machine[] = [];

  /** @param seed where it is given, data is cut anywhere on its way */
  constructor(seed?: number) {
    const schedule = (run: () => void) => void this.clock.after(1, run);
    this.network = new SimNetwork({ schedule, ...(seed === undefined ? {} : { prng: new Prng(seed) }) });
  }

  /** A machine that listens. A second one of the same name has the same key. */
  async machine(name: string, options: MachineOptions = {}): Promise<Machine> {
    const machine = new Machine(this, name, options);
    await machine.listen();
    this.#machines.push(machine);
    return machine;
  }

  async pass(ms: number, stepMs = 1): Promise<void> {
    await settle();
    await this.clock.advanceSlowly(ms, stepMs);
  }

  /** Lets time pass until it is so. */
  async until(isSo: () => boolean, msMax = 3_000, stepMs = 1): Promise<void> {
    await settle();
    for (let passedMs = 0; !isSo(); passedMs += stepMs) {
      assert(passedMs < msMax, `not within ${msMax} ms: ${isSo}`);
      await this.clock.advanceSlowly(stepMs, stepMs);
    }
  }

  /** Lets time pass until the promise has settled. @returns its value */
  async outcome<T>(promise: Promise<T>, msMax = 3_000, stepMs = 1): Promise<T> {
    let hasSettled = false;
    const mark = () => {
      hasSettled = true;
    };
    promise.then(mark, mark);
    await this.until(() => hasSettled, msMax, stepMs);
    return promise;
  }

  /** Closes all engines. @throws AssertionError if anything is left over */
  async end(): Promise<void> {
    let isClosed = false;
    const closing = Promise.all(this.#machines.map(({ engine }) => engine.close())).then(() => {
      isClosed = true;
    });
    for (let turn = 0; !isClosed && turn < 1_000; turn++) {
      for (const { storage } of this.#machines) await storage.deliver();
      await this.pass(1);
    }
    assert(isClosed, "the engines do not end");
    await closing;
    await this.pass(10);
    const left = this.#left();
    assert(left.length === 0, `left over: ${left.join(", ")}`);
  }

  #left(): string[] {
    const left = this.network.errors.map((error) => `an exception: ${error}`);
    if (this.clock.pending > 0) left.push(`${this.clock.pending} timers`);
    for (const { user, fingerprint, sources, storage } of this.#machines) {
      const { capacity, free } = storage.workers.slots;
      if (this.network.connections(fingerprint).length > 0) left.push(`a connection of ${user}`);
      if (free < capacity) left.push(`${capacity - free} buffers of ${user}`);
      if (sources.held > 0) left.push(`${sources.held} open files of ${user}`);
    }
    return left;
  }
}

/** A test's body in a world of its own, which must end clean. */
export function inWorld(run: (world: TransferWorld) => Promise<void>, seed?: number): () => Promise<void> {
  return async () => {
    const world = new TransferWorld(seed);
    await run(world);
    await world.end();
  };
}
