/**
 * A tracker's service with clients that call it directly: no sockets, no disk, a clock that stands still, passwords that
 * cost nothing. For tests.
 */
import { generateKeyPairSync } from "node:crypto";
import type { Address } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import type { FileName, Fingerprint, Gid, GroupName, RequestId, UserName } from "../base/ids.ts";
import { BLOB_PART_BYTES } from "../base/limits.ts";
import { Manifest, pieceCount } from "../base/manifest.ts";
import { Prng } from "../base/prng.ts";
import type { SigningKey } from "../net/identity.ts";
import type { ClientLink, LinkSession } from "../tracker/client-link.ts";
import { type PasswordAlgorithm, Passwords } from "../tracker/passwords.ts";
import type { EventStore } from "../tracker/store/event-store.ts";
import { MemoryDisk, MemoryStore } from "../tracker/store/memory-store.ts";
import { TrackerService } from "../tracker/tracker-service.ts";
import type { Method, News, Notice, Params, Result } from "../wire/client-tracker.ts";
import type { Entry } from "../wire/entry.ts";
import { formatPublicKey } from "../wire/signed.ts";
import { ManualClock, settle } from "./manual-clock.ts";
import { MetTrackers } from "./met-trackers.ts";
import { SimNetwork } from "./sim-network.ts";
import { deviceOf, hexId, originOf } from "./test-tracker.ts";

export const cheapPasswords: PasswordAlgorithm = {
  decoy: "hash of nothing",
  hash: async (password) => `hash of ${password}`,
  verify: async (password, hash) => hash === `hash of ${password}`,
};

/** Counts transactions, and can fail as a disk does. */
export class WatchedStore extends MemoryStore implements EventStore {
  readonly batches: number[] = [];
  broken = false;

  override append(entries: readonly Entry[]): void {
    this.#refuseIfBroken();
    this.batches.push(entries.length);
    super.append(entries);
  }

  override setMeta(key: string, value: string): void {
    this.#refuseIfBroken();
    super.setMeta(key, value);
  }

  #refuseIfBroken(): void {
    if (this.broken) throw new Failure("disk-error", "no space left on device");
  }
}

const signingKeys = new Map<string, SigningKey>();

/** The same key for the same name, in one run of the tests. */
export function signingOf(name: string): SigningKey {
  let key = signingKeys.get(name);
  if (key === undefined) {
    const { privateKey } = generateKeyPairSync("ed25519");
    key = { privateKey, publicKey: formatPublicKey(privateKey) };
    signingKeys.set(name, key);
  }
  return key;
}

export const testSigning = signingOf("the tracker");

/** No other tracker is listed, so none is dialled. */
const NOBODY_ELSE = {
  transport: new SimNetwork().transport(deviceOf("nobody")),
  known: new MetTrackers(),
  log: { info() {}, warn() {} },
};

/** One tracker that can be restarted on its disk. */
export class ServiceWorld {
  readonly clock = new ManualClock();
  readonly disk = new MemoryDisk();
  readonly failures: Failure[] = [];
  /** Hashes that a password was held against. */
  readonly verified: string[] = [];
  /** Passwords cannot be checked right now. */
  isBusy = false;
  store: WatchedStore;
  service: TrackerService;
  readonly #no: number;
  readonly #algorithm: PasswordAlgorithm;
  #runs = 0;
  #requests = 0;
  #clients: TestClient[] = [];

  /**
   * @param no the tracker's number
   * @param algorithm of the passwords
   */
  constructor(no = 1, algorithm: PasswordAlgorithm = cheapPasswords) {
    this.#no = no;
    this.#algorithm = algorithm;
    this.store = new WatchedStore(this.disk);
    this.service = this.#start();
  }

  /** As after `kill -9`: every connection is gone, memory too. */
  restart(): void {
    for (const client of this.#clients) client.isOpen = false;
    this.#clients = [];
    this.store = new WatchedStore(this.disk);
    this.service = this.#start();
  }

  /** @param machine names its key; the same text is the same machine */
  async connect(machine: string, host = "192.0.2.1"): Promise<TestClient> {
    const client = new TestClient(this, deviceOf(machine), { host, port: 50_000 });
    this.#clients.push(client);
    await client.call("hello", { version: 1, program: "test" });
    return client;
  }

  /** Connected, its account made, logged in. */
  async user(name: string, machine = `${name}'s machine`, password = "secret"): Promise<TestClient> {
    const client = await this.connect(machine);
    await client.call("create_user", { id: this.id(), name: name as UserName, password });
    await client.login(name, password);
    return client;
  }

  /** A group of the first, with the others as members. */
  async group(name: string, owner: TestClient, ...members: TestClient[]): Promise<void> {
    const group = name as GroupName;
    await owner.call("create_group", { id: this.id(), group });
    for (const member of members) {
      await member.call("join_group", { id: this.id(), group });
      await owner.call("accept_request", { id: this.id(), group, user: member.name });
    }
  }

  id(): RequestId {
    return hexId<RequestId>(`request ${this.#no} ${this.#requests++}`);
  }

  readonly #verify = async (password: string, hash: string): Promise<boolean> => {
    if (this.isBusy) throw new Failure("try-later", "busy");
    this.verified.push(hash);
    return this.#algorithm.verify(password, hash);
  };

  #start(): TrackerService {
    const { clock } = this;
    const run = ++this.#runs;
    // A run that was killed does nothing more, whatever it had still in mind.
    const alive = (work: () => void) => () => {
      if (run === this.#runs) work();
    };
    return new TrackerService(
      {
        store: this.store,
        clock: {
          nowMs: () => clock.nowMs(),
          monotonicMs: () => clock.monotonicMs(),
          after: (delayMs, work) => clock.after(delayMs, alive(work)),
        },
        prng: new Prng(1),
        signing: testSigning,
        passwords: new Passwords({ ...this.#algorithm, verify: this.#verify }),
        afterTurn: (work) => setImmediate(alive(work)),
        failed: (failure) => this.failures.push(failure),
        ...NOBODY_ELSE,
      },
      { no: this.#no, origin: originOf(this.#no, run), others: [] },
    );
  }
}

export class TestClient implements ClientLink {
  readonly fingerprint: Fingerprint;
  readonly remote: Address;
  readonly notices: Notice[] = [];
  greeted = false;
  takesNewFiles = false;
  isOpen = true;
  session: LinkSession | undefined;
  name = "" as UserName;
  token = "";
  readonly #world: ServiceWorld;

  constructor(world: ServiceWorld, fingerprint: Fingerprint, remote: Address) {
    this.#world = world;
    this.fingerprint = fingerprint;
    this.remote = remote;
  }

  get listening(): Address {
    return { host: "0.0.0.0", port: 7000 };
  }

  async call<M extends Method>(
    method: M,
    params: Params<M>,
    tail: Uint8Array = new Uint8Array(),
  ): Promise<Result<M>> {
    return (await this.ask(method, params, tail)).result;
  }

  ask<M extends Method>(method: M, params: Params<M>, tail: Uint8Array = new Uint8Array()) {
    return this.#world.service.answer(this, method, params, tail);
  }

  /** @returns the code of the failure, or "done" */
  async attempt<M extends Method>(method: M, params: Params<M>, tail?: Uint8Array): Promise<string> {
    try {
      await this.ask(method, params, tail);
      return "done";
    } catch (error) {
      if (error instanceof Failure) return error.code;
      throw error;
    }
  }

  async login(name: string, password = "secret"): Promise<Result<"login">> {
    const session = await this.call("login", { name: name as UserName, password, listening: this.listening });
    this.name = session.name;
    this.token = session.token;
    return session;
  }

  resume(token: string): Promise<Result<"resume">> {
    return this.call("resume", { token, listening: this.listening });
  }

  /** Uploads the piece list, then shares. */
  async share(group: string, name: string, manifest: Manifest, counter = 1): Promise<Gid> {
    await this.putPieceList(group, manifest);
    const params = { id: this.#world.id(), group: group as GroupName, name: name as FileName };
    return (await this.call("share", { ...params, file: manifest.summary, counter })).gid;
  }

  async putPieceList(group: string, { summary, rows }: Manifest): Promise<void> {
    for (let offset = 0; offset === 0 || offset < rows.length; offset += BLOB_PART_BYTES) {
      const params = { group: group as GroupName, digest: summary.digest, offset, total: rows.length };
      await this.call("put_blob", params, rows.subarray(offset, offset + BLOB_PART_BYTES));
    }
  }

  /** What came since the last time, after the tracker has done all that it had to do. */
  async heard(): Promise<Notice[]> {
    await settle();
    return this.notices.splice(0);
  }

  async heardNews(): Promise<News[]> {
    return (await this.heard()).flatMap((notice) => (notice.kind === "news" ? [notice.news] : []));
  }

  /** The connection ends. */
  hangUp(): void {
    this.isOpen = false;
    this.#world.service.disconnected(this);
  }

  notify(notice: Notice): void {
    if (this.isOpen) this.notices.push(notice);
  }

  close(): void {
    this.hangUp();
  }
}

/** A file of that size whose pieces have made-up hashes. */
export function manifestOf(content: string, size = 1_000_000): Manifest {
  const rows = new Uint8Array(pieceCount(size) * 52);
  const hash = new Bun.CryptoHasher("sha256").update(content).digest();
  for (let at = 0; at < rows.length; at++) rows[at] = hash[at % hash.length] ?? 0;
  return Manifest.make(size, hexId(`sha1 ${content}`, 40), rows);
}
