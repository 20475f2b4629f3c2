/** Peers who ask a sharing client for what they may not have, or cannot: it serves on, and grows by nothing. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { CHANNELS_PER_CONNECTION_MAX, PIECE_BYTES } from "../src/base/limits.ts";
import { encodeFrame } from "../src/wire/frame.ts";
import { GRANT_REFUSALS } from "../src/wire/signed.ts";
import type { Client } from "./harness/client.ts";
import { MiB, sha1Of } from "./harness/files.ts";
import { openLab, shareFile } from "./harness/lab.ts";
import { until } from "./harness/until.ts";
import { type Vitals, vitalsOf } from "./harness/vitals.ts";
import { World } from "./harness/world.ts";
import { type Insider, letInsiderIn } from "./hostile/insider.ts";
import { PeerCaller } from "./hostile/peer-caller.ts";
import { TrackerPerson } from "./hostile/tracker-person.ts";

const PIECES = 32;
const REQUEST_KIND = 19;
const OPENED_KIND = 17;
const GROWTH_BYTES_MAX = 96 * MiB;
const GROWTH_DESCRIPTORS_MAX = 2;

interface Scene extends Insider {
  readonly ann: Client;
  readonly bob: Client;
  readonly file: string;
  readonly dial: () => Promise<PeerCaller>;
}

/** ann shares; bob is an honest member, mal one who is not. */
async function scene(world: World): Promise<Scene> {
  const lab = await openLab(world);
  const { ann, bob, trackerPort, seederPort } = lab;
  const file = await shareFile(lab, (PIECES * MiB) / 2, "film.bin");
  const insider = await letInsiderIn(ann, trackerPort);
  const dial = () => PeerCaller.dial(insider.mal.machine, seederPort);
  return { ann, bob, file, ...insider, dial };
}

/** Holds about what it held before. */
async function hasNotGrown(client: Client, before: Vitals): Promise<void> {
  await until(async () => vitalsOf(client).descriptors <= before.descriptors + GROWTH_DESCRIPTORS_MAX);
  expect(vitalsOf(client).rssBytes).toBeLessThan(before.rssBytes + GROWTH_BYTES_MAX);
}

/** An honest download beside what was done, and that nothing of it is left. */
async function servesOn(world: World, { ann, bob, file }: Scene, name: string): Promise<void> {
  const copy = join(world.dir("bob", "files"), name);
  await bob.ok(`download_file lab film.bin ${copy}`);
  await bob.downloaded(copy);
  expect(await sha1Of(copy)).toBe(await sha1Of(file));
  await bob.ok("cancel_download lab film.bin").catch(() => {});
  expect(ann.exitCode).toBeUndefined();
}

const words = (...values: readonly number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
  return bytes;
};
const rawRequest = (channel: number, piece: number, begin: number, length: number) =>
  encodeFrame(REQUEST_KIND, words(channel, piece, begin, length));

/** The same words, signed by nobody: the first character of the signature is another. */
function otherSignature(grant: string): string {
  const at = grant.indexOf(".") + 1;
  return `${grant.slice(0, at)}${grant[at] === "A" ? "B" : "A"}${grant.slice(at + 1)}`;
}

const WRONG_RANGES: readonly (readonly [what: string, piece: number, begin: number, length: number])[] = [
  ["a piece that is not there", PIECES, 0, 1],
  ["the piece of the greatest number", 0xffffffff, 0, 1],
  ["no bytes", 0, 0, 0],
  ["bytes behind the end of the piece", 0, PIECE_BYTES, 1],
  ["more than a piece", 0, 0, PIECE_BYTES + 1],
  ["a length below zero", 0, 0, 0xffffffff],
  ["a begin and a length that together turn over", 0, 0xffffffff, 2],
];

test("whoever asks for a range that no file has is cut off, each time, and the file is served on", async () => {
  await using world = new World();
  const all = await scene(world);
  const { ann, mal, gid, fileId, dial } = all;
  const grant = await mal.grant(gid);
  const before = vitalsOf(ann);
  for (const [what, ...range] of WRONG_RANGES) {
    const caller = await dial();
    const channel = caller.open(gid, fileId, grant);
    expect(await caller.answer(channel)).toBe("opened");
    caller.bytes(rawRequest(channel, ...range));
    await caller.until(() => caller.ended);
    expect([what, caller.dataBytes]).toEqual([what, 0]);
  }
  const overlapping = await dial();
  const channel = overlapping.open(gid, fileId, grant);
  await overlapping.answer(channel);
  for (let begin = 0; begin < 8; begin++) overlapping.request(channel, 3, begin, 100);
  await overlapping.until(() => overlapping.dataBytes > 0);
  overlapping.close();
  await servesOn(world, all, "after-ranges.bin");
  await hasNotGrown(ann, before);
  mal[Symbol.dispose]();
});

test("no byte without a channel of one's own, and no channel without a grant for this group, user and key", async () => {
  await using world = new World();
  const all = await scene(world);
  const { ann, mal, gid, fileId, dial } = all;
  const [port = 0] = world.ports;
  await ann.ok("create_group other");
  await ann.ok(`upload_file ${all.file} other`);
  await ann.ok("create_user eve pw");
  using owner = await TrackerPerson.login(port, "ann");
  const other = await owner.find("other", "film.bin");
  const grant = await mal.grant(gid);
  const stolen = await owner.grant(gid);
  const ofOther = await owner.grant(other.gid);
  const caller = await dial();
  const asked = [
    [gid, stolen, GRANT_REFUSALS.otherKey],
    [other.gid, ofOther, GRANT_REFUSALS.otherKey],
    [other.gid, grant, GRANT_REFUSALS.otherGroup],
    [gid, otherSignature(grant), GRANT_REFUSALS.forged],
    [gid, "", GRANT_REFUSALS.forged],
  ] as const;
  for (const [group, shown, why] of asked) {
    const channel = caller.open(group, fileId, shown);
    expect(await caller.answer(channel)).toMatchObject({ code: "peer-refused", message: why });
    caller.request(channel, 0);
  }
  expect(await caller.answer(caller.open(gid, "0".repeat(64), grant))).toMatchObject({
    code: "unknown-file",
  });
  for (const channel of [1, 77, 0xffffffff]) caller.request(channel, 0);
  const good = caller.open(gid, fileId, grant);
  expect(await caller.answer(good)).toBe("opened");
  expect(caller.dataBytes).toBe(0);
  caller.say({ kind: "renew", channel: good, grant: stolen });
  await caller.until(() => caller.of("closed", good) !== undefined);
  caller.request(good, 0);
  expect(await caller.answer(caller.open(gid, fileId, stolen))).toMatchObject({ code: "peer-refused" });
  expect(caller.dataBytes).toBe(0);
  caller.close();
  await ann.run("show_downloads");
  expect(ann.out.findLast((line) => line.startsWith("refused "))).toContain(
    "4 of another machine, 1 for another group, 2 signed by no tracker known here",
  );
  await servesOn(world, all, "after-grants.bin");
  mal[Symbol.dispose]();
});

test("floods of channels, requests, renewals and answers nobody asked for end that connection and leave nothing behind", async () => {
  await using world = new World();
  const all = await scene(world);
  const { ann, mal, gid, fileId, dial } = all;
  const grant = await mal.grant(gid);
  await servesOn(world, all, "before.bin");
  const before = vitalsOf(ann);

  const channels = await dial();
  for (let count = 0; count < 10_000; count++) channels.open(gid, fileId, grant);
  await channels.until(() => channels.ended);
  expect(channels.heard.filter(({ kind }) => kind === "opened").length).toBeLessThanOrEqual(
    CHANNELS_PER_CONNECTION_MAX,
  );

  const requests = await dial();
  const channel = requests.open(gid, fileId, grant);
  await requests.answer(channel);
  for (let count = 0; count < 20_000; count++) requests.request(channel, count % PIECES);
  for (let count = 0; count < 1_000; count++) requests.say({ kind: "renew", channel, grant });
  await requests.until(() => requests.heard.some(({ kind }) => kind === "reject"));
  requests.close();

  const unasked = [
    (caller: PeerCaller) => caller.say({ kind: "have", channel: 5, pieces: [1, 2, 3] }),
    (caller: PeerCaller) => caller.bytes(encodeFrame(OPENED_KIND, words(9), Uint8Array.of(0, 255))),
    (caller: PeerCaller) => caller.bytes(encodeFrame(25, words(1, 0, 0), new Uint8Array(1_000))),
  ];
  for (const say of unasked) {
    const caller = await dial();
    say(caller);
    await caller.until(() => caller.ended);
  }
  await servesOn(world, all, "after.bin");
  await hasNotGrown(ann, before);
  mal[Symbol.dispose]();
});
