/** Members who mean harm: whatever they serve, the file arrives whole from the others, and they are named. */
import { expect, test } from "bun:test";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PIECE_BYTES, WRONG_PIECES_MAX } from "../src/base/limits.ts";
import type { Client } from "./harness/client.ts";
import { sum } from "./harness/downloads.ts";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { enter, formGroup } from "./harness/group.ts";
import { HAS_PROC } from "./harness/system.ts";
import { World } from "./harness/world.ts";
import { HostileSource, type Malice } from "./hostile/hostile-source.ts";

const FILE_BYTES = 64 * MiB;
const SHOWN_TO_BYTES = 1 * MiB;
/** Of a client that is idle again: its own, the tracker, two sources. */
const FDS_MAX = 60;

interface Swarm {
  readonly file: string;
  /** Downloads nothing yet. */
  readonly dan: Client;
}

/** ann and bob share the file; mal has an account and is a member, as is dan. */
async function swarm(world: World, bytes = FILE_BYTES): Promise<Swarm> {
  await world.startTracker();
  const ann = world.startClient("ann");
  const bob = world.startClient("bob");
  const dan = world.startClient("dan");
  for (const client of [ann, bob, dan]) await enter(client);
  await using mal = world.startClient("mal-at-home");
  await mal.ok("create_user mal pw");
  await mal.ok("login mal pw");
  await formGroup(ann, [bob, dan]);
  await mal.ok("join_group lab");
  await ann.ok("accept_request lab mal");
  const file = join(world.dir("ann", "files"), "film.bin");
  writeRandomFile(file, bytes, 5);
  await ann.ok(`upload_file ${file} lab`);
  const ofBob = join(world.dir("bob", "files"), "film.bin");
  await bob.ok(`download_file lab film.bin ${ofBob}`);
  await bob.downloaded(ofBob);
  return { file, dan };
}

const ALONE_BYTES = 8 * MiB;

/** ann shares the file, dan is a member; `person` is ann at another machine, which may take her place. */
async function pair(world: World) {
  await world.startTracker();
  const ann = world.startClient("ann");
  const dan = world.startClient("dan");
  for (const client of [ann, dan]) await enter(client);
  await formGroup(ann, [dan]);
  const file = join(world.dir("ann", "files"), "film.bin");
  writeRandomFile(file, ALONE_BYTES, 6);
  await ann.ok(`upload_file ${file} lab`);
  const [trackerPort = 0] = world.ports;
  const person = { trackerPort, user: "ann", password: "pw", group: "lab", file: "film.bin" };
  return { ann, dan, file, person };
}

function hostile(world: World, malice: Malice): Promise<HostileSource> {
  const [trackerPort = 0] = world.ports;
  return HostileSource.start({
    trackerPort,
    user: "mal",
    password: "pw",
    group: "lab",
    file: "film.bin",
    malice,
  });
}

test("one of three sources serves only wrong pieces: the file arrives whole, that source is dropped and counted", async () => {
  await using world = new World();
  const { file, dan } = await swarm(world);
  await using mal = await hostile(world, "wrong-pieces");
  expect((await dan.ok("list_files lab"))[0]).toContain("3 sources");
  const copy = join(world.dir("dan", "files"), "film.bin");
  await dan.ok(`download_file lab film.bin ${copy}`);
  await dan.downloaded(copy);

  expect(await sha1Of(copy)).toBe(await sha1Of(file));
  expect(mal.requestsSeen).toBeGreaterThanOrEqual(WRONG_PIECES_MAX);
  const [shown] = await dan.downloads();
  expect(shown?.dropped).toEqual([{ user: "mal", wrongPieces: expect.any(Number) }]);
  expect(shown?.dropped[0]?.wrongPieces).toBeGreaterThanOrEqual(WRONG_PIECES_MAX);
  expect(shown?.sources.map(({ user }) => user).sort()).toEqual(["ann", "bob"]);
  const verified = sum(shown?.sources.map(({ bytes }) => bytes) ?? []);
  expect(Math.abs(verified - FILE_BYTES)).toBeLessThan(SHOWN_TO_BYTES);
});

test("a source that serves only wrong pieces and is the only one gives no file", async () => {
  await using world = new World();
  const { ann, dan, file, person } = await pair(world);
  await using mal = await HostileSource.start({ ...person, malice: "wrong-pieces" });
  await ann.ok("stop_share lab film.bin");

  const copy = join(world.dir("dan", "files"), "film.bin");
  await dan.ok(`download_file lab film.bin ${copy}`);
  const shown = await dan.download("mal is dropped", ({ dropped }) => dropped.length > 0);
  expect(shown).toMatchObject({ state: "D", percent: 0, sources: [] });
  expect(mal.requestsSeen).toBeGreaterThan(0);
  expect(await Bun.file(copy).exists()).toBe(false);

  // The honest source comes back, and the download goes on by itself.
  await ann.ok(`upload_file ${file} lab`);
  await dan.downloaded(copy);
  expect(await sha1Of(copy)).toBe(await sha1Of(file));
});

const TOLD = {
  stalls: "takes requests and sends nothing",
  oversized: "announces a frame of 4 GiB",
  garbage: "sends what is no frame",
  silent: "says nothing at all",
} as const satisfies Partial<Record<Malice, string>>;

for (const malice of ["stalls", "oversized", "garbage", "silent"] as const) {
  test(`a source that ${TOLD[malice]} holds nothing up`, async () => {
    await using world = new World();
    const { file, dan } = await swarm(world);
    await using mal = await hostile(world, malice);
    const copy = join(world.dir("dan", "files"), "film.bin");
    await dan.ok(`download_file lab film.bin ${copy}`);
    await dan.downloaded(copy);
    expect(await sha1Of(copy)).toBe(await sha1Of(file));
    expect((await dan.downloads())[0]?.sources.some(({ user }) => user === "mal")).toBe(false);
    if (malice === "stalls") expect(mal.requestsSeen).toBeGreaterThan(0);
  });
}

test("a source that sends a wrong piece first and right ones later is asked for no more than it is good for", async () => {
  await using world = new World();
  const { ann, dan, file, person } = await pair(world);
  const content = new Uint8Array(await Bun.file(file).arrayBuffer());
  await using mal = await HostileSource.start({ ...person, malice: "repents", content });
  await ann.ok("stop_share lab film.bin");

  // All but the one piece comes from it; that one is never asked of it again.
  const copy = join(world.dir("dan", "files"), "film.bin");
  await dan.ok(`download_file lab film.bin ${copy}`);
  const stuck = await dan.download("all but one piece is there", ({ percent }) => percent >= 90);
  expect(stuck).toMatchObject({ state: "D", dropped: [] });
  expect(mal.requestsSeen).toBe(ALONE_BYTES / PIECE_BYTES);
  expect(await Bun.file(copy).exists()).toBe(false);

  await ann.ok(`upload_file ${file} lab`);
  await dan.downloaded(copy);
  expect(await sha1Of(copy)).toBe(await sha1Of(file));
});

const LIES = [
  "trickles",
  "has-nothing",
  "extra-bits",
  "long-bitfield",
  "unasked",
  "twice",
  "misplaced",
  "have-flood",
] as const satisfies readonly Malice[];

test(`sources that lie about what they have, or send what was not asked for, hold nothing up: ${LIES.join(", ")}`, async () => {
  await using world = new World();
  // 125 pieces: three bits of the bitfield are over.
  const { file, dan } = await swarm(world, FILE_BYTES - 1.5 * MiB);
  const right = await sha1Of(file);
  for (const malice of LIES) {
    await using mal = await hostile(world, malice);
    const copy = join(world.dir("dan", "files"), `${malice}.bin`);
    await dan.ok(`download_file lab film.bin ${copy}`);
    await dan.downloaded(copy);
    expect([malice, await sha1Of(copy)]).toEqual([malice, right]);
    expect([malice, mal.channelsSeen > 0]).toEqual([malice, true]);
    rmSync(copy);
  }
  const { pid } = dan;
  if (HAS_PROC) expect(readdirSync(`/proc/${pid}/fd`).length).toBeLessThan(FDS_MAX);
});
