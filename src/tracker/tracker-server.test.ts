import { afterEach, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import type { GroupName, RequestId, UserName } from "../base/ids.ts";
import { HANDSHAKE_MS_MAX } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import { randomHex } from "../base/random.ts";
import { systemClock } from "../base/system-clock.ts";
import type { Transport } from "../net/connection.ts";
import { loadOrMakeIdentity } from "../net/identity.ts";
import { RpcConnection } from "../net/rpc.ts";
import { TlsTcpTransport } from "../net/tls-tcp.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { MetTrackers } from "../testing/met-trackers.ts";
import { cheapPasswords, testSigning, WatchedStore } from "../testing/service-clients.ts";
import { SimNetwork } from "../testing/sim-network.ts";
import { deviceOf, originOf } from "../testing/test-tracker.ts";
import { METHODS, type Notice, notice } from "../wire/client-tracker.ts";
import { Passwords } from "./passwords.ts";
import { MemoryDisk } from "./store/memory-store.ts";
import { startTracker, TrackerServer } from "./tracker-server.ts";

const AT: Address = { host: "127.0.0.1", port: 5000 };
const LISTENING: Address = { host: "0.0.0.0", port: 7000 };
const protocol = { methods: METHODS, notice };
const id = () => randomHex(16) as RequestId;
const ada = "ada" as UserName;
const lab = "lab" as GroupName;

class Client {
  readonly notices: Notice[] = [];
  isClosed = false;
  readonly #rpc: RpcConnection<typeof METHODS, typeof notice>;

  private constructor(connection: Awaited<ReturnType<Transport["dial"]>>, clock: typeof systemClock) {
    this.#rpc = new RpcConnection({
      connection,
      protocol,
      clock,
      report: () => {},
      handler: {
        notice: (said) => this.notices.push(said),
        closed: () => {
          this.isClosed = true;
        },
      },
    });
  }

  static async dial(transport: Transport, address: Address, clock: typeof systemClock): Promise<Client> {
    return new Client(await transport.dial(address, undefined), clock);
  }

  get call() {
    return this.#rpc.call.bind(this.#rpc);
  }

  hello() {
    return this.call("hello", { version: 1, program: "test" });
  }

  async loggedIn(name: UserName): Promise<this> {
    await this.hello();
    await this.call("create_user", { id: id(), name, password: "secret" });
    await this.call("login", { name, password: "secret", listening: LISTENING });
    return this;
  }

  close(): void {
    this.#rpc.close();
  }
}

async function simulated(disk = new MemoryDisk(), run = 1) {
  const clock = new ManualClock();
  const network = new SimNetwork({ prng: new Prng(7) });
  const store = new WatchedStore(disk);
  const logged: unknown[] = [];
  const machine = deviceOf("tracker");
  const server = await TrackerServer.open(
    {
      transport: network.transport(machine),
      fingerprint: machine,
      store,
      signing: testSigning,
      passwords: new Passwords(cheapPasswords),
      known: new MetTrackers(),
      origin: originOf(1, run),
      prng: new Prng(1),
      afterTurn: setImmediate,
    },
    {
      no: 1,
      address: AT,
      trackers: [{ no: 1, address: AT, pin: undefined }],
      clock,
      log: { info: () => {}, warn: () => {}, error: (message) => logged.push(message) },
    },
  );
  const dial = (name: string) => Client.dial(network.transport(deviceOf(name)), AT, clock);
  return { clock, network, store, server, logged, machine, dial };
}

/** Lets deliveries and turns of the event loop happen until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < 1_000 && !condition(); turns++) await settle();
  expect(condition()).toBe(true);
}

describe("over the simulated network", () => {
  test("clients speak to the tracker and hear of each other", async () => {
    const { dial, server, network, logged } = await simulated();
    const owner = await (await dial("a")).loggedIn(ada);
    const asking = await (await dial("b")).loggedIn("bob" as UserName);
    await owner.call("create_group", { id: id(), group: lab });
    await asking.call("join_group", { id: id(), group: lab });
    await until(() => owner.notices.length > 0);
    expect(owner.notices).toEqual([
      { kind: "news", news: { kind: "join-request", group: lab, user: "bob" as UserName } },
    ]);
    expect(server.status()).toEqual([
      "tracker 1 of 1, listening on 127.0.0.1:5000",
      `key: sha256:${server.fingerprint}`,
      "connections: 2 clients",
      "online: 2 users on 2 machines",
      "records: 2 users, 1 group, 0 files",
      "log: 6 entries",
    ]);
    expect(network.errors).toEqual([]);
    expect(logged).toEqual([]);
  });

  test("refusals travel with their code; nonsense is refused without harm", async () => {
    const { dial } = await simulated();
    const client = await dial("a");
    await expect(client.call("list_groups", {})).rejects.toMatchObject({ code: "protocol" });
    await client.hello();
    await expect(client.call("list_groups", {})).rejects.toMatchObject({ code: "not-logged-in" });
    const nonsense = { id: id(), name: "a b" as UserName, password: "" };
    await expect(client.call("create_user", nonsense)).rejects.toMatchObject({ code: "invalid-input" });
    await client.loggedIn(ada);
  });

  test("a connection without hello ends", async () => {
    const { dial, clock, server } = await simulated();
    const silent = await dial("a");
    const client = await dial("b");
    await client.hello();
    clock.advance(HANDSHAKE_MS_MAX);
    await until(() => silent.isClosed);
    expect(client.isClosed).toBe(false);
    expect(server.status()).toContain("connections: 1 client");
  });

  test("a broken line takes its user offline", async () => {
    const { dial, network, machine, server } = await simulated();
    await (await dial("a")).loggedIn(ada);
    network.cut(machine, deviceOf("a"));
    await until(() => server.status().includes("online: 0 users on 0 machines"));
  });

  test("closing ends connections, frees the address and closes the store; the state comes back", async () => {
    const disk = new MemoryDisk();
    const first = await simulated(disk);
    const client = await (await first.dial("a")).loggedIn(ada);
    await client.call("create_group", { id: id(), group: lab });
    await Promise.all([first.server.close(), first.server.close()]);
    await until(() => client.isClosed);
    await expect(first.dial("b")).rejects.toBeInstanceOf(Failure);

    const second = await simulated(disk, 2);
    const again = await second.dial("a");
    await again.hello();
    await again.call("login", { name: ada, password: "secret", listening: LISTENING });
    expect((await again.call("list_groups", {})).result.rows).toHaveLength(1);
  });

  test("a client that does not read does not keep the tracker from ending", async () => {
    const { dial, network, machine, server, clock } = await simulated();
    await (await dial("a")).loggedIn(ada);
    for (const connection of network.connections(machine)) connection.freeze();
    const closed = server.close();
    await settle();
    clock.advance(10_000);
    await closed;
  });

  test("a disk that fails is answered, then everything ends, with the reason", async () => {
    const { dial, store, server, logged } = await simulated();
    const client = await (await dial("a")).loggedIn(ada);
    const other = await (await dial("b")).loggedIn("bob" as UserName);
    store.broken = true;
    const refused = await client.call("create_group", { id: id(), group: lab }).catch((error) => error);
    expect(refused).toMatchObject({ code: "disk-error" });
    expect(refused.message).toContain("try another tracker");
    const failure = await server.failed;
    expect(failure.message).toContain("no space left on device");
    await until(() => client.isClosed && other.isClosed);
    await expect(dial("c")).rejects.toBeInstanceOf(Failure);
    expect(logged).toEqual([failure.message]);
  });
});

describe("as a real process would run it", () => {
  const folders: string[] = [];
  const folder = async () => {
    const path = await mkdtemp(join(tmpdir(), "p2p-tracker-"));
    folders.push(path);
    return path;
  };
  afterEach(async () => {
    for (const path of folders.splice(0)) await rm(path, { recursive: true });
  });

  test("TLS, argon2id, SQLite: a restart in the same folder keeps key, accounts, groups and sessions", async () => {
    const dataFolder = await folder();
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const options = { no: 1, address: { ...AT, port: 0 }, trackers: [], log, clock: systemClock, dataFolder };
    const identity = await loadOrMakeIdentity(await folder());
    const transport = new TlsTcpTransport(
      { identity, clock: systemClock, report: () => {} },
      { connectionsMax: 1, perAddressMax: 1 },
    );

    const first = await startTracker(options);
    const client = await Client.dial(transport, first.address, systemClock);
    await client.hello();
    await client.call("create_user", { id: id(), name: ada, password: "secret" });
    const login = { name: ada, listening: LISTENING };
    await expect(client.call("login", { ...login, password: "wrong" })).rejects.toMatchObject({
      code: "wrong-credentials",
    });
    const { result } = await client.call("login", { ...login, password: "secret" });
    await client.call("create_group", { id: id(), group: lab });
    await first.close();

    const second = await startTracker(options);
    expect(second.fingerprint).toBe(first.fingerprint);
    const again = await Client.dial(transport, second.address, systemClock);
    await again.hello();
    await again.call("resume", { token: result.token, listening: LISTENING });
    expect((await again.call("list_groups", {})).result.rows).toMatchObject([
      { name: "lab", owner: "ada", standing: "owner" },
    ]);
    again.close();
    await second.close();
    expect(await readdir(dataFolder)).toContain("tracker.sqlite");
  });

  test("an address that is taken is refused in one line, and leaves the store free", async () => {
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const base = { no: 1, trackers: [], log, clock: systemClock };
    const first = await startTracker({ ...base, address: { ...AT, port: 0 }, dataFolder: await folder() });
    const dataFolder = await folder();
    const refused = await startTracker({ ...base, address: first.address, dataFolder }).catch((e) => e);
    expect(refused).toBeInstanceOf(Failure);
    await first.close();
    await (await startTracker({ ...base, address: { ...AT, port: 0 }, dataFolder })).close();
  });
});
