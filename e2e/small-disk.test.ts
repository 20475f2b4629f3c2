/** A disk that is really full: before a download starts, and while it runs. */
import { expect, test } from "bun:test";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DISK_RESERVE_BYTES } from "../src/base/limits.ts";
import type { Client } from "./harness/client.ts";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { enter, formGroup } from "./harness/group.ts";
import { freeBytes, seenFromOutside, whyNoSmallDisk, withSmallDisk } from "./harness/small-disk.ts";
import { World } from "./harness/world.ts";

const FILE_BYTES = 24 * MiB;
/** What a program that fills the disk leaves over. */
const LEFT_BYTES = 8 * MiB;

const why = whyNoSmallDisk();
if (why !== undefined) console.error(`skipped: a disk that is really full: ${why}`);

/** ann shares the file; dan, a member of her group, has a disk of that size. */
async function pair(world: World, diskBytes: number) {
  await world.startTracker();
  const ann = world.startClient("ann");
  const disk = world.dir("disk");
  const dan = world.startClient("dan", { within: withSmallDisk(disk, diskBytes) });
  for (const client of [ann, dan]) await enter(client);
  await formGroup(ann, [dan]);
  const file = join(world.dir("ann", "files"), "film.bin");
  writeRandomFile(file, FILE_BYTES, 4);
  await ann.ok(`upload_file ${file} lab`);
  return { ann, dan, file, copy: join(disk, "film.bin"), outside: seenFromOutside(dan.pid, disk) };
}

async function waitsForRoom(dan: Client): Promise<string> {
  const shown = await dan.download("it waits for room", ({ details }) => /room|full/.test(details));
  expect(shown.state).toBe("D");
  return shown.details;
}

test.skipIf(why !== undefined)(
  "a download that leaves no reserve on the disk is not begun, says so with both numbers, and comes when asked for with room",
  async () => {
    await using world = new World();
    const { dan, file, copy, outside } = await pair(world, FILE_BYTES + DISK_RESERVE_BYTES + MiB);
    const filler = join(outside, "filler");
    writeFileSync(filler, Buffer.alloc(2 * MiB, 1));
    const told = await dan.refused(`download_file lab film.bin ${copy}`);
    expect(told).toContain("not enough room");
    expect(told).toContain("it needs 24.0 MiB and a reserve of 64.0 MiB, 87.0 MiB are free");
    expect(readdirSync(outside)).toEqual(["filler"]);

    rmSync(filler);
    await dan.ok(`download_file lab film.bin ${copy}`);
    await dan.downloaded(copy);
    expect(await sha1Of(join(outside, "film.bin"))).toBe(await sha1Of(file));
  },
);

test.skipIf(why !== undefined)(
  "a disk that somebody else fills in a download stops it with the reason, and it goes on by itself when there is room",
  async () => {
    await using world = new World();
    const { ann, dan, file, copy, outside } = await pair(world, FILE_BYTES + DISK_RESERVE_BYTES + MiB);
    // Begun while there is room and nobody sends.
    await ann.crash();
    await dan.ok(`download_file lab film.bin ${copy}`);
    await dan.download("begun", ({ details }) => details.includes("waiting"));
    const filler = join(outside, "filler");
    writeFileSync(filler, Buffer.alloc(freeBytes(outside) - LEFT_BYTES, 1));

    const back = world.startClient("ann");
    await back.ok("login ann pw");
    expect(await waitsForRoom(dan)).toContain(
      "waiting: cannot write a piece: the disk is full; free some space",
    );
    expect(new Set(readdirSync(outside))).toEqual(new Set(["film.bin.part", "filler"]));

    rmSync(filler);
    await dan.downloaded(copy);
    expect(await sha1Of(join(outside, "film.bin"))).toBe(await sha1Of(file));
    expect(readdirSync(outside)).toEqual(["film.bin"]);
  },
);
