/**
 * Clients against a real tracker service, with everything else pretended: links, disk, transfer, time. For tests.
 *
 * The trackers of the list are doors to one and the same service: what one door has acknowledged the others know, as
 * trackers in sync would. A test can put another service behind a door, which knows what the test lets it know.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Address } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import type { FileName, Fingerprint, GroupName, UserName } from "../base/ids.ts";
import { PIECE_BYTES } from "../base/limits.ts";
import type { Manifest } from "../base/manifest.ts";
import { type ClientApp, openClientApp } from "../client/client-app.ts";
import type { ClientParts } from "../client/client-parts.ts";
import { Library } from "../client/library.ts";
import type { Destination, LocalFiles, OpenedFile, WalkedFolder } from "../client/local-files.ts";
import type { Answer, TrackerLink, TrackerLinkHandler } from "../client/tracker-link.ts";
import type { ClientEvent } from "../client/views.ts";
import type { ClientLink, LinkSession } from "../tracker/client-link.ts";
import type { TrackerService } from "../tracker/tracker-service.ts";
import type { KeptHashing, SmallFile } from "../transfer/disk/contract.ts";
import type { FileIdentity } from "../transfer/disk/file-identity.ts";
import type { WalkOptions } from "../transfer/disk/folder-walk.ts";
import type { Method, Notice, Params } from "../wire/client-tracker.ts";
import { FakeEngine } from "./fake-engine.ts";
import { settle } from "./manual-clock.ts";
import { manifestOf, ServiceWorld } from "./service-clients.ts";
import { deviceOf } from "./test-tracker.ts";

export const DOORS = 2;
/** Another program listens there, on every machine. */
export const PORT_TAKEN = 4242;

interface Call {
  readonly door: number;
  readonly method: Method;
  readonly params: unknown;
}

/** Between one client and one door. */
class WorldLink implements TrackerLink, ClientLink {
  readonly remote: Address = { host: "192.0.2.1", port: 50_000 };
  greeted = false;
  takesNewFiles = false;
  session: LinkSession | undefined;
  isOpen = true;
  readonly #ended = Promise.withResolvers<never>();

  constructor(
    readonly world: ClientWorld,
    readonly door: number,
    readonly fingerprint: Fingerprint,
    readonly handler: TrackerLinkHandler,
  ) {
    this.#ended.promise.catch(() => {});
  }

  async call<M extends Method>(method: M, params: Params<M>, tail = new Uint8Array()): Promise<Answer<M>> {
    const { world, door } = this;
    if (!this.isOpen) throw new Failure("tracker-unreachable", "the connection has ended");
    if (method !== "ping") world.calls.push({ door, method, params });
    await world.held.get(method)?.promise;
    if (world.silent.has(door)) return this.#ended.promise;
    const answered = world.serviceAt(door).answer(this, method, params, tail) as Promise<Answer<M>>;
    if (world.loseAnswerOf !== method) return Promise.race([answered, this.#ended.promise]);
    world.loseAnswerOf = undefined;
    await answered;
    this.close(new Failure("tracker-unreachable", "connection reset"));
    return this.#ended.promise;
  }

  notify(notice: Notice): void {
    if (this.isOpen) queueMicrotask(() => this.handler.notice(notice));
  }

  close(reason?: Failure): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.world.links.delete(this);
    this.world.serviceAt(this.door).disconnected(this);
    this.#ended.reject(reason ?? new Failure("tracker-unreachable", "the connection has ended"));
    queueMicrotask(() => this.handler.closed(reason));
  }
}

interface MemoryFile {
  readonly content: string;
  readonly identity: FileIdentity;
}

/** A disk in memory: a file is its content, and a new identity with each writing. */
class MemoryDisk implements LocalFiles {
  readonly files = new Map<string, MemoryFile>();
  readonly opened = new Map<number, OpenedFile>();
  /** Paths that were hashed, in order. */
  readonly hashed: string[] = [];
  /** What interrupted hashings left, by file. */
  readonly kept = new Map<string, Uint8Array>();
  #writes = 0;

  write(path: string, content: string, size = 1_000_000): void {
    const inode = String(++this.#writes);
    const identity = { device: "1", inode, size, modifiedNs: inode.padStart(19, "1") };
    this.files.set(path, { content, identity });
  }

  async open(path: string): Promise<OpenedFile> {
    const file = this.files.get(path);
    if (file === undefined) throw new Failure("file-missing", `no such file: ${path}`);
    const descriptor = this.opened.size + 3;
    const { identity } = file;
    const unchanged = () => this.difference(path, identity);
    const opened = { path, descriptor, identity, executable: false, unchanged, close: async () => {} };
    this.opened.set(descriptor, opened);
    return opened;
  }

  async small(path: string): Promise<SmallFile | undefined> {
    const file = this.files.get(path);
    if (file === undefined || file.identity.size > PIECE_BYTES) return undefined;
    this.hashed.push(path);
    const { content, identity } = file;
    return { path, identity, executable: false, manifest: manifestOf(content, identity.size) };
  }

  async walk(folder: string, { matches }: WalkOptions): Promise<WalkedFolder> {
    const files = [...this.files.keys()]
      .filter((path) => path.startsWith(`${folder}/`))
      .map((path) => ({ path, name: path.slice(folder.length + 1) }))
      .filter(({ name }) => matches(name))
      .sort((left, right) => (left.name < right.name ? -1 : 1));
    return { root: folder, files, leftOut: 0 };
  }

  async difference(path: string, known: FileIdentity): Promise<Failure | undefined> {
    const file = this.files.get(path);
    if (file?.identity.modifiedNs === known.modifiedNs) return undefined;
    return new Failure("file-changed", `${path} ${file === undefined ? "was removed" : "was changed"}`);
  }

  async destination(typed: string, name: FileName): Promise<Destination> {
    const path = typed.endsWith("/") ? join(typed, name) : typed;
    return {
      path,
      base: typed.endsWith("/") ? typed.slice(0, -1) : dirname(path),
    };
  }

  async destinations(typed: string): Promise<(name: FileName) => Destination> {
    return (name) => ({ path: join(typed, name), base: join(typed, ".") });
  }

  async isTaken(path: string): Promise<boolean> {
    return this.files.has(path);
  }

  async folder(typed: string): Promise<string> {
    return join(typed, ".");
  }

  async hashFile(
    descriptor: number,
    size: number,
    progress: (doneBytes: number) => void,
    signal?: AbortSignal,
    kept?: Pick<KeptHashing, "rows" | "add">,
  ): Promise<Manifest> {
    const path = this.opened.get(descriptor)?.path ?? "";
    this.hashed.push(path);
    const content = this.files.get(path)?.content ?? "";
    kept?.add(Buffer.from(content));
    const wasAborted = signal?.aborted;
    progress(size);
    if (signal?.aborted !== wasAborted) throw new Failure("try-later", "ended while it was hashed");
    return manifestOf(content, size);
  }

  async begin(identity: FileIdentity): Promise<KeptHashing> {
    const key = JSON.stringify(identity);
    const rows = this.kept.get(key) ?? new Uint8Array();
    let added = rows;
    return {
      rows,
      add: (more) => {
        added = more;
      },
      close: async () => void this.kept.set(key, added),
      remove: async () => void this.kept.delete(key),
    };
  }
}

/** One installation: what outlives its program. */
export class Machine {
  readonly disk = new MemoryDisk();
  readonly lists = new Map<string, Manifest>();
  readonly folder = mkdtempSync(join(tmpdir(), "p2p-client-"));

  constructor(
    readonly world: ClientWorld,
    readonly name: string,
  ) {}

  get fingerprint(): Fingerprint {
    return deviceOf(this.name);
  }

  /** Starts the program. */
  async start(options: { readonly listen?: Address } = {}): Promise<RunningClient> {
    return RunningClient.start(this, options.listen ?? { host: "0.0.0.0", port: 7000 });
  }
}

export class RunningClient {
  readonly events: ClientEvent[] = [];

  private constructor(
    readonly machine: Machine,
    readonly app: ClientApp,
    readonly engine: FakeEngine,
  ) {
    app.subscribe((event) => this.events.push(event));
  }

  static async start(machine: Machine, listen: Address): Promise<RunningClient> {
    const { world } = machine;
    let engine: FakeEngine | undefined;
    const library = Library.open(join(machine.folder, "client.sqlite"), () => {});
    const parts: ClientParts = {
      clock: world.tracker.clock,
      fingerprint: machine.fingerprint,
      dial: (door, handler) => world.dial(door, machine.fingerprint, handler),
      workers: machine.disk,
      files: machine.disk,
      hashJournals: machine.disk,
      lists: {
        read: async (file) => machine.lists.get(file.digest),
        write: async (manifest) => void machine.lists.set(manifest.summary.digest, manifest),
      },
      library,
      createEngine: (authority, events) => {
        engine = new FakeEngine(authority, events, [PORT_TAKEN]);
        return engine;
      },
      newRequestId: () => world.tracker.id(),
      journalPath: (uid, gid, listingId) => `/journals/${uid}.${gid}.${listingId}`,
      close: async () => library.close(),
    };
    const app = await openClientApp(
      {
        trackers: Array.from({ length: DOORS }, (_, door) => ({
          no: door + 1,
          address: { host: "127.0.0.1", port: 8001 + door },
          pin: undefined,
        })),
        listen,
        dataFolder: machine.folder,
        log: { warn: () => {}, info: () => {} },
      },
      parts,
    );
    if (engine === undefined) throw new Error("the client made no engine");
    return new RunningClient(machine, app, engine);
  }

  /** A new user, logged in. */
  async signUp(name: string): Promise<this> {
    await this.app.createUser(name as UserName, "secret");
    return this.logIn(name);
  }

  async logIn(name: string): Promise<this> {
    await this.app.login(name as UserName, "secret");
    await settle();
    return this;
  }

  /** Shares a new file of that content, which lies at `/data/<name>`. */
  async share(name: string, group = "lab", content = `content of ${name}`): Promise<void> {
    this.machine.disk.write(`/data/${name}`, content);
    await this.app.uploadFile(`/data/${name}`, group as GroupName, undefined, () => {});
  }

  /** Into `/in/`. */
  async download(name: string, group = "lab"): Promise<{ path: string }> {
    return this.app.downloadFile(group as GroupName, name as FileName, "/in/");
  }

  /** What the transfer says when all pieces are there. */
  async completeDownload(index = 0): Promise<void> {
    this.beComplete(index);
    await settle();
    await settle();
  }

  /** As the transfer tells it; what follows from it comes later. */
  beComplete(index: number): void {
    const download = this.engine.downloads[index];
    if (download === undefined) throw new Error(`no download ${index}`);
    const { path, manifest } = download.order;
    this.machine.disk.write(path, basename(path), manifest.summary.size);
    download.complete();
  }

  kinds(): string[] {
    return this.events.map((event) => (event.kind === "news" ? event.news.kind : event.kind));
  }

  offered(): string[] {
    return [...this.engine.offers.values()].map(({ path }) => path).sort();
  }
}

export class ClientWorld {
  readonly tracker = new ServiceWorld();
  readonly calls: Call[] = [];
  readonly links = new Set<WorldLink>();
  /** What is behind a door, where that is not `tracker`. */
  readonly others = new Map<number, ServiceWorld>();
  /** Doors that refuse. */
  readonly down = new Set<number>();
  /** Doors that take connections and say nothing. */
  readonly silent = new Set<number>();
  /** The next such call is done, but its connection ends before the answer. */
  loseAnswerOf: Method | undefined;
  /** Calls of these methods are on their way until the promise is resolved. */
  readonly held = new Map<Method, PromiseWithResolvers<void>>();
  readonly #machines: Machine[] = [];

  /** @returns lets such calls arrive, those under way and those to come */
  hold(method: Method): () => void {
    const gate = Promise.withResolvers<void>();
    this.held.set(method, gate);
    return () => {
      this.held.delete(method);
      gate.resolve();
    };
  }

  machine(name: string): Machine {
    const machine = new Machine(this, name);
    this.#machines.push(machine);
    return machine;
  }

  async dial(door: number, fingerprint: Fingerprint, handler: TrackerLinkHandler): Promise<TrackerLink> {
    if (this.down.has(door)) throw new Failure("tracker-unreachable", "connection refused");
    const link = new WorldLink(this, door, fingerprint, handler);
    this.links.add(link);
    return link;
  }

  serviceAt(door: number): TrackerService {
    return (this.others.get(door) ?? this.tracker).service;
  }

  /** As if that tracker were killed. */
  kill(door: number): void {
    this.down.add(door);
    for (const link of this.links)
      if (link.door === door) link.close(new Failure("tracker-unreachable", "connection reset"));
  }

  /** Lets time pass until the promise is settled, at most `ms`. @returns how long it took */
  during<T>(promise: Promise<T>, ms: number): Promise<{ outcome: T | Failure; tookMs: number }> {
    return this.tracker.clock.during(promise, ms);
  }

  async pass(ms: number): Promise<void> {
    await this.tracker.clock.advanceSlowly(ms, 100);
  }

  called(method: Method): Call[] {
    return this.calls.filter((call) => call.method === method);
  }

  dispose(): void {
    for (const { folder } of this.#machines) rmSync(folder, { recursive: true, force: true });
  }
}
