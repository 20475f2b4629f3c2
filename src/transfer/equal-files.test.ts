/** Small files of one content under several names: one is fetched, and the others are copied from where it lies. */
import { describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import {
  BUNDLE_FILES_MAX,
  BUNDLE_PIECE_FILES_MAX,
  BUNDLES_AT_ONCE_MAX,
  PIECE_BYTES,
} from "../base/limits.ts";
import { systemClock } from "../base/system-clock.ts";
import { settle } from "../testing/manual-clock.ts";
import {
  MODIFIED_MS,
  outcomes,
  type SharedSmall,
  type SmallFilesMachine,
  SmallFilesWorld,
  smallFiles,
  watched,
} from "../testing/small-files-world.ts";
import { gid } from "../testing/transfer-world.ts";
import type { Source } from "../wire/client-tracker.ts";
import { type BundleDependencies, BundleDownload, type BundledFile } from "./bundle-download.ts";
import type { Download } from "./contract.ts";
import type { SmallFileDisk, SmallFilesOnDisk } from "./disk/contract.ts";
import { SharedSlotPool } from "./disk/slot-pool.ts";
import { copyFromHere } from "./local-copy.ts";
import { SmallDownloads } from "./small-downloads.ts";

const [ONE] = smallFiles(1) as [SharedSmall];
const EMPTY = smallFiles(1, [0])[0] as SharedSmall;
const OTHERS = smallFiles(21).slice(1);

function names(file: SharedSmall, count: number): SharedSmall[] {
  return Array.from({ length: count }, (_, at) => ({ ...file, name: `folder/${at % 3}/equal ${at}` }));
}

function areRight(machine: SmallFilesMachine, files: readonly SharedSmall[]): boolean {
  return files.every((file) => machine.isRight(file));
}

/** What is read for others, in bundles or one by one. */
class Counted {
  machine: SmallFilesMachine | undefined;
  #inBundles = 0;
  readonly disk = (real: SmallFileDisk): SmallFileDisk => ({
    begin: (targets) => real.begin(targets),
    load: (slot, files) => {
      this.#inBundles += files.length;
      return real.load(slot, files);
    },
  });

  static async make(world: SmallFilesWorld): Promise<{ ann: SmallFilesMachine; read: () => number }> {
    const counted = new Counted();
    const ann = await world.machine(counted);
    return { ann, read: () => counted.#inBundles + ann.alone };
  }
}

describe("equal files that are ordered together", () => {
  test("are fetched once, and each comes to its place with its time and whether it is a program", async () => {
    await using world = new SmallFilesWorld();
    const { ann, read } = await Counted.make(world);
    const bob = await world.machine();
    const files = [...names(ONE, 600), ...OTHERS];
    ann.share([ONE, ...OTHERS]);
    expect(new Set(await outcomes(bob.fetch(files, [ann])))).toEqual(new Set(["complete"]));
    expect(areRight(bob, files)).toBe(true);
    expect(read()).toBe(1 + OTHERS.length);
    for (const at of [1, 2]) {
      const stats = statSync(bob.path(files[at]?.name ?? ""));
      expect([stats.mtimeMs, (stats.mode & 0o100) !== 0]).toEqual([MODIFIED_MS, at === 1]);
    }
    expect(bob.parts()).toEqual([]);
  });

  test("empty ones need nobody, and are made many at a time", async () => {
    await using world = new SmallFilesWorld();
    let together = 0;
    const disk = (real: SmallFileDisk) =>
      watched(real, {
        written: (targets) => {
          together += targets.length;
        },
      });
    const bob = await world.machine({ disk });
    const files = names(EMPTY, 300);
    expect(new Set(await outcomes(bob.fetch(files, [])))).toEqual(new Set(["complete"]));
    expect(areRight(bob, files)).toBe(true);
    expect(together).toBe(300);
  });

  test("what is shared here is copied while nobody else is there", async () => {
    await using world = new SmallFilesWorld();
    const bob = await world.machine();
    const files = names(ONE, 2);
    bob.share([ONE]);
    expect(await outcomes(bob.fetch(files, []))).toEqual(["complete", "complete"]);
    expect(areRight(bob, files)).toBe(true);
  });
});

describe("what cannot be copied is fetched", () => {
  test("where the file here is no longer what was shared: nothing of it is copied", async () => {
    await using world = new SmallFilesWorld();
    const { ann, read } = await Counted.make(world);
    const bob = await world.machine();
    const files = names(ONE, 3);
    for (const machine of [ann, bob]) machine.share([ONE]);
    bob.write(ONE.name, new Uint8Array(ONE.bytes.length).fill(99));
    expect(new Set(await outcomes(bob.fetch(files, [ann])))).toEqual(new Set(["complete"]));
    expect(areRight(bob, files)).toBe(true);
    expect(read()).toBeGreaterThan(0);
  });

  test("a name that is taken says so, is not overwritten, and the others come", async () => {
    await using world = new SmallFilesWorld();
    const [ann, bob] = [await world.machine(), await world.machine()];
    const files = names(ONE, 9);
    ann.share([ONE]);
    bob.write("folder/1/equal 4", "mine");
    const downloads = bob.fetch(files, [ann]);
    expect((await outcomes(downloads)).filter((outcome) => outcome === "complete")).toHaveLength(8);
    expect(downloads[4]?.snapshot().phase).toMatchObject({ failure: { code: "file-exists" } });
    expect(Buffer.from(bob.read("folder/1/equal 4")).toString()).toBe("mine");
  });
});

test("those that cannot be copied are fetched one after the other", async () => {
  const alone: PromiseWithResolvers<"complete">[] = [];
  const downloads = new SmallDownloads({
    isHere: () => true,
    bundle: (_, files) => {
      const bundle = { ended: Promise.resolve(), sources: [] } as unknown as BundleDownload;
      for (const file of files) file.begun(bundle);
      for (const file of files) file.left();
      return bundle;
    },
    alone: () => {
      const ended = Promise.withResolvers<"complete">();
      alone.push(ended);
      return { ended: ended.promise, addSource: () => {} } as unknown as Download;
    },
    discard: async () => {},
    changed: () => {},
    placed: () => {},
  });
  const all = names(ONE, 3).map(({ manifest, name }) =>
    downloads.add({ gid, manifest, path: name, base: "", journalPath: name }),
  );
  for (const [at, { ended }] of all.entries()) {
    while (alone.length <= at) await settle();
    for (let turns = 0; turns < 5; turns++) await settle();
    expect(alone).toHaveLength(at + 1);
    alone[at]?.resolve("complete");
    expect(await ended).toBe("complete");
  }
});

describe("a copy", () => {
  /** What becomes of it is told to `ordered`; a bundle from peers never ends. */
  function copying(isHere: (path: string) => boolean) {
    const bundled: string[][] = [];
    const phases: string[] = [];
    const downloads = new SmallDownloads({
      isHere: ({ path }) => isHere(path),
      bundle: (_, files) => {
        bundled.push(files.map(({ order }) => order.path));
        const bundle = { ended: new Promise(() => {}), sources: [] } as unknown as BundleDownload;
        for (const file of files) file.begun(bundle);
        return bundle;
      },
      alone: () => ({ ended: new Promise(() => {}), addSource: () => {} }) as unknown as Download,
      discard: async () => {},
      changed: (download) => phases.push(download.snapshot().phase.kind),
      placed: () => {},
    });
    const order = ({ manifest, name }: SharedSmall) =>
      downloads.add({ gid, manifest, path: name, base: "", journalPath: name });
    return { order, bundled, phases };
  }

  test("is not under way before it is in its place: until then the name may be found to be taken", async () => {
    const { order, phases } = copying(() => true);
    order(ONE);
    await settle();
    expect(phases).toEqual(["opening"]);
  });

  test("waits for no bundle that is fetched", async () => {
    const { order, bundled } = copying((path) => path === ONE.name);
    const count = (BUNDLES_AT_ONCE_MAX + 1) * BUNDLE_FILES_MAX;
    const ann = { fingerprint: "ann" } as unknown as Source;
    for (const file of smallFiles(count + 1).slice(1)) order(file).addSource(ann);
    await settle();
    expect(bundled).toHaveLength(BUNDLES_AT_ONCE_MAX);
    order(ONE);
    await settle();
    expect(bundled.at(-1)).toEqual([ONE.name]);
  });
});

describe("one of several names", () => {
  /** Bob's downloads, when the first bundle is written and nothing is in its place. */
  async function stopped(world: SmallFilesWorld, files: readonly SharedSmall[]) {
    const [gate, reached] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const ann = await world.machine();
    const placing = () => {
      reached.resolve();
      return gate.promise;
    };
    const bob = await world.machine({ disk: (real) => watched(real, { placing }) });
    ann.share([ONE, ...OTHERS]);
    const downloads = bob.fetch(files, [ann]);
    await reached.promise;
    return { bob, downloads, goOn: () => gate.resolve() };
  }

  test("that is fetched and cancelled leaves the next one in its place", async () => {
    await using world = new SmallFilesWorld();
    const files = [...names(ONE, 3), ...OTHERS];
    const { bob, downloads, goOn } = await stopped(world, files);
    const cancelled = downloads[0]?.cancel();
    goOn();
    await cancelled;
    expect(await outcomes(downloads.slice(1))).toEqual(files.slice(1).map(() => "complete"));
    expect(areRight(bob, files.slice(1))).toBe(true);
    expect(existsSync(bob.path(files[0]?.name ?? ""))).toBe(false);
  });

  test("that is fetched and paused lets the others go on, and goes on when it is resumed", async () => {
    await using world = new SmallFilesWorld();
    const files = [...names(ONE, 3), ...OTHERS];
    const { bob, downloads, goOn } = await stopped(world, files);
    const paused = downloads[0]?.pause();
    goOn();
    await paused;
    expect(await outcomes(downloads.slice(1))).toEqual(files.slice(1).map(() => "complete"));
    downloads[0]?.resume();
    expect(await downloads[0]?.ended).toBe("complete");
    expect(areRight(bob, files)).toBe(true);
  });

  test("that waits for another and is cancelled, or paused while it is copied, does not come", async () => {
    await using world = new SmallFilesWorld();
    const files = names(ONE, 4);
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const placing = () => {
      reached.resolve();
      return gate.promise;
    };
    const bob = await world.machine({ disk: (real) => watched(real, { placing }) });
    bob.share([ONE]);
    const downloads = bob.fetch(files, []);
    await downloads[3]?.cancel();
    await reached.promise;
    const paused = downloads[2]?.pause();
    gate.resolve();
    await paused;
    expect(await outcomes(downloads.slice(0, 2))).toEqual(["complete", "complete"]);
    for (const at of [2, 3]) expect(existsSync(bob.path(files[at]?.name ?? ""))).toBe(false);
    expect(bob.parts()).toEqual([]);
    downloads[2]?.resume();
    expect(await downloads[2]?.ended).toBe("complete");
  });
});

test("a bundle from others is never made of one content twice", () => {
  const files = names(ONE, 2).map((file): BundledFile => {
    const order = { gid, manifest: file.manifest, path: "", base: "", journalPath: "" };
    const nothing = () => {};
    return { order, bytes: 1_000, isWanted: true, begun: nothing, placed: nothing, left: nothing };
  });
  const dependencies = { clock: systemClock, budget: 1 } as unknown as BundleDependencies;
  expect(() => new BundleDownload(dependencies, gid, files, [])).toThrow("each content once");
});

test("what is copied needs one buffer at a time, which is given back whatever comes of it", async () => {
  const slots = new SharedSlotPool(new SharedArrayBuffer(PIECE_BYTES));
  const files = names(ONE, BUNDLE_PIECE_FILES_MAX + 1).map(({ manifest, name: path }) => {
    const order = { gid, manifest, path, base: "", journalPath: path };
    return { order, bytes: manifest.summary.size, isWanted: true };
  });
  const here = () => ({ path: ONE.name, bytes: ONE.bytes.length, isWhatWasRead: () => true });
  let written = 0;
  const disk: Pick<SmallFilesOnDisk, "write"> = {
    write: async (_, targets) => {
      written += targets.length;
      return "written";
    },
  };
  const copy = (load: SmallFileDisk["load"]) =>
    copyFromHere({ slots, here, smallFiles: { load } }, gid, files, disk);
  await copy(async () => []);
  expect([written, slots.free]).toEqual([files.length, 1]);
  await expect(copy(() => Promise.reject(new Error("a bug")))).rejects.toThrow("a bug");
  expect([written, slots.free]).toEqual([files.length, 1]);
});
