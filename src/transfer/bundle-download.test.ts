import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { defined } from "../base/assert.ts";
import { PIECE_BYTES } from "../base/limits.ts";
import { HAS_LINKS } from "../testing/links.ts";
import {
  MODIFIED_MS,
  outcomes,
  type SharedSmall,
  type SmallFilesMachine,
  SmallFilesWorld,
  smallFiles,
  watched,
} from "../testing/small-files-world.ts";
import type { Download } from "./contract.ts";

const FILES = smallFiles(300);

function at(files: readonly SharedSmall[], index: number): SharedSmall {
  return defined(files[index], "one of the files");
}

describe("many small files that are ordered together", () => {
  test("come in bundles: whole, in their folders, with their times and the executable ones so", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    ann.share(FILES);
    const downloads = bob.fetch(FILES, [ann]);
    expect(new Set(await outcomes(downloads))).toEqual(new Set(["complete"]));
    expect(FILES.every((file) => bob.isRight(file))).toBe(true);
    expect(ann.alone).toBe(0);
    expect(bob.parts()).toEqual([]);
    for (const { name } of FILES.slice(0, 3)) {
      const stats = statSync(bob.path(name));
      expect(stats.mtimeMs).toBe(MODIFIED_MS);
      expect((stats.mode & 0o100) !== 0).toBe(name.includes("/1/"));
    }
  });

  test("say what lies at their places, so that nobody has to look", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    const some = FILES.slice(0, 5);
    ann.share(some);
    const downloads = bob.fetch(some, [ann]);
    await outcomes(downloads);
    const { ino, size } = statSync(bob.path(at(some, 4).name));
    const { phase } = downloads[4]?.snapshot() ?? {};
    expect(phase).toMatchObject({ kind: "complete", file: { identity: { inode: String(ino), size } } });
  });

  test("are served on by who has fetched them", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob, eve] = [await world.machine(), await world.machine(), await world.machine()];
    ann.share(FILES);
    await outcomes(bob.fetch(FILES, [ann]));
    await ann.engine.quiesce();
    expect(new Set(await outcomes(eve.fetch(FILES, [bob])))).toEqual(new Set(["complete"]));
    expect(bob.alone).toBe(0);
    expect(FILES.every((file) => eve.isRight(file))).toBe(true);
  });

  test("of any size up to a piece, empty ones among them", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    const files = smallFiles(24, [PIECE_BYTES, 3, 200_000, 70_000]);
    const empty = smallFiles(1, [0]).map((file) => ({ ...file, name: "folder/0/empty" }));
    ann.share([...files, ...empty]);
    expect(new Set(await outcomes(bob.fetch([...files, ...empty], [ann])))).toEqual(new Set(["complete"]));
    expect([...files, ...empty].every((file) => bob.isRight(file))).toBe(true);
    expect(ann.alone).toBe(0);
  });

  test("a few are fetched one by one", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    const some = FILES.slice(0, 3);
    ann.share(some);
    expect(await outcomes(bob.fetch(some, [ann]))).toEqual(["complete", "complete", "complete"]);
    expect(ann.alone).toBe(3);
  });
});

describe("what a bundle cannot do is left to the download of that file", () => {
  test("a name that is taken: it says so, nothing is overwritten, and the others come", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    ann.share(FILES);
    const [taken, there] = [at(FILES, 7), at(FILES, 8)];
    bob.write(taken.name, "mine");
    bob.write(there.name, there.bytes);
    const downloads = bob.fetch(FILES, [ann]);
    const ended = await outcomes(downloads);
    expect(ended.filter((outcome) => outcome !== "complete")).toHaveLength(1);
    const { phase } = downloads[7]?.snapshot() ?? {};
    expect(phase).toMatchObject({ kind: "failed", failure: { code: "file-exists" } });
    expect(Buffer.from(bob.read(taken.name)).toString()).toBe("mine");
  });

  test("a name that is taken while the bundle is on its way is not overwritten either", async () => {
    await using world = new SmallFilesWorld();
    const ann = await world.machine();
    const some = FILES.slice(0, 20);
    const late = at(some, 3).name;
    const bob: SmallFilesMachine = await world.machine({
      disk: (real) => watched(real, { placing: async () => bob.write(late, "mine") }),
    });
    ann.share(some);
    const downloads = bob.fetch(some, [ann]);
    expect((await outcomes(downloads)).filter((outcome) => outcome === "complete")).toHaveLength(19);
    expect(downloads[3]?.snapshot().phase).toMatchObject({ failure: { code: "file-exists" } });
    expect(Buffer.from(bob.read(late)).toString()).toBe("mine");
    expect(bob.parts()).toEqual([]);
  });

  test.skipIf(!HAS_LINKS)("a folder that is a link, or becomes one, is not followed", async () => {
    await using world = new SmallFilesWorld();
    const ann = await world.machine();
    const bob: SmallFilesMachine = await world.machine({
      disk: (real) =>
        watched(real, {
          placing: async () => {
            rmSync(bob.path("folder/1"), { recursive: true });
            symlinkSync(bob.path("elsewhere"), bob.path("folder/1"));
          },
        }),
    });
    mkdirSync(bob.path("elsewhere"));
    mkdirSync(bob.path("folder"));
    symlinkSync(bob.path("elsewhere"), bob.path("folder/0"));
    const some = FILES.slice(0, 30);
    ann.share(some);
    const ended = await outcomes(bob.fetch(some, [ann]));
    expect(ended.filter((outcome) => outcome === "complete")).toHaveLength(10);
    expect(readdirSync(bob.path("elsewhere"))).toEqual([]);
  });

  test("what an earlier run began in another way goes on in that way", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    const some = FILES.slice(0, 10);
    ann.share(some);
    const { journalPath } = bob.order(at(some, 2));
    mkdirSync(bob.path("journals"));
    writeFileSync(journalPath, "damaged");
    expect(new Set(await outcomes(bob.fetch(some, [ann])))).toEqual(new Set(["complete"]));
    expect(ann.alone).toBe(1);
    expect(existsSync(journalPath)).toBe(false);
  });

  test("a file that is no longer what was shared: its sharer is told, and the others come", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    const some = FILES.slice(0, 40);
    ann.share(some);
    ann.write(at(some, 5).name, new Uint8Array(1_000).fill(99));
    const downloads = bob.fetch(some, [ann]);
    const others = downloads.filter((_, index) => index !== 5);
    expect(new Set(await outcomes(others))).toEqual(new Set(["complete"]));
    expect(ann.broken.map(({ code }) => code)).toEqual(["file-changed"]);
    expect(existsSync(bob.path(at(some, 5).name))).toBe(false);
    await downloads[5]?.cancel();
  });

  test("a file whose share has ended is served no more", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    const some = FILES.slice(0, 10);
    ann.share(some);
    const { gid, manifest } = bob.order(at(some, 0));
    ann.engine.withdraw(gid, manifest.summary.fileId);
    const downloads = bob.fetch(some, [ann]);
    expect(new Set(await outcomes(downloads.slice(1)))).toEqual(new Set(["complete"]));
    expect(downloads[0]?.snapshot().phase.kind).toBe("fetching");
    await downloads[0]?.cancel();
  });

  test("a folder into which nothing can be written", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    const some = FILES.slice(0, 12);
    ann.share(some);
    // A file in the place of a folder refuses everybody, also who may write anywhere.
    bob.write("folder/2", "a file");
    const ended = await outcomes(bob.fetch(some, [ann]));
    expect(ended.filter((outcome) => outcome === "complete")).toHaveLength(8);
    expect(ended.filter((outcome) => outcome === "failed")).toHaveLength(4);
  });
});

describe("sources of a bundle", () => {
  test("one that sends wrong bytes gets none of them on the disk, and the other one gives them all", async () => {
    await using world = new SmallFilesWorld();
    const liar = await world.machine({
      disk: (real) => ({
        begin: (targets) => real.begin(targets),
        async load(slot, files) {
          const read = await real.load(slot, files);
          slot.bytes[5] = (slot.bytes[5] ?? 0) ^ 1;
          return read;
        },
      }),
    });
    const ann = await world.machine();
    const written: string[] = [];
    const bob = await world.machine({
      disk: (real) =>
        watched(real, { written: (targets) => written.push(...targets.map(({ path }) => path)) }),
    });
    for (const machine of [liar, ann]) machine.share(FILES);
    const downloads = bob.fetch(FILES, [liar, ann]);
    expect(new Set(await outcomes(downloads))).toEqual(new Set(["complete"]));
    expect(FILES.every((file) => bob.isRight(file))).toBe(true);
    expect(written.length).toBeGreaterThan(0);
  });

  test("one that shows no grant that counts is given nothing", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    const some = FILES.slice(0, 10);
    ann.share(some);
    const { gid } = bob.order(at(some, 0));
    ann.engine.revoke(gid, bob.identity.uid);
    const downloads = bob.fetch(some, [ann]);
    while (
      !downloads.every((download) => download.snapshot().sources.some(({ state }) => state === "refused"))
    )
      await Bun.sleep(5);
    expect(some.some(({ name }) => existsSync(bob.path(name)))).toBe(false);
    expect(ann.alone).toBe(0);
    for (const download of downloads) await download.cancel();
  });

  test("files with other sources are in other bundles", async () => {
    await using world = new SmallFilesWorld();
    const [ann, eve, bob] = [await world.machine(), await world.machine(), await world.machine()];
    const [left, right] = [FILES.slice(0, 20), FILES.slice(20, 40)];
    ann.share(left);
    eve.share(right);
    const downloads = [...bob.fetch(left, [ann]), ...bob.fetch(right, [eve])];
    expect(new Set(await outcomes(downloads))).toEqual(new Set(["complete"]));
    expect([ann.alone, eve.alone]).toEqual([0, 0]);
  });
});

describe("leaving a bundle", () => {
  /** Bob's downloads, stopped when all is written and nothing is in its place. */
  async function stopped(world: SmallFilesWorld, files: readonly SharedSmall[]) {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const ann = await world.machine();
    const bob = await world.machine({
      disk: (real) =>
        watched(real, {
          placing: () => {
            reached.resolve();
            return gate.promise;
          },
        }),
    });
    ann.share(files);
    const downloads = bob.fetch(files, [ann]);
    await reached.promise;
    return { ann, bob, downloads, goOn: () => gate.resolve() };
  }

  test("one that is cancelled does not come into its place, and the others do", async () => {
    await using world = new SmallFilesWorld();
    const some = FILES.slice(0, 10);
    const { bob, downloads, goOn } = await stopped(world, some);
    const cancelled = downloads[4]?.cancel();
    goOn();
    await cancelled;
    expect(await outcomes(downloads)).toEqual(some.map((_, index) => (index === 4 ? "ended" : "complete")));
    expect(existsSync(bob.path(at(some, 4).name))).toBe(false);
    expect(bob.parts()).toEqual([]);
  });

  test("all that are suspended leave nothing behind, and come with the next order", async () => {
    await using world = new SmallFilesWorld();
    const some = FILES.slice(0, 10);
    const { ann, bob, downloads, goOn } = await stopped(world, some);
    const over = bob.engine.quiesce();
    goOn();
    await over;
    expect(new Set(await outcomes(downloads))).toEqual(new Set(["ended"]));
    expect(readdirSync(bob.path("folder"), { recursive: true }).length).toBe(3);
    expect(new Set(await outcomes(bob.fetch(some, [ann])))).toEqual(new Set(["complete"]));
  });

  test("one that is paused rests without a file, and goes on when it is resumed", async () => {
    await using world = new SmallFilesWorld();
    const some = FILES.slice(0, 10);
    const { bob, downloads, goOn } = await stopped(world, some);
    const paused = downloads[0]?.pause();
    goOn();
    await paused;
    await outcomes(downloads.slice(1));
    expect(downloads[0]?.snapshot().phase.kind).toBe("paused");
    expect(existsSync(bob.path(at(some, 0).name))).toBe(false);
    downloads[0]?.resume();
    expect(await downloads[0]?.ended).toBe("complete");
    expect(bob.isRight(at(some, 0))).toBe(true);
  });
});

test("a bundle whose only source goes is given up, and its files wait one by one", async () => {
  await using world = new SmallFilesWorld();
  const reached = Promise.withResolvers<void>();
  const ann = await world.machine({
    disk: (real) => ({
      begin: (targets) => real.begin(targets),
      load: () => {
        reached.resolve();
        return new Promise(() => {});
      },
    }),
  });
  const bob = await world.machine();
  const some = FILES.slice(0, 10);
  ann.share(some);
  const downloads = bob.fetch(some, [ann]);
  await reached.promise;
  world.network.sever(ann.identity.fingerprint, bob.identity.fingerprint);
  const isAlone = (download: Download) =>
    existsSync(`${download.order.path}.part`) && download.snapshot().phase.kind === "fetching";
  while (!downloads.every(isAlone)) await Bun.sleep(20);
  for (const download of downloads) await download.cancel();
  expect(bob.parts()).toEqual([]);
});
