import { afterAll, describe, expect, test } from "bun:test";
import { appendFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { Failure } from "../base/failure.ts";
import type { PieceIndex } from "../base/ids.ts";
import { PIECE_BYTES, SOURCE_CHECK_MS } from "../base/limits.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { SimStorage } from "../testing/sim-storage.ts";
import { TempFolder } from "../testing/temp-folder.ts";
import { content, gid, SimSources } from "../testing/transfer-world.ts";
import type { Slot } from "./disk/contract.ts";
import { HashPool } from "./disk/hash-pool.ts";
import { SourceFile } from "./disk/source-file.ts";
import { type OpenSource, SharedFile, sourceOpener } from "./shared-file.ts";

const file = content(3);
const piece = (index: number) => index as PieceIndex;

function setUp({ fresh = false, known = true, delivery = "microtask" as "microtask" | "manual" } = {}) {
  const clock = new ManualClock();
  const storage = new SimStorage({ buffers: 4, delivery });
  const sources = new SimSources(storage);
  storage.placed.set("/song", file.bytes);
  const broken: Failure[] = [];
  /** How each opening goes wrong, first to last. */
  const openFailures: Failure[] = [];
  /** The same of its piece list. */
  const listFailures: Failure[] = [];
  let asked = 0;
  const openSource: OpenSource = async (path, identity) => {
    const failure = openFailures.shift();
    if (failure !== undefined) throw failure;
    return sources.open(path, identity);
  };
  const shared = new SharedFile(
    {
      gid,
      file: file.manifest.summary,
      manifest: async () => {
        asked++;
        const failure = listFailures.shift();
        if (failure !== undefined) throw failure;
        return file.manifest;
      },
      path: "/song",
      identity: known ? sources.identityOf("/song") : undefined,
      fresh,
    },
    { workers: storage.workers, openSource, clock, broken: (failure) => broken.push(failure) },
  );
  const slot: Slot = { index: 0, bytes: new Uint8Array(PIECE_BYTES) };
  const load = (index: number) => shared.load(piece(index), slot);
  return {
    clock,
    storage,
    sources,
    broken,
    openFailures,
    listFailures,
    timesAsked: () => asked,
    shared,
    slot,
    load,
  };
}

describe("a shared file", () => {
  test("gives its pieces, and is open only while somebody has a channel for it", async () => {
    const { sources, shared, slot, load } = setUp();
    expect(shared.have.isFull).toBe(true);
    shared.opened();
    expect(sources.held).toBe(0);
    expect(await load(1)).toBe(true);
    expect(slot.bytes).toEqual(file.bytes.subarray(PIECE_BYTES, 2 * PIECE_BYTES));
    expect(await load(2)).toBe(true);
    expect(sources.held).toBe(1);
    shared.closed();
    await settle();
    expect(sources.held).toBe(0);
    shared.opened();
    expect(await load(0)).toBe(true);
    expect(sources.held).toBe(1);
  });

  test("is opened once for pieces asked for at the same time", async () => {
    const { sources, shared, load } = setUp();
    shared.opened();
    expect(await Promise.all([load(0), load(1), load(2)])).toEqual([true, true, true]);
    expect(sources.held).toBe(1);
  });

  test("stays open until the last piece is read, when its last channel is closed before", async () => {
    const { broken, storage, sources, shared, load } = setUp({ delivery: "manual" });
    shared.opened();
    const loading = load(0);
    shared.closed();
    await settle();
    expect(sources.held).toBe(1);
    await storage.deliver();
    expect(await loading).toBe(true);
    await settle();
    expect(sources.held).toBe(0);
    expect(broken).toEqual([]);
  });

  test("closed and opened again while a piece is read stays as it is", async () => {
    const { storage, sources, shared, load } = setUp({ delivery: "manual" });
    shared.opened();
    const loading = load(0);
    shared.closed();
    shared.opened();
    await settle();
    await storage.deliver();
    expect(await loading).toBe(true);
    await settle();
    expect(sources.held).toBe(1);
  });
});

describe("no unverified byte leaves", () => {
  test("a piece is verified when it is first read, and not again", async () => {
    const { broken, storage, shared, load } = setUp();
    let reads = 0;
    storage.faults = { read: (count) => (count === 2 ? "wrong" : undefined) };
    shared.opened();
    expect(await load(0)).toBe(true);
    // What is read wrong of a piece that was verified is for the receiver to find: the check is done once.
    expect(await load(0)).toBe(true);
    storage.faults = { read: () => (reads++ === 0 ? "wrong" : undefined) };
    expect(await load(1)).toBe(false);
    expect(broken.map(({ code }) => code)).toEqual(["file-changed"]);
  });

  test("one hashed in this very session is not verified again", async () => {
    const { broken, storage, shared, load } = setUp({ fresh: true });
    storage.faults = { read: () => "wrong" };
    shared.opened();
    expect(await load(0)).toBe(true);
    expect(broken).toEqual([]);
  });

  test("one whose identity is not known is verified, however fresh", async () => {
    const { storage, shared, load } = setUp({ fresh: true, known: false });
    storage.faults = { read: () => "wrong" };
    shared.opened();
    expect(await load(0)).toBe(false);
  });
});

describe("a file that is not what it was", () => {
  test("breaks the offer once, with its reason, and gives no piece", async () => {
    const { broken, storage, shared, load } = setUp();
    storage.placed.set("/song", file.bytes.slice());
    shared.opened();
    expect(await Promise.all([load(0), load(1)])).toEqual([false, false]);
    expect(await load(2)).toBe(false);
    expect(broken.map(({ code }) => code)).toEqual(["file-changed"]);
  });

  test("is noticed within a second while it is being fetched", async () => {
    const { clock, broken, storage, shared, load } = setUp();
    shared.opened();
    expect(await load(0)).toBe(true);
    storage.placed.set("/song", file.bytes.slice());
    clock.advance(SOURCE_CHECK_MS - 1);
    expect(await load(0)).toBe(true);
    clock.advance(1);
    expect(await load(0)).toBe(false);
    expect(broken).toHaveLength(1);
  });

  test("is noticed when it was replaced while nobody fetched it, also where only its first opening told what it is", async () => {
    for (const known of [true, false]) {
      const { broken, storage, shared, load } = setUp({ known });
      shared.opened();
      expect(await load(0)).toBe(true);
      shared.closed();
      await settle();
      storage.placed.set("/song", new Uint8Array(file.bytes.length));
      shared.opened();
      expect(await load(0)).toBe(false);
      expect(broken.map(({ code }) => code)).toEqual(["file-changed"]);
    }
  });

  test("is one that is gone, or that the disk does not read", async () => {
    const gone = setUp();
    gone.storage.placed.delete("/song");
    expect(await gone.load(0)).toBe(false);
    expect(gone.broken).toHaveLength(1);
    const unreadable = setUp();
    unreadable.storage.faults = { read: () => new Failure("disk-error", "input/output error") };
    expect(await unreadable.load(0)).toBe(false);
    expect(unreadable.broken.map(({ message }) => message)).toEqual(["input/output error"]);
  });
});

test("too many open files break nothing: the next piece tries again", async () => {
  const { broken, openFailures, sources, shared, load } = setUp();
  openFailures.push(new Failure("try-later", "too many files are open"));
  shared.opened();
  expect(await load(0)).toBe(false);
  expect(await load(0)).toBe(true);
  shared.closed();
  await settle();
  expect(broken).toEqual([]);
  expect(sources.held).toBe(0);
});

test("its piece list is asked for when somebody fetches it, and not kept longer", async () => {
  const { shared, timesAsked, load } = setUp();
  shared.opened();
  expect(timesAsked()).toBe(0);
  expect(await Promise.all([load(0), load(1)])).toEqual([true, true]);
  expect(timesAsked()).toBe(1);
  shared.closed();
  await settle();
  shared.opened();
  expect(await load(2)).toBe(true);
  expect(timesAsked()).toBe(2);
});

test("a piece list that is not to be had breaks nothing: the next piece asks again", async () => {
  const { broken, listFailures, shared, load } = setUp();
  listFailures.push(new Failure("tracker-unreachable", "no tracker answers"));
  shared.opened();
  expect(await load(0)).toBe(false);
  expect(await load(0)).toBe(true);
  expect(broken).toEqual([]);
});

test("on the disk it is opened as what it was, or else as what it is now", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("song");
  await writeFile(path, "la la");
  const openSource = sourceOpener({ settled: async () => {} });
  const source = await openSource(path, undefined);
  await source.close();
  const again = await openSource(path, source.identity);
  await writeFile(path, "la la la");
  expect(await again.unchanged()).toMatchObject({ code: "file-changed" });
  await again.close();
  await expect(openSource(path, source.identity)).rejects.toMatchObject({ code: "file-changed" });
});

describe("on the disk", () => {
  const pool = new HashPool({ workers: 1, buffers: 2 });
  afterAll(() => pool.close());

  /** What becomes of a file behind the program's back, and how its owner is told. */
  const CHANGES: readonly (readonly [string, (path: string) => Promise<void>, string])[] = [
    ["was changed", (path) => appendFile(path, "x"), "was changed"],
    ["was cut", (path) => truncate(path, PIECE_BYTES), "was cut from 1.5 MiB to 512 KiB"],
    [
      "was replaced",
      async (path) => {
        await writeFile(`${path}.new`, file.bytes);
        await rename(`${path}.new`, path);
      },
      "was replaced by another file",
    ],
    ["has vanished", (path) => rm(path), "was moved or removed"],
  ];

  for (const [what, change, told] of CHANGES)
    for (const when of ["while nobody fetches it", "between two pieces"] as const)
      test(`a file that ${what} ${when} gives no piece more, and its owner is told how`, async () => {
        await using folder = await TempFolder.make();
        const path = folder.join("song");
        await writeFile(path, file.bytes);
        const source = await SourceFile.open(path, pool);
        const { identity } = source;
        await source.close();
        const clock = new ManualClock();
        const broken: string[] = [];
        const shared = new SharedFile(
          {
            gid,
            file: file.manifest.summary,
            manifest: async () => file.manifest,
            path,
            identity,
            fresh: false,
          },
          {
            workers: pool,
            openSource: sourceOpener(pool),
            clock,
            broken: ({ message }) => broken.push(message),
          },
        );
        const slot = pool.slots.acquire() as Slot;
        shared.opened();
        if (when === "between two pieces") expect(await shared.load(piece(0), slot)).toBe(true);
        await change(path);
        clock.advance(SOURCE_CHECK_MS);
        expect(await shared.load(piece(0), slot)).toBe(false);
        expect(await shared.load(piece(2), slot)).toBe(false);
        pool.slots.release(slot);
        shared.closed();
        expect(broken).toEqual([`${path} ${told} since it was shared; share it again with upload_file`]);
      });
});
