/** SIGKILL at any moment: what was acknowledged is still there, what was fetched is not fetched again. */
import { expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { HASH_JOURNAL_BLOCK_PIECES, PIECE_BYTES, PIPELINE_PIECES_MAX } from "../src/base/limits.ts";
import { Prng } from "../src/base/prng.ts";
import { runSeed } from "../src/testing/run-seed.ts";
import { hashJournalBytes } from "../src/transfer/disk/hash-journal.ts";
import type { Client } from "./harness/client.ts";
import { sum } from "./harness/downloads.ts";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { enter, formGroup } from "./harness/group.ts";
import { until } from "./harness/until.ts";
import { HAS_VITALS, readBytes } from "./harness/vitals.ts";
import { World } from "./harness/world.ts";

const FILE_BYTES = 256 * MiB;
/** Three blocks of piece hashes that are kept. */
const LARGE_BYTES = 768 * MiB;
/** Byte counts are shown with three digits. */
const SHOWN_TO_BYTES = 1 * MiB;

/** ann shares `film.bin` with bob in the group lab; both are logged in. */
async function shareWithBob(world: World): Promise<{ ann: Client; bob: Client; file: string }> {
  const ann = world.startClient("ann");
  const bob = world.startClient("bob");
  for (const client of [ann, bob]) await enter(client);
  await formGroup(ann, [bob]);
  const file = join(world.dir("ann", "files"), "film.bin");
  writeRandomFile(file, FILE_BYTES, 3);
  await ann.ok(`upload_file ${file} lab`);
  return { ann, bob, file };
}

function keptBytes(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/** @returns how many pieces of `part` are those of `whole` */
function rightPieces(part: string, whole: string): number {
  const [partFile, wholeFile] = [openSync(part, "r"), openSync(whole, "r")];
  const [found, wanted] = [Buffer.alloc(PIECE_BYTES), Buffer.alloc(PIECE_BYTES)];
  let right = 0;
  try {
    for (let at = 0; at < statSync(whole).size; at += PIECE_BYTES) {
      const length = readSync(wholeFile, wanted, 0, PIECE_BYTES, at);
      const isThere = readSync(partFile, found, 0, length, at) === length;
      if (isThere && found.compare(wanted, 0, length, 0, length) === 0) right++;
    }
  } finally {
    closeSync(partFile);
    closeSync(wholeFile);
  }
  return right;
}

test("a client killed in a download fetches again at most the pieces that were in flight", async () => {
  const random = new Prng(runSeed());
  await using world = new World();
  await world.startTracker();
  const { bob, file } = await shareWithBob(world);
  const copy = join(world.dir("bob", "files"), "film.bin");
  const killAtPercent = 15 + random.below(45);

  await bob.ok(`download_file lab film.bin ${copy}`);
  await bob.download(`${killAtPercent}%`, ({ percent }) => percent >= killAtPercent);
  await bob.crash();
  expect(existsSync(copy)).toBe(false);
  const kept = rightPieces(`${copy}.part`, file) * PIECE_BYTES;
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(FILE_BYTES);

  const again = world.startClient("bob");
  await again.ok("login bob pw");
  await again.downloaded(copy);
  const [shown] = await again.downloads();
  const fetched = sum(shown?.sources.map(({ bytes }) => bytes) ?? []);
  const fetchedAgain = fetched - (FILE_BYTES - kept);
  expect(fetchedAgain).toBeLessThanOrEqual(PIPELINE_PIECES_MAX * PIECE_BYTES + SHOWN_TO_BYTES);
  expect(await sha1Of(copy)).toBe(await sha1Of(file));
  expect(existsSync(`${copy}.part`)).toBe(false);
});

test("a seeder killed in a download is waited for, and the download goes on when it is back", async () => {
  await using world = new World();
  await world.startTracker();
  const { ann, bob, file } = await shareWithBob(world);
  const copy = join(world.dir("bob", "files"), "film.bin");
  await bob.ok(`download_file lab film.bin ${copy}`);
  await bob.download("begun", ({ percent }) => percent > 0);
  await ann.crash();
  const waiting = await bob.download("waits", ({ details }) => details.includes("waiting"));
  expect(waiting.state).toBe("D");

  const back = world.startClient("ann");
  await back.ok("login ann pw");
  await bob.downloaded(copy);
  expect(await sha1Of(copy)).toBe(await sha1Of(file));
});

test("a tracker killed among hundreds of commands has lost nothing that it acknowledged", async () => {
  const random = new Prng(runSeed());
  await using world = new World();
  let tracker = await world.startTracker();
  const ann = world.startClient("ann");
  await ann.ok("create_user ann pw");
  await ann.ok("login ann pw");

  const acknowledged: string[] = [];
  const killsAt = new Set([random.below(100), 100 + random.below(100), 200 + random.below(100)]);
  for (let each = 0; each < 300; each++) {
    const killed = killsAt.has(each);
    const reply = ann.run(`create_group g${each}`);
    if (killed) {
      await tracker.crash();
      tracker = await world.startTracker();
    }
    const { error } = await reply;
    if (error === undefined) acknowledged.push(`g${each}`);
    else expect(error).toStartWith("error: ");
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(300 - killsAt.size * 10);

  await tracker.crash();
  await world.startTracker();
  const bob = world.startClient("bob");
  await bob.ok("create_user bob pw");
  await bob.ok("login bob pw");
  const listed = new Set((await bob.ok("list_groups")).map((line) => line.split(" ")[0] ?? ""));
  expect(acknowledged.filter((group) => !listed.has(group))).toEqual([]);
});

test.if(HAS_VITALS)(
  "a client killed while it hashes a large file does not hash again what it had done",
  async () => {
    await using world = new World();
    await world.startTracker();
    const ann = world.startClient("ann");
    await enter(ann);
    await ann.ok("create_group lab");
    const file = join(world.dir("ann", "files"), "film.bin");
    writeFileSync(file, "");
    truncateSync(file, LARGE_BYTES);
    const kept = world.path("ann", "data", "hash-journals");

    ann.write(`upload_file ${file} lab\n`);
    await until(async () => keptBytes(kept) >= hashJournalBytes(1));
    await ann.crash();
    const again = world.startClient("ann");
    await again.ok("login ann pw");
    const before = readBytes(again);
    await again.ok(`upload_file ${file} lab`);

    // Both walks over all of it would read it twice.
    expect(readBytes(again) - before).toBeLessThan(
      2 * LARGE_BYTES - HASH_JOURNAL_BLOCK_PIECES * PIECE_BYTES + 64 * MiB,
    );
    expect(readdirSync(kept)).toEqual([]);
    expect(await again.ok("list_files lab")).toHaveLength(1);
  },
);
