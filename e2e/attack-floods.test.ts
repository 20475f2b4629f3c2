/** Frames and requests without end, at both listeners: others are served beside them, and memory stays bounded. */
import { expect, test } from "bun:test";
import { basename, join } from "node:path";
import { DEVICES_PER_USER_MAX } from "../src/base/limits.ts";
import type { Client } from "./harness/client.ts";
import { MiB, sha1Of } from "./harness/files.ts";
import { enter } from "./harness/group.ts";
import { type Lab, openLab, shareFile } from "./harness/lab.ts";
import { calmAgain, HAS_VITALS, inWords, vitalsOf } from "./harness/vitals.ts";
import { World } from "./harness/world.ts";
import { Attacker } from "./hostile/attacker.ts";
import { Machine } from "./hostile/machine.ts";
import type { Flood, FloodOrder, Target } from "./hostile/order.ts";
import { RawLink } from "./hostile/raw-link.ts";

const CONNECTIONS = 40;
/** Of somebody who works beside it: what a person takes for at once, several times what it is on a machine of its own. */
const MEDIAN_MS_MAX = 500;
const COMMANDS = 12;
/** Of a file that takes some 100 ms on a machine of its own. */
const FETCH_MS_MAX = 10_000;
/** What may come together while it lasts: buffers of as many connections, and garbage not yet collected. */
const GROWTH_BYTES_MAX = 256 * MiB;

/** mal has an account, and is a member of the group. */
async function openWithMal(world: World): Promise<Lab> {
  const lab = await openLab(world);
  const mal = world.startClient("mal");
  await enter(mal);
  await mal.ok("join_group lab");
  await lab.ann.ok("accept_request lab mal");
  mal.write("exit\n");
  await mal.exited();
  return lab;
}

const LOGIN = { user: "mal", password: "pw", group: "lab" };

function floodAt(target: Target, flood: Flood, over: Partial<FloodOrder> = {}): Attacker {
  const order = { attack: "flood", target, flood, connections: CONNECTIONS, addresses: 4 } as const;
  return Attacker.start({ ...order, ...over });
}

/** Of a command whose answer is always as long. */
async function medianMs(client: Client): Promise<number> {
  const took: number[] = [];
  for (let at = 0; at < COMMANDS; at++) {
    const startMs = performance.now();
    await client.ok("list_members lab");
    took.push(performance.now() - startMs);
  }
  return took.sort((left, right) => left - right)[COMMANDS >> 1] ?? Number.NaN;
}

/** bob works beside the flood; the tracker is as it was when it is over. */
async function atTracker(lab: Lab, flood: Flood, over: Partial<FloodOrder> = {}): Promise<void> {
  const { tracker, trackerPort, bob } = lab;
  const before = vitalsOf(tracker);
  const flooding = floodAt({ port: trackerPort, listener: "tracker" }, flood, over);
  await using _ = flooding;
  await flooding.until(({ begun, sent }) => begun >= (over.connections ?? CONNECTIONS) && sent > 0);
  const ms = await medianMs(bob);
  const during = vitalsOf(tracker);
  console.log(
    `${flood}: bob waits ${ms.toFixed(1)} ms; ${inWords(during)}; ${JSON.stringify(flooding.tally)}`,
  );
  expect(ms).toBeLessThan(MEDIAN_MS_MAX);
  expect(during.rssBytes - before.rssBytes).toBeLessThan(GROWTH_BYTES_MAX);
  await flooding[Symbol.asyncDispose]();
  await calmAgain(tracker, before);
}

test.skipIf(!HAS_VITALS)(
  "frames without end delay nobody at a tracker, and end their own connections",
  async () => {
    await using world = new World();
    const lab = await openLab(world);
    for (const flood of ["pings", "pongs", "giants", "unknown-kinds"] as const) await atTracker(lab, flood);
  },
);

test.skipIf(!HAS_VITALS)("requests without end delay nobody at a tracker for long", async () => {
  await using world = new World();
  const lab = await openWithMal(world);
  const loggedIn = { login: LOGIN };
  for (const flood of ["requests", "unknown-methods", "accounts", "logins"] as const)
    await atTracker(lab, flood);
  for (const flood of ["searches", "lists", "join-requests", "new-groups"] as const)
    await atTracker(lab, flood, loggedIn);
});

test.skipIf(!HAS_VITALS)(
  "who asks and does not read the answers is dropped: they are not kept for ever",
  async () => {
    await using world = new World();
    const lab = await openWithMal(world);
    await atTracker(lab, "requests", { isDeaf: true });
  },
);

test("one account with ever new keys is online on a bounded number of machines; who is on one of them stays", async () => {
  await using world = new World();
  const lab = await openWithMal(world);
  const links: RawLink[] = [];
  const login = async () => {
    const link = new RawLink(await (await Machine.make()).dial(lab.trackerPort));
    links.push(link);
    await link.call("hello", { version: 1, program: "hostile" });
    await link.call("login", { name: "mal", password: "pw", listening: { host: "127.0.0.1", port: 9 } });
  };
  for (let at = 0; at < DEVICES_PER_USER_MAX; at++) await login();
  for (let more = 0; more < 5; more++) await expect(login()).rejects.toMatchObject({ code: "too-many" });
  await links[0]?.call("list_groups", {});
  expect(await medianMs(lab.bob)).toBeLessThan(MEDIAN_MS_MAX);
  for (const link of links) link.close();
});

test.skipIf(!HAS_VITALS)(
  "frames without end at a client that shares do not keep a member from fetching there",
  async () => {
    await using world = new World();
    const lab = await openLab(world);
    const { ann, bob, seederPort } = lab;
    const before = vitalsOf(ann);
    for (const flood of ["opens", "strays", "pings", "pongs", "giants", "unknown-kinds"] as const) {
      const path = await shareFile(lab, 32 * MiB);
      const copy = join(world.dir("bob", "files"), basename(path));
      const flooding = floodAt({ port: seederPort, listener: "peer" }, flood);
      await using _ = flooding;
      await flooding.until(({ begun, sent }) => begun >= CONNECTIONS && sent > 0);
      const startMs = performance.now();
      await bob.ok(`download_file lab ${basename(path)} ${copy}`);
      await bob.downloaded(copy);
      const ms = performance.now() - startMs;
      const during = vitalsOf(ann);
      console.log(
        `${flood}: 32 MiB in ${ms.toFixed(0)} ms; ${inWords(during)}; ${JSON.stringify(flooding.tally)}`,
      );
      expect(await sha1Of(copy)).toBe(await sha1Of(path));
      expect(ms).toBeLessThan(FETCH_MS_MAX);
      expect(during.rssBytes - before.rssBytes).toBeLessThan(GROWTH_BYTES_MAX);
      await flooding[Symbol.asyncDispose]();
      await calmAgain(ann, before);
    }
  },
);

test.skipIf(!HAS_VITALS)(
  "garbage, with and without TLS, ends its own connections at both listeners",
  async () => {
    await using world = new World();
    const lab = await openLab(world);
    const { tracker, ann, bob } = lab;
    const before = { tracker: vitalsOf(tracker), ann: vitalsOf(ann) };
    const path = await shareFile(lab, 64 * MiB);
    const copy = join(world.dir("bob", "files"), basename(path));
    const rounds = 40;
    const at = (target: Target) => Attacker.start({ attack: "garbage", target, rounds });
    await using atTrackerPort = at({ port: lab.trackerPort, listener: "tracker" });
    await using atSeeder = at({ port: lab.seederPort, listener: "peer" });
    await bob.ok(`download_file lab ${basename(path)} ${copy}`);
    await bob.downloaded(copy);
    expect(await sha1Of(copy)).toBe(await sha1Of(path));
    for (const tally of await Promise.all([atTrackerPort.done(), atSeeder.done()])) {
      console.log(JSON.stringify(tally));
      expect(tally.ended).toBe(tally.begun);
    }
    await bob.ok("list_members lab");
    await calmAgain(tracker, before.tracker);
    await calmAgain(ann, before.ann);
  },
);
