/** Those who are not the tracker that they would be taken for: nothing of theirs is taken, and they are told nothing. */
import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { RequestId, Uid, UserName } from "../src/base/ids.ts";
import { makeStamp } from "../src/tracker/core/hybrid-time.ts";
import { type Entry, encodeEntry, type Origin } from "../src/wire/entry.ts";
import { formatPublicKey } from "../src/wire/signed.ts";
import { encodeList } from "../src/wire/tracker-tracker.ts";
import { enter } from "./harness/group.ts";
import { startTrackers } from "./harness/trackers.ts";
import { World } from "./harness/world.ts";
import { Machine } from "./hostile/machine.ts";
import { RawLink } from "./hostile/raw-link.ts";

const uid = "a".repeat(32) as Uid;
const origin = "2-00000000deadbeef" as Origin;

/** An account that nobody made at any tracker, well formed. */
async function forgedEntry(): Promise<Entry> {
  const passwordHash = await Bun.password.hash("known", {
    algorithm: "argon2id",
    memoryCost: 8,
    timeCost: 1,
  });
  return {
    key: { origin, seq: 1 },
    stamp: makeStamp(Date.now(), 0),
    request: "b".repeat(32) as RequestId,
    body: { kind: "account-created", uid, name: "root" as UserName, passwordHash },
  };
}

/** The words of a tracker that gives what it holds, the forged account first. */
async function trackerWords(): Promise<readonly (readonly [string, unknown, Uint8Array?])[]> {
  const key = formatPublicKey(generateKeyPairSync("ed25519").publicKey);
  const introduction = { version: 1, no: 2, origin, clockMs: Date.now(), key, vector: [{ origin, seq: 1 }] };
  return [
    ["greet", introduction],
    ["push", {}, encodeList([encodeEntry(await forgedEntry())])],
    ["rows", {}, encodeList([])],
    ["adopt", { vector: [{ origin, seq: 1 }] }],
    ["presence", { here: [], gone: [] }],
    ["look", {}],
    ["keep_blob", { digest: "c".repeat(64) }],
  ];
}

test("forged entries are taken from a key that is pinned as a tracker's, and from no other, whatever it says", async () => {
  await using world = new World(2);
  const [trusted, stranger] = [await Machine.make(), await Machine.make()];
  const list = world.path("pinned.txt");
  writeFileSync(list, `${world.address(1)}\n${world.address(2)} sha256:${trusted.fingerprint}\n`);
  const tracker = await world.startTracker(1, { trackerInfo: list });
  const ann = world.startClient("ann", { trackerInfo: list });
  await ann.ok("create_user ann pw");
  const records = async () => (await tracker.status()).find((line) => line.startsWith("records"));
  const before = await records();
  const [port = 0] = world.ports;

  for (const greeting of ["greet", "hello"]) {
    const link = new RawLink(await stranger.dial(port));
    if (greeting === "hello") await link.call("hello", { version: 1, program: "x" });
    for (const [method, params, tail] of await trackerWords())
      await expect(link.call(method, params, tail)).rejects.toMatchObject({ name: "Failure" });
    link.close();
  }
  expect(await records()).toBe(before);
  expect(await ann.refused("login root known")).toBe("error: wrong user id or password");

  // The very same words from the key that is listed: so the others fail by their key alone.
  const link = new RawLink(await trusted.dial(port));
  for (const [method, params, tail] of (await trackerWords()).slice(0, 2))
    await link.call(method, params, tail);
  await ann.ok("login root known");
  link.close();
});

test("another key at the address of a known tracker gets no word from client or tracker, and the user is told", async () => {
  await using world = new World(2);
  const [first, second] = await startTrackers(world);
  const ann = world.startClient("ann");
  await enter(ann);
  await ann.ok("create_group lab");
  for (const tracker of [first, second]) await tracker?.crash();

  const machine = await Machine.make();
  const heard: string[] = [];
  const [port = 0] = world.ports;
  const listener = await machine.listen(port, (connection) => {
    new RawLink(connection, ({ method }) => {
      heard.push(method);
      return {};
    });
  });
  expect(await ann.refused("create_group secret")).toContain(
    `shows another key (sha256:${machine.fingerprint})`,
  );
  // The other tracker of the list comes back, and dials the address too.
  const again = await world.startTracker(2);
  await again.line(/shows another key/);
  expect(heard).toEqual([]);
  listener.close();
});
