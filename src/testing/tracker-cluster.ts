/**
 * Trackers of one list on a simulated network, real but for sockets, disk, clock and the cost of passwords; and clients
 * that speak their protocol. For tests.
 */
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { FileName, Fingerprint, GroupName, RequestId, UserName } from "../base/ids.ts";
import { TRACKER_CLOSE_MS_MAX } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import type { Transport } from "../net/connection.ts";
import { type MethodOf, type ParamsOf, type ResultOf, RpcConnection } from "../net/rpc.ts";
import { Passwords } from "../tracker/passwords.ts";
import { MemoryDisk, MemoryStore } from "../tracker/store/memory-store.ts";
import { TrackerServer } from "../tracker/tracker-server.ts";
import { METHODS, type Notice, notice } from "../wire/client-tracker.ts";
import { ManualClock, settle } from "./manual-clock.ts";
import { MetTrackers } from "./met-trackers.ts";
import { cheapPasswords, manifestOf, signingOf } from "./service-clients.ts";
import { SimNetwork } from "./sim-network.ts";
import { deviceOf, originOf, requestId } from "./test-tracker.ts";

const LISTENING: Address = { host: "192.0.2.9", port: 7000 };
const protocol = { methods: METHODS, notice };

/** One tracker of the list: its disk and what it remembers outlive its runs. */
export class ClusterTracker {
  readonly key: Fingerprint;
  readonly clock: ManualClock;
  readonly logged: string[] = [];
  disk = new MemoryDisk();
  server: TrackerServer | undefined;
  readonly #met = new MetTrackers();
  readonly #cluster: TrackerCluster;
  #runs = 0;

  constructor(
    cluster: TrackerCluster,
    readonly entry: TrackerEntry,
  ) {
    this.#cluster = cluster;
    this.key = deviceOf(`tracker ${entry.no}`);
    this.clock = cluster.clock;
  }

  async start(): Promise<void> {
    const { no, address } = this.entry;
    const log = (message: unknown) => void this.logged.push(String(message));
    this.server = await TrackerServer.open(
      {
        transport: this.#cluster.network.transport(this.key),
        fingerprint: this.key,
        store: new MemoryStore(this.disk),
        signing: signingOf(`tracker ${no}`),
        passwords: new Passwords(cheapPasswords),
        known: this.#met,
        origin: originOf(no, ++this.#runs),
        prng: new Prng(no),
        afterTurn: setImmediate,
      },
      {
        no,
        address,
        trackers: this.#cluster.entries,
        clock: this.clock,
        log: { info: log, warn: log, error: log },
      },
    );
  }

  /** As after `kill -9`. */
  async crash(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    this.#cluster.network.cut(this.key);
    const closed = server?.close();
    await this.#cluster.pass(TRACKER_CLOSE_MS_MAX);
    await closed;
  }

  status(): string {
    return this.server?.status().join("\n") ?? "down";
  }
}

export class TrackerCluster {
  readonly clock = new ManualClock();
  readonly network = new SimNetwork({ prng: new Prng(3) });
  readonly entries: readonly TrackerEntry[];
  readonly trackers: readonly ClusterTracker[];
  #requests = 0;

  constructor(size: number) {
    this.entries = Array.from({ length: size }, (_, index) => ({
      no: index + 1,
      address: { host: "127.0.0.1", port: 5001 + index },
      pin: undefined,
    }));
    this.trackers = this.entries.map((entry) => new ClusterTracker(this, entry));
  }

  /** All started, and met. */
  static async running(size: number): Promise<TrackerCluster> {
    const cluster = new TrackerCluster(size);
    await Promise.all(cluster.trackers.map((tracker) => tracker.start()));
    await cluster.pass(3_000);
    return cluster;
  }

  tracker(no: number): ClusterTracker {
    const found = this.trackers[no - 1];
    if (found === undefined) throw new Error(`no tracker ${no}`);
    return found;
  }

  /** Lets time pass, and everything happen that falls due. */
  async pass(ms: number): Promise<void> {
    await this.clock.advanceSlowly(ms, 50);
  }

  /** Cuts two trackers off from each other. */
  sever(one: number, other: number): void {
    this.network.sever(this.tracker(one).key, this.tracker(other).key);
  }

  heal(one: number, other: number): void {
    this.network.heal(this.tracker(one).key, this.tracker(other).key);
  }

  id(): RequestId {
    return requestId(`cluster ${++this.#requests}`);
  }

  async client(no: number, machine: string): Promise<ClusterClient> {
    const transport = this.network.transport(deviceOf(machine));
    const client = await ClusterClient.dial(this, transport, this.tracker(no).entry.address);
    await client.call("hello", { version: 1, program: "test" });
    return client;
  }

  /** Connected to that tracker, its account made, logged in. */
  async user(no: number, name: string, machine = `${name}'s machine`): Promise<ClusterClient> {
    const client = await this.client(no, machine);
    await client.call("create_user", { id: this.id(), name: name as UserName, password: "secret" });
    await client.login(name);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tracker of this.trackers) await tracker.crash();
  }
}

export class ClusterClient {
  readonly notices: Notice[] = [];
  token = "";
  readonly #cluster: TrackerCluster;
  readonly #rpc: RpcConnection<typeof METHODS, typeof notice>;

  static async dial(cluster: TrackerCluster, transport: Transport, address: Address): Promise<ClusterClient> {
    return new ClusterClient(cluster, await transport.dial(address, undefined));
  }

  private constructor(cluster: TrackerCluster, connection: Awaited<ReturnType<Transport["dial"]>>) {
    this.#cluster = cluster;
    const clock: Clock = cluster.clock;
    this.#rpc = new RpcConnection({
      connection,
      protocol,
      clock,
      report: () => {},
      handler: { notice: (said) => this.notices.push(said), closed: () => {} },
    });
  }

  async call<M extends MethodOf<typeof METHODS>>(
    method: M,
    params: ParamsOf<typeof METHODS, M>,
    tail?: Uint8Array,
  ): Promise<ResultOf<typeof METHODS, M>> {
    return (await this.#rpc.call(method, params, tail)).result;
  }

  async login(name: string, password = "secret"): Promise<void> {
    const session = await this.call("login", { name: name as UserName, password, listening: LISTENING });
    this.token = session.token;
  }

  async resume(token: string): Promise<void> {
    this.token = (await this.call("resume", { token, listening: LISTENING })).token;
  }

  /** A command on a group, with an id of its own. */
  async on(
    method: "create_group" | "delete_group" | "join_group" | "leave_group",
    group: string,
  ): Promise<void> {
    await this.call(method, { id: this.#cluster.id(), group: group as GroupName });
  }

  /** The owner's command on somebody. */
  async about(
    method: "accept_request" | "reject_request" | "remove_member" | "transfer_owner",
    group: string,
    user: string,
  ): Promise<void> {
    await this.call(method, {
      id: this.#cluster.id(),
      group: group as GroupName,
      user: user as UserName,
    });
  }

  async groups(): Promise<string[]> {
    const { rows } = await this.call("list_groups", {});
    return rows.map(({ name, standing }) => `${name} ${standing}`);
  }

  /** Uploads the piece list of a made-up file, then shares it. */
  async share(group: string, name: string): Promise<void> {
    const { summary, rows } = manifestOf(name);
    const inGroup = { group: group as GroupName };
    await this.call("put_blob", { ...inGroup, digest: summary.digest, offset: 0, total: rows.length }, rows);
    await this.call("share", {
      ...inGroup,
      id: this.#cluster.id(),
      name: name as FileName,
      file: summary,
      counter: 1,
    });
  }

  /** What came since the last time. */
  async heard(): Promise<Notice[]> {
    await settle();
    return this.notices.splice(0);
  }

  close(): void {
    this.#rpc.close();
  }
}
