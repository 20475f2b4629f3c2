/** Whole trackers that meet, part and meet again. */
import { describe, expect, test } from "bun:test";
import type { Fingerprint, GroupName, RequestId, UserName } from "../../base/ids.ts";
import {
  HANDSHAKE_MS_MAX,
  HASH_COMPARE_MS,
  LOOK_MS,
  PRESENCE_LEASE_MS,
  REPLICA_RETRY_MS_MAX,
  REPLICA_SILENT_MS_MAX,
  SPREAD_MS_MAX,
  TRACKER_CLOSE_MS_MAX,
} from "../../base/limits.ts";
import { RpcConnection } from "../../net/rpc.ts";
import { failureOf } from "../../testing/failure-of.ts";
import { manifestOf } from "../../testing/service-clients.ts";
import { deviceOf, originOf } from "../../testing/test-tracker.ts";
import { TrackerCluster } from "../../testing/tracker-cluster.ts";
import { REPLICA_METHODS, replicaNotice } from "../../wire/tracker-tracker.ts";
import { MemoryDisk } from "../store/memory-store.ts";

const lab = "lab" as GroupName;

const GREETING = {
  version: 1 as const,
  no: 2,
  origin: originOf(2, 9),
  clockMs: 0,
  key: "key",
  vector: [],
};

/** A connection to tracker 1 by whoever has that key, which speaks as trackers do. */
async function dialledAs(cluster: TrackerCluster, key: Fingerprint) {
  const { address } = cluster.tracker(1).entry;
  const connection = await cluster.network.transport(key).dial(address, undefined);
  const rpc = new RpcConnection({
    connection,
    protocol: { methods: REPLICA_METHODS, notice: replicaNotice },
    clock: cluster.clock,
    report: () => {},
    handler: { closed: () => {} },
  });
  return { rpc, connection };
}

/** Tracker 1 has met tracker 2, in whose place somebody dials it who says what the test says. */
async function inPlaceOfTracker2(cluster: TrackerCluster) {
  await cluster.tracker(2).crash();
  return dialledAs(cluster, cluster.tracker(2).key);
}

describe("what a tracker says of another one out of reach", () => {
  test("is that it has ended", async () => {
    await using cluster = await TrackerCluster.running(2);
    const [one, two] = [cluster.tracker(1), cluster.tracker(2)];
    const closed = two.server?.close();
    await cluster.pass(50);
    expect(one.status()).toMatch(
      /tracker 2 at 127.0.0.1:5002: out of reach for 0s \(it ended the connection\)/,
    );
    await cluster.pass(TRACKER_CLOSE_MS_MAX);
    await closed;
  });

  test("is that it hangs", async () => {
    await using cluster = await TrackerCluster.running(2);
    const [one, two] = [cluster.tracker(1), cluster.tracker(2)];
    for (const line of cluster.network.connections(two.key)) line.freeze();
    const silentMs = REPLICA_SILENT_MS_MAX + LOOK_MS;
    for (let ms = 0; ms < silentMs && one.status().includes("in step"); ms += 50) await cluster.pass(50);
    expect(one.status()).toMatch(/out of reach for 0s \(it takes connections but does not answer\)/);
    await cluster.pass(REPLICA_RETRY_MS_MAX);
    expect(one.status()).toContain("in step");
  });

  test("is that the list names this tracker twice", async () => {
    await using cluster = new TrackerCluster(2);
    const one = cluster.tracker(1);
    one.trackers = cluster.entries.map((entry) => ({ ...entry, address: one.entry.address }));
    await one.start();
    await cluster.pass(3_000);
    expect(one.status()).toContain("(this address is this tracker's own; list each tracker once)");
  });
});

describe("a tracker that does not keep to the protocol", () => {
  test("is cut off when it does not greet", async () => {
    await using cluster = await TrackerCluster.running(2);
    const { connection } = await inPlaceOfTracker2(cluster);
    await cluster.pass(HANDSHAKE_MS_MAX - 50);
    expect(connection.isOpen).toBe(true);
    await cluster.pass(100);
    expect(connection.isOpen).toBe(false);
  });

  test("gets nothing before it has greeted", async () => {
    await using cluster = await TrackerCluster.running(2);
    const { rpc } = await inPlaceOfTracker2(cluster);
    expect(await failureOf(rpc.call("look", {}))).toMatchObject({
      code: "protocol",
      message: "a greeting comes first",
    });
    await rpc.call("greet", GREETING);
    expect((await rpc.call("look", {})).result.vector).toEqual([]);
  });

  test("cannot make the other pass over entries of its own that it has not made", async () => {
    await using cluster = await TrackerCluster.running(2);
    const { rpc } = await inPlaceOfTracker2(cluster);
    const { result } = await rpc.call("greet", GREETING);
    const vector = [{ origin: result.origin, seq: 1_000 }];
    expect(await failureOf(rpc.call("adopt", { vector }))).toMatchObject({
      code: "protocol",
      message: "entries of this run that it has not made",
    });
    await cluster.user(1, "ann");
    expect((await rpc.call("look", {})).result.vector).toEqual([{ origin: result.origin, seq: 1 }]);
  });

  test("learns which piece list is not there", async () => {
    await using cluster = await TrackerCluster.running(2);
    const { rpc } = await inPlaceOfTracker2(cluster);
    await rpc.call("greet", GREETING);
    const { digest } = manifestOf("film.mkv").summary;
    expect(await failureOf(rpc.call("get_blob", { digest, offset: 0 }))).toMatchObject({
      code: "unknown-file",
      message: `this tracker does not hold the piece list ${digest}`,
    });
  });
});

test("a tracker without a place for copies of its database says so", async () => {
  await using cluster = await TrackerCluster.running(1);
  const asked = cluster.tracker(1).server?.snapshot() ?? Promise.resolve();
  expect(await failureOf(asked)).toMatchObject({
    code: "disk-error",
    message: "this tracker keeps no copies",
  });
});

describe("trackers that meet", () => {
  test("what one acknowledges the others know by then", async () => {
    await using cluster = await TrackerCluster.running(3);
    const ann = await cluster.user(1, "ann");
    await ann.on("create_group", "lab");
    const bob = await cluster.user(2, "bob");
    await bob.on("join_group", "lab");
    await ann.about("accept_request", "lab", "bob");
    const eve = await cluster.user(3, "eve");
    expect(await eve.groups()).toEqual(["lab none"]);
    const again = await cluster.client(3, "bob's other machine");
    await again.login("bob");
    expect(await again.groups()).toEqual(["lab member"]);
  });

  test("who looks after them is told by each how the others are, in numbers and without a session", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    const stranger = await cluster.client(1, "a stranger");
    const inStep = { tracker: 2, reachable: true, lacks: 0, ahead: 0 };
    expect(await stranger.call("status", {})).toEqual({ program: "p2p", others: [inStep] });
    await cluster.tracker(2).crash();
    await ann.on("create_group", "lab");
    const [lost] = (await stranger.call("status", {})).others;
    expect(lost).toMatchObject({ tracker: 2, reachable: false, ahead: 0 });
    expect(lost?.lacks).toBeGreaterThan(0);
  });

  test("a session goes on at another tracker without the password, and grants of all count", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    const { keys } = await ann.call("hello", { version: 1, program: "test" });
    expect(keys).toHaveLength(2);
    ann.close();
    await cluster.tracker(1).crash();
    const moved = await cluster.client(2, "ann's machine");
    await moved.resume(ann.token);
    await moved.on("create_group", "lab");
    expect(await moved.groups()).toEqual(["lab owner"]);
  });

  test("a tracker that was away gets what it missed, and gives what it alone had", async () => {
    await using cluster = await TrackerCluster.running(2);
    await cluster.tracker(2).crash();
    const ann = await cluster.user(1, "ann");
    await ann.on("create_group", "lab");
    await cluster.tracker(2).start();
    await cluster.pass(3_000);
    await cluster.tracker(1).crash();
    const bob = await cluster.user(2, "bob");
    expect(await bob.groups()).toEqual(["lab none"]);
    await bob.on("create_group", "den");
    await cluster.tracker(1).start();
    await cluster.pass(3_000);
    const eve = await cluster.user(1, "eve");
    expect(await eve.groups()).toEqual(["den none", "lab none"]);
  });

  test("a tracker that starts serves when it has caught up, so that nobody sees an old state", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    await cluster.tracker(2).crash();
    await ann.on("create_group", "lab");
    await cluster.tracker(2).start();
    const client = cluster.client(2, "bob's machine");
    await cluster.pass(1_000);
    const bob = await client;
    await bob.call("create_user", { id: cluster.id(), name: "bob" as UserName, password: "secret" });
    await bob.login("bob");
    expect(await bob.groups()).toEqual(["lab none"]);
  });

  test("those cut off from each other both go on, and are equal afterwards", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    const bob = await cluster.user(2, "bob");
    cluster.sever(1, 2);
    await ann.on("create_group", "lab");
    await cluster.pass(1_000);
    await bob.on("create_group", "lab");
    cluster.heal(1, 2);
    await cluster.pass(3_000);
    expect(await ann.groups()).toContain("lab owner");
    expect((await bob.groups()).map((row) => row.replace(/~[a-z2-7]{5}/, "~xxxxx"))).toContain(
      "lab~xxxxx owner",
    );
    expect(cluster.tracker(1).status()).toContain("tracker 2 at 127.0.0.1:5002: in step");
  });

  test("a command repeated at another tracker is answered and not done again", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    const id = cluster.id() as RequestId;
    await ann.call("create_group", { id, group: lab });
    const moved = await cluster.client(2, "ann's machine");
    await moved.resume(ann.token);
    await moved.call("create_group", { id, group: lab });
    expect(await moved.groups()).toEqual(["lab owner"]);
  });
});

describe("waiting for the others", () => {
  test("a tracker that hangs costs a command no more than its bound, and the next ones nothing", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    for (const line of cluster.network.connections(cluster.tracker(1).key, cluster.tracker(2).key))
      line.freeze();
    const first = ann.on("create_group", "one").then(() => "answered");
    await cluster.pass(SPREAD_MS_MAX - 50);
    expect(await Promise.race([first, Promise.resolve("waiting")])).toBe("waiting");
    await cluster.pass(SPREAD_MS_MAX);
    expect(await first).toBe("answered");
    await ann.on("create_group", "two");
  });
});

describe("what a client is told of the copies of its commands", () => {
  test("a repeated command that no other tracker has is on one alone, also after a restart", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    await cluster.tracker(2).crash();
    const id = cluster.id() as RequestId;
    await ann.call("create_group", { id, group: lab });
    await cluster.tracker(1).crash();
    await cluster.tracker(1).start();
    await cluster.pass(3_000);
    const again = await cluster.client(1, "ann's machine");
    await again.login("ann");
    await again.heard();
    await again.call("create_group", { id, group: lab });
    expect(await again.heard()).toContainEqual({ kind: "alone", of: 2 });
  });
});

describe("who is online", () => {
  test("is known at the other tracker at once: sources, and that they are gone", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    await ann.on("create_group", "lab");
    await ann.share("lab", "film.mkv");
    const bob = await cluster.user(2, "bob");
    await bob.on("join_group", "lab");
    await ann.about("accept_request", "lab", "bob");
    const { rows } = await bob.call("list_files", { group: lab });
    expect(rows[0]?.sources).toBe(1);
    const { gid } = await bob.call("find_file", { group: lab, name: rows[0]?.name ?? ("" as never) });
    const { fileId } = manifestOf("film.mkv").summary;
    const { sources } = await bob.call("follow", { gid, fileId });
    expect(sources).toMatchObject([
      { user: "ann", complete: true, address: { host: "192.0.2.9", port: 7000 } },
    ]);
    expect((await ann.heard()).some(({ kind }) => kind === "news")).toBe(true);

    ann.close();
    await cluster.pass(100);
    expect((await bob.call("list_files", { group: lab })).rows[0]?.sources).toBe(0);
    const back = await cluster.client(1, "ann's machine");
    await back.login("ann");
    await cluster.pass(100);
    const heard = await bob.heard();
    expect(heard).toContainEqual(expect.objectContaining({ kind: "source", fileId }));
  });

  test("is forgotten when their tracker has been gone for the length of a lease", async () => {
    await using cluster = await TrackerCluster.running(2);
    await cluster.user(1, "ann");
    const bob = await cluster.user(2, "bob");
    expect(cluster.tracker(2).status()).toContain("online: 2 users");
    await cluster.tracker(1).crash();
    await cluster.pass(PRESENCE_LEASE_MS + 3_000);
    expect(cluster.tracker(2).status()).toContain("online: 1 user ");
    expect(await bob.groups()).toEqual([]);
  });
});

describe("piece lists", () => {
  test("are at the other tracker when the share is acknowledged", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    await ann.on("create_group", "lab");
    await ann.share("lab", "film.mkv");
    await cluster.tracker(1).crash();
    const moved = await cluster.client(2, "ann's machine");
    await moved.resume(ann.token);
    const { digest } = manifestOf("film.mkv").summary;
    const { total } = await moved.call("get_blob", { group: lab, digest, offset: 0 });
    expect(total).toBe(manifestOf("film.mkv").rows.length);
  });

  test("that were missed are fetched when the trackers meet", async () => {
    await using cluster = await TrackerCluster.running(2);
    await cluster.tracker(2).crash();
    const ann = await cluster.user(1, "ann");
    await ann.on("create_group", "lab");
    await ann.share("lab", "film.mkv");
    await cluster.tracker(2).start();
    await cluster.pass(3_000);
    expect(cluster.tracker(2).disk.blobs.size).toBe(1);
  });
});

describe("a log that was trimmed", () => {
  /** Long enough for everything to be written as rows, passed by all and taken from the log. */
  const SETTLED_MS = 11 * 60_000;

  test("is short once all have passed it, and the tracker says the same after a restart", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    for (let made = 0; made < 20; made++) await ann.on("create_group", `g${made}`);
    expect(cluster.tracker(1).status()).toContain("log: 61 entries");
    await cluster.pass(SETTLED_MS);
    for (const no of [1, 2]) expect(cluster.tracker(no).status()).toContain("log: 0 entries");
    await cluster.tracker(2).crash();
    await cluster.tracker(1).crash();
    await cluster.tracker(1).start();
    await cluster.pass(3_000);
    const again = await cluster.client(1, "ann's machine");
    await again.login("ann");
    expect(await again.groups()).toHaveLength(20);
  });

  test("is kept for one that is away, which then gets entries", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    await cluster.tracker(2).crash();
    await ann.on("create_group", "lab");
    await cluster.pass(SETTLED_MS);
    expect(cluster.tracker(1).status()).toContain("log: 3 entries");
    expect(cluster.tracker(1).status()).toMatch(/tracker 2 at .*: out of reach for .*, lacks 3 entries/);
    await cluster.tracker(2).start();
    await cluster.pass(SETTLED_MS);
    expect(cluster.tracker(1).status()).toContain("log: 0 entries");
    expect(cluster.tracker(2).status()).toContain("1 group");
  });

  for (const loss of ["emptied", "an old copy"] as const)
    test(`does not keep a tracker whose disk is ${loss} from getting everything`, async () => {
      await using cluster = await TrackerCluster.running(2);
      const ann = await cluster.user(1, "ann");
      const copy = structuredClone(cluster.tracker(2).disk);
      await ann.on("create_group", "lab");
      await ann.share("lab", "film.mkv");
      await cluster.pass(SETTLED_MS);
      await cluster.tracker(2).crash();
      cluster.tracker(2).disk = loss === "emptied" ? new MemoryDisk() : Object.assign(new MemoryDisk(), copy);
      await ann.on("create_group", "den");
      await cluster.tracker(2).start();
      await cluster.pass(5_000);
      expect(cluster.tracker(1).status()).toContain("in step");
      await cluster.tracker(1).crash();
      const moved = await cluster.client(2, "ann's machine");
      await moved.login("ann");
      expect(await moved.groups()).toEqual(["den owner", "lab owner"]);
      const { rows } = await moved.call("list_files", { group: lab });
      expect(rows).toMatchObject([{ name: "film.mkv", sources: 1 }]);
      expect(cluster.tracker(2).disk.blobs.size).toBe(1);
    });

  test("two that hold the same and differ all the same mend each other, and say so", async () => {
    await using cluster = await TrackerCluster.running(2);
    const ann = await cluster.user(1, "ann");
    await ann.on("create_group", "lab");
    await cluster.pass(3_000);
    const [one, two] = [cluster.tracker(1), cluster.tracker(2)];
    await two.crash();
    for (const key of two.disk.rows.keys()) if (/^g\/.*\//.test(key)) two.disk.rows.delete(key);
    await two.start();
    await cluster.pass(3 * HASH_COMPARE_MS);
    expect([...one.logged, ...two.logged].some((line) => line.includes("holds another state"))).toBe(true);
    await one.crash();
    const moved = await cluster.client(2, "ann's machine");
    await moved.login("ann");
    expect(await moved.groups()).toEqual(["lab owner"]);
  });
});

describe("who is no tracker of the list", () => {
  test("a tracker that comes back with another key is given nothing and believed nothing", async () => {
    await using cluster = await TrackerCluster.running(2);
    const [one, two] = [cluster.tracker(1), cluster.tracker(2)];
    const ann = await cluster.user(1, "ann");
    await two.crash();
    two.key = deviceOf("somebody else");
    two.disk = new MemoryDisk();
    await two.start();
    await ann.on("create_group", "lab");
    await cluster.pass(5_000);
    expect(two.disk.logs.size).toBe(0);
    expect(one.status()).toMatch(/out of reach for .* shows another key/);
    expect(one.logged.join()).toContain("shows another key");
    const mallory = await cluster.user(2, "mallory");
    await mallory.on("create_group", "den");
    await cluster.pass(5_000);
    expect(await ann.groups()).toEqual(["lab owner"]);
  });

  test("a pinned key is the only one that is talked to, also at the first meeting", async () => {
    await using cluster = new TrackerCluster(2);
    const [one, two] = [cluster.tracker(1), cluster.tracker(2)];
    const pin = deviceOf("the right one");
    one.trackers = cluster.entries.map((entry) => (entry.no === 2 ? { ...entry, pin } : entry));
    await one.start();
    await two.start();
    await cluster.pass(3_000);
    await cluster.user(1, "ann");
    await cluster.pass(3_000);
    expect(two.disk.logs.size).toBe(0);
    expect(one.status()).toContain("tracker_info.txt says");
  });

  test("gets nothing of what trackers tell each other", async () => {
    await using cluster = await TrackerCluster.running(2);
    const { rpc } = await dialledAs(cluster, deviceOf("a stranger's machine"));
    expect(await failureOf(rpc.call("greet", GREETING))).toMatchObject({ code: "protocol" });
    expect(await failureOf(rpc.call("look", {}))).toMatchObject({ code: "protocol" });
    rpc.close();
  });
});
