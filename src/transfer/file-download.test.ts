import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Sha1 } from "../base/ids.ts";
import { DISK_RETRY_MS, PIECE_BYTES } from "../base/limits.ts";
import { Manifest } from "../base/manifest.ts";
import {
  type Content,
  content,
  inWorld,
  type Machine,
  type TransferWorld,
} from "../testing/transfer-world.ts";
import type { Download } from "./contract.ts";
import type { DownloadFile, OpenDownload } from "./disk/contract.ts";

const second = 1_000;
const PATH = "/fetched";

async function seed(world: TransferWorld, file: Content, name = "ann"): Promise<Machine> {
  const machine = await world.machine(name);
  machine.share(file);
  return machine;
}

/** Bytes of verified pieces. */
const done = (download: Download) => download.snapshot().doneBytes;
const phase = (download: Download) => download.snapshot().phase.kind;
const phases = (machine: Machine, path = PATH) =>
  machine.phases.filter((told) => told.startsWith(`${path}: `)).map((told) => told.slice(path.length + 2));

function isWhole({ storage }: Machine, { bytes }: Content, path = PATH): boolean {
  const found = storage.placed.get(path);
  return found !== undefined && Buffer.compare(found, bytes) === 0;
}

/** As the disk, but with some of its methods replaced. */
function openingWith(change: (real: DownloadFile) => Partial<DownloadFile>) {
  return (open: OpenDownload): OpenDownload =>
    async (...target) => {
      const opened = await open(...target);
      if (opened.kind === "complete") return opened;
      const real = opened.download;
      const download: DownloadFile = {
        file: real.file,
        resumed: real.resumed,
        recordWritten: (piece) => real.recordWritten(piece),
        suspend: () => real.suspend(),
        prepare: () => real.prepare(),
        place: () => real.place(),
        discard: () => real.discard(),
        close: () => real.close(),
        ...change(real),
      };
      return { ...opened, download };
    };
}

describe("a download", () => {
  test(
    "goes from fetching to finishing to complete, and ends once",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await seed(world, file);
      const bob = await world.machine("bob");
      const download = bob.fetch(file, [ann]);
      let ends = 0;
      void download.ended.then(() => ends++);
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(isWhole(bob, file)).toBe(true);
      expect(bob.storage.isLeft(PATH)).toBe(false);
      expect(phases(bob)).toEqual(["fetching", "finishing", "complete"]);
      expect(download.snapshot()).toMatchObject({ doneBytes: 8 * PIECE_BYTES, rate: 0, wastedBytes: 0 });
      await Promise.all([download.cancel(), download.suspend(), download.pause()]);
      download.resume();
      download.addSource(ann.source());
      await world.pass(10);
      expect(ends).toBe(1);
      expect(phases(bob)).toEqual(["fetching", "finishing", "complete"]);
      expect(isWhole(bob, file)).toBe(true);
    }),
  );

  test(
    "asks for its grant while its file is opened",
    inWorld(async (world) => {
      const file = content(2);
      const ann = await seed(world, file);
      const opened = Promise.withResolvers<void>();
      const bob = await world.machine("bob", {
        opening: (open) => async (target, progress, signal) => {
          await opened.promise;
          return await open(target, progress, signal);
        },
      });
      const download = bob.fetch(file, [ann]);
      expect([phase(download), bob.grantsAsked]).toEqual(["opening", 1]);
      opened.resolve();
      expect(await world.outcome(download.ended)).toBe("complete");
    }),
  );

  test(
    "of an empty file needs no source",
    inWorld(async (world) => {
      const bob = await world.machine("bob");
      const download = bob.fetch(content(0), []);
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(bob.storage.placed.get(PATH)).toEqual(new Uint8Array(0));
    }),
  );

  test(
    "of what is at its path already is complete at once, and offered",
    inWorld(async (world) => {
      const file = content(3.25);
      const bob = await world.machine("bob");
      bob.storage.placed.set(PATH, file.bytes);
      const download = bob.fetch(file, []);
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(phases(bob)).toEqual(["complete"]);
      expect(download.snapshot()).toMatchObject({ doneBytes: file.bytes.length });
      const cid = await world.machine("cid");
      expect(await world.outcome(cid.fetch(file, [bob]).ended)).toBe("complete");
    }),
  );

  test(
    "is refused where another file lies, and that file stays",
    inWorld(async (world) => {
      const bob = await world.machine("bob");
      const other = Uint8Array.of(1, 2, 3);
      bob.storage.placed.set(PATH, other);
      const download = bob.fetch(content(2), []);
      expect(await world.outcome(download.ended)).toBe("failed");
      expect(download.snapshot().phase).toMatchObject({ kind: "failed", failure: { code: "file-exists" } });
      expect(bob.storage.placed.get(PATH)).toBe(other);
    }),
  );

  test(
    "fails if another file takes its place meanwhile; that one stays, and what was fetched is kept",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await seed(world, file);
      const bob = await world.machine("bob");
      const download = bob.fetch(file, [ann]);
      await world.until(() => done(download) > 0);
      const other = Uint8Array.of(1, 2, 3);
      bob.storage.placed.set(PATH, other);
      expect(await world.outcome(download.ended)).toBe("failed");
      expect(download.snapshot().phase).toMatchObject({ kind: "failed", failure: { code: "file-exists" } });
      expect(bob.storage.placed.get(PATH)).toBe(other);
      expect(bob.storage.isLeft(PATH)).toBe(true);
      bob.storage.placed.delete(PATH);
      expect(await world.outcome(bob.fetch(file, []).ended)).toBe("complete");
      expect(isWhole(bob, file)).toBe(true);
    }),
  );

  test(
    "whose whole SHA-1 is not the one announced fails as corrupt, and nothing of it is kept",
    inWorld(async (world) => {
      const { bytes, manifest } = content(3.25);
      const lie = Manifest.make(bytes.length, "0".repeat(40) as Sha1, manifest.rows);
      const ann = await seed(world, { bytes, manifest: lie });
      const bob = await world.machine("bob");
      const download = bob.fetch({ bytes, manifest: lie }, [ann]);
      expect(await world.outcome(download.ended)).toBe("failed");
      expect(download.snapshot().phase).toMatchObject({ kind: "failed", failure: { code: "corrupt" } });
      expect(bob.storage.isLeft(PATH)).toBe(false);
      expect(bob.storage.placed.has(PATH)).toBe(false);
      const cid = await world.machine("cid");
      cid.fetch({ bytes, manifest: lie }, [bob]);
      await world.pass(100);
    }),
  );

  test(
    "goes to the disk while the whole is verified, and is not thrown away before the disk has ended",
    inWorld(async (world) => {
      const { bytes, manifest } = content(3.25);
      const lie = Manifest.make(bytes.length, "0".repeat(40) as Sha1, manifest.rows);
      const ann = await seed(world, { bytes, manifest: lie });
      const order: string[] = [];
      const prepared = Promise.withResolvers<void>();
      const bob = await world.machine("bob", {
        opening: openingWith((real) => ({
          prepare: async () => {
            order.push("to the disk");
            await prepared.promise;
            order.push("on the disk");
          },
          discard: async () => {
            order.push("thrown away");
            await real.discard();
          },
        })),
      });
      const download = bob.fetch({ bytes, manifest: lie }, [ann]);
      await world.until(() => order.length > 0);
      await world.pass(100);
      expect([phase(download), order]).toEqual(["finishing", ["to the disk"]]);
      prepared.resolve();
      expect(await world.outcome(download.ended)).toBe("failed");
      expect(order).toEqual(["to the disk", "on the disk", "thrown away"]);
    }),
  );

  test(
    "that the disk does not finish fails with its reason, and what was fetched is kept",
    inWorld(async (world) => {
      const file = content(2);
      const ann = await seed(world, file);
      const place = async () => {
        throw new Failure("disk-error", "input/output error");
      };
      const bob = await world.machine("bob", { opening: openingWith(() => ({ place })) });
      const download = bob.fetch(file, [ann]);
      expect(await world.outcome(download.ended)).toBe("failed");
      expect(download.snapshot().phase).toMatchObject({
        kind: "failed",
        failure: { message: "input/output error" },
      });
      expect(bob.storage.isLeft(PATH)).toBe(true);
      expect(bob.storage.placed.has(PATH)).toBe(false);
    }),
  );

  test(
    "that was placed is complete, even if its descriptor does not close well",
    inWorld(async (world) => {
      const file = content(2);
      const ann = await seed(world, file);
      const close = async () => {
        throw new Failure("disk-error", "input/output error");
      };
      const bob = await world.machine("bob", { opening: openingWith(() => ({ close })) });
      const download = bob.fetch(file, [ann]);
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(phase(download)).toBe("complete");
    }),
  );
});

describe("what is offered meanwhile", () => {
  test(
    "every verified piece, to others who fetch it, while it is paused too",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await seed(world, file);
      const bob = await world.machine("bob");
      const ofBob = bob.fetch(file, [ann]);
      await world.until(() => done(ofBob) >= 3 * PIECE_BYTES);
      await ofBob.pause();
      await world.pass(20);
      const held = done(ofBob);
      expect(held).toBeLessThan(8 * PIECE_BYTES);
      world.network.sever(ann.fingerprint, bob.fingerprint);
      const cid = await world.machine("cid");
      const ofCid = cid.fetch(file, []);
      ofCid.addSource(bob.source(false));
      await world.until(() => done(ofCid) === held);
      await world.pass(100);
      expect(done(ofCid)).toBe(held);
      // What bob gets from now on he tells those who are connected.
      world.network.heal(ann.fingerprint, bob.fingerprint);
      ofBob.addSource(ann.source());
      ofBob.resume();
      expect(await world.outcome(ofBob.ended)).toBe("complete");
      expect(await world.outcome(ofCid.ended)).toBe("complete");
      expect(isWhole(cid, file)).toBe(true);
      expect(ofCid.snapshot().sources).toHaveLength(1);
    }),
  );

  test(
    "the whole file once it is complete, from its place",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await seed(world, file);
      const bob = await world.machine("bob");
      await world.outcome(bob.fetch(file, [ann]).ended);
      await ann.engine.close();
      const cid = await world.machine("cid");
      expect(await world.outcome(cid.fetch(file, [bob]).ended)).toBe("complete");
      expect(isWhole(cid, file)).toBe(true);
    }),
  );

  test(
    "an own share of the same file goes on whole, whatever becomes of a download of it",
    inWorld(async (world) => {
      const file = content(8);
      const bob = await seed(world, file, "bob");
      const again = bob.fetch(file, [], "/second");
      await world.pass(5);
      const cid = await world.machine("cid");
      const dan = await world.machine("dan");
      expect(await world.outcome(cid.fetch(file, [bob]).ended)).toBe("complete");
      await again.cancel();
      expect(await world.outcome(dan.fetch(file, [bob]).ended)).toBe("complete");
    }),
  );
});

describe("pause and resume", () => {
  test(
    "stop and go on, and nothing is fetched twice",
    inWorld(async (world) => {
      const file = content(24);
      const ann = await seed(world, file);
      const bob = await world.machine("bob");
      const download = bob.fetch(file, [ann]);
      await world.until(() => done(download) >= 3 * PIECE_BYTES);
      await download.pause();
      await download.pause();
      await world.pass(second, 10);
      const held = done(download);
      await world.pass(10 * second, 100);
      expect(done(download)).toBe(held);
      download.resume();
      download.resume();
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(phases(bob)).toEqual(["fetching", "paused", "fetching", "finishing", "complete"]);
    }),
  );

  test(
    "while it is opened count when it is open",
    inWorld(async (world) => {
      const file = content(2);
      const ann = await seed(world, file);
      for (let turns = 0; turns < 8; turns++) {
        const bob = await world.machine(`bob${turns}`);
        const download = bob.fetch(file, []);
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        await download.pause();
        download.addSource(ann.source());
        await world.pass(100);
        expect(phase(download)).toBe("paused");
        expect(done(download)).toBe(0);
        download.resume();
        expect(await world.outcome(download.ended)).toBe("complete");
      }
    }),
  );

  test(
    "a source that is learned at any moment of the opening is asked",
    inWorld(async (world) => {
      const file = content(2);
      const ann = await seed(world, file);
      for (let turns = 0; turns < 8; turns++) {
        const bob = await world.machine(`bob${turns}`);
        const download = bob.fetch(file, []);
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        download.addSource(ann.source());
        expect(await world.outcome(download.ended)).toBe("complete");
      }
    }),
  );

  test(
    "a paused download is paused again when the last run left it so",
    inWorld(async (world) => {
      const bob = await world.machine("bob");
      const download = bob.fetch(content(2), []);
      await download.pause();
      expect(phases(bob)).toEqual(["paused"]);
      download.resume();
      expect(phases(bob)).toEqual(["paused", "opening"]);
      await world.pass(5);
      expect(phases(bob)).toEqual(["paused", "opening", "fetching"]);
    }),
  );

  test(
    "do not touch one that is finishing",
    inWorld(async (world) => {
      const file = content(2);
      const ann = await seed(world, file);
      const placing = Promise.withResolvers<void>();
      const bob = await world.machine("bob", {
        opening: openingWith((real) => ({ place: () => placing.promise.then(() => real.place()) })),
      });
      const download = bob.fetch(file, [ann]);
      let askedWhenDone = false;
      await world.until(() => {
        if (done(download) === file.bytes.length && !askedWhenDone) {
          askedWhenDone = true;
          void download.pause();
        }
        return phase(download) === "finishing";
      });
      await download.pause();
      download.resume();
      await world.pass(10);
      expect(phase(download)).toBe("finishing");
      placing.resolve();
      expect(await world.outcome(download.ended)).toBe("complete");
    }),
  );
});

describe("a full disk", () => {
  const full = { write: () => new Failure("disk-full", "the disk is full") };

  test(
    "makes it wait with the reason, and it goes on by itself when there is room",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await seed(world, file);
      const bob = await world.machine("bob");
      bob.storage.faults = full;
      const download = bob.fetch(file, [ann]);
      await world.pass(2 * DISK_RETRY_MS, 10);
      expect(download.snapshot().phase).toMatchObject({
        kind: "disk-wait",
        failure: { message: "the disk is full" },
      });
      bob.storage.faults = {};
      expect(await world.outcome(download.ended, 2 * DISK_RETRY_MS, 10)).toBe("complete");
      expect(phases(bob)).toEqual(["fetching", "disk-wait", "fetching", "finishing", "complete"]);
      expect(isWhole(bob, file)).toBe(true);
    }),
  );

  test(
    "is still told after pause and resume, and pause is pause however full the disk",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await seed(world, file);
      const bob = await world.machine("bob");
      bob.storage.faults = full;
      const download = bob.fetch(file, [ann]);
      await world.until(() => phase(download) === "disk-wait", second);
      await download.pause();
      expect(phase(download)).toBe("paused");
      await world.pass(3 * DISK_RETRY_MS, 10);
      expect(phase(download)).toBe("paused");
      download.resume();
      expect(phase(download)).toBe("disk-wait");
      await world.pass(3 * DISK_RETRY_MS, 10);
      expect(phase(download)).toBe("disk-wait");
      bob.storage.faults = {};
      expect(await world.outcome(download.ended, 3 * DISK_RETRY_MS, 10)).toBe("complete");
    }),
  );

  test(
    "met by the last writes of a pause leaves it paused",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await seed(world, file);
      const bob = await world.machine("bob", { delivery: "manual" });
      const download = bob.fetch(file, [ann]);
      await world.until(() => bob.storage.pending >= 2);
      await download.pause();
      bob.storage.faults = full;
      await bob.storage.deliver();
      await world.pass(10);
      expect(phase(download)).toBe("paused");
    }),
  );
});

describe("cancel", () => {
  /** How to bring a download into a state in which it is cancelled. */
  const moments: readonly (readonly [
    when: string,
    reach: (world: TransferWorld, bob: Machine, download: Download) => Promise<void>,
  ])[] = [
    ["at once", async () => {}],
    ["while it is opened", async () => void (await Promise.resolve())],
    ["while it fetches", (world, _bob, download) => world.until(() => done(download) > 0)],
    [
      "while it is paused",
      async (world, _bob, download) => {
        await world.until(() => done(download) > 0);
        await download.pause();
        await world.pass(20);
      },
    ],
    [
      "while the disk is full",
      async (world, bob, download) => {
        bob.storage.faults = { write: () => new Failure("disk-full", "no room") };
        await world.until(() => phase(download) === "disk-wait");
      },
    ],
    ["while it finishes", (world, _bob, download) => world.until(() => phase(download) === "finishing")],
  ];
  for (const [when, reach] of moments) {
    test(
      `${when} removes what was there, and nothing of it is offered or asked for any more`,
      inWorld(async (world) => {
        const file = content(24);
        const ann = await seed(world, file);
        // It never gets beyond the whole file's hash.
        const never = new Promise<void>(() => {});
        const bob = await world.machine("bob", {
          opening: openingWith(() => ({ place: () => never })),
          hashing: when === "while it finishes" ? "stuck" : "working",
        });
        const download = bob.fetch(file, [ann]);
        await reach(world, bob, download);
        await world.outcome(download.cancel());
        expect(await world.outcome(download.ended)).toBe("ended");
        expect(bob.storage.isLeft(PATH)).toBe(false);
        expect(bob.storage.placed.has(PATH)).toBe(false);
        const told = bob.phases.length;
        await download.pause();
        download.resume();
        download.addSource(ann.source());
        await world.pass(10 * second, 100);
        expect(bob.phases).toHaveLength(told);
        const cid = await world.machine("cid");
        const ofCid = cid.fetch(file, [bob]);
        await world.pass(50);
        expect(ofCid.snapshot().sources[0]?.trouble).toBe("the file is not shared here");
      }),
    );
  }

  test(
    "is stronger than suspend, in either order",
    inWorld(async (world) => {
      const file = content(24);
      const ann = await seed(world, file);
      const bob = await world.machine("bob");
      for (const order of [["suspend", "cancel"] as const, ["cancel", "suspend"] as const]) {
        const download = bob.fetch(file, [ann]);
        await world.until(() => done(download) > 0);
        await world.outcome(Promise.all(order.map((how) => download[how]())));
        expect(await download.ended).toBe("ended");
        expect(bob.storage.isLeft(PATH)).toBe(false);
      }
    }),
  );

  test(
    "while the file is being placed comes too late: it is complete",
    inWorld(async (world) => {
      const file = content(2);
      const ann = await seed(world, file);
      const placing = Promise.withResolvers<void>();
      const bob = await world.machine("bob", {
        opening: openingWith((real) => ({
          place: async () => {
            await real.place();
            await placing.promise;
          },
        })),
      });
      const download = bob.fetch(file, [ann]);
      await world.until(() => bob.storage.placed.has(PATH));
      const cancelling = download.cancel();
      await world.pass(5);
      placing.resolve();
      await world.outcome(cancelling);
      expect(await download.ended).toBe("complete");
      expect(phase(download)).toBe("complete");
      expect(isWhole(bob, file)).toBe(true);
    }),
  );

  test(
    "that the disk refuses is told",
    inWorld(async (world) => {
      const file = content(24);
      const ann = await seed(world, file);
      const discard = async () => {
        throw new Failure("file-refused", "cannot remove it: permission denied");
      };
      const bob = await world.machine("bob", { opening: openingWith(() => ({ discard })), discard });
      const download = bob.fetch(file, [ann]);
      await world.until(() => done(download) > 0);
      await world.outcome(download.cancel());
      expect(await download.ended).toBe("ended");
      expect(bob.notices).toEqual(["cannot remove it: permission denied"]);
    }),
  );
});

describe("suspend", () => {
  test(
    "keeps what is there, and the next run fetches the rest only",
    inWorld(async (world) => {
      const file = content(24);
      const ann = await seed(world, file);
      const bob = await world.machine("bob");
      const first = bob.fetch(file, [ann]);
      await world.until(() => done(first) >= 5 * PIECE_BYTES);
      await world.outcome(Promise.all([first.suspend(), first.suspend()]));
      expect(await first.ended).toBe("ended");
      const held = done(first);
      expect(held).toBeLessThan(file.bytes.length);
      expect(bob.storage.isLeft(PATH)).toBe(true);
      await bob.engine.close();
      let reads = 0;
      ann.storage.faults = {
        read: () => {
          reads++;
          return undefined;
        },
      };
      const again = await world.machine("bob", { storage: bob.storage });
      const second = again.fetch(file, [ann]);
      await world.until(() => phase(second) === "fetching");
      expect(done(second)).toBeGreaterThanOrEqual(held);
      expect(await world.outcome(second.ended)).toBe("complete");
      expect(reads).toBe((file.bytes.length - held) / PIECE_BYTES);
      expect(isWhole(again, file)).toBe(true);
    }),
  );

  test(
    "records the pieces that were being written",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await seed(world, file);
      const bob = await world.machine("bob", { delivery: "manual" });
      const download = bob.fetch(file, [ann]);
      await world.until(() => bob.storage.pending >= 2);
      const suspending = download.suspend();
      for (let turn = 0; turn < 5; turn++) {
        await bob.storage.deliver();
        await world.pass(1);
      }
      await world.outcome(suspending);
      const held = done(download);
      expect(held).toBeGreaterThan(0);
      const again = bob.fetch(file, []);
      await world.until(() => phase(again) === "fetching");
      expect(done(again)).toBe(held);
    }),
  );

  test(
    "while it is opened leaves things as they were",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await seed(world, file);
      for (let turns = 0; turns < 8; turns++) {
        const bob = await world.machine(`bob${turns}`);
        const download = bob.fetch(file, [ann]);
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        await world.outcome(download.suspend());
        expect(await download.ended).toBe("ended");
        expect(bob.storage.placed.has(PATH)).toBe(false);
      }
    }),
  );

  test(
    "in any moment after the last piece leaves the file complete or as it was",
    inWorld(async (world) => {
      const file = content(1);
      const ann = await seed(world, file);
      const outcomes = new Set<string>();
      for (let turns = 0; turns < 30; turns++) {
        const suspended = Promise.withResolvers<void>();
        const suspendLater = async () => {
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          suspended.resolve(download.suspend());
        };
        const bob = await world.machine(`bob${turns}`, {
          opening: openingWith((real) => ({
            recordWritten: async (piece) => {
              await real.recordWritten(piece);
              void suspendLater();
            },
          })),
        });
        const download: Download = bob.fetch(file, [ann]);
        const outcome = await world.outcome(download.ended);
        await world.outcome(suspended.promise);
        outcomes.add(String(outcome));
        expect(isWhole(bob, file)).toBe(outcome === "complete");
        expect(bob.storage.isLeft(PATH)).toBe(outcome === "ended");
      }
      expect([...outcomes].sort()).toEqual(["complete", "ended"]);
    }),
  );

  test(
    "while it finishes does not wait for the whole file to be hashed",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await seed(world, file);
      const bob = await world.machine("bob", { hashing: "stuck" });
      const download = bob.fetch(file, [ann]);
      await world.until(() => phase(download) === "finishing");
      await world.outcome(download.suspend(), 50);
      expect(await download.ended).toBe("ended");
      expect(bob.storage.isLeft(PATH)).toBe(true);
    }),
  );

  test(
    "while the file is being placed offers nothing any more",
    inWorld(async (world) => {
      const file = content(2);
      const ann = await seed(world, file);
      const placing = Promise.withResolvers<void>();
      const bob = await world.machine("bob", {
        opening: openingWith((real) => ({ place: () => placing.promise.then(() => real.place()) })),
      });
      const download = bob.fetch(file, [ann]);
      await world.until(() => phase(download) === "finishing");
      await world.pass(5);
      const leaving = bob.engine.quiesce();
      placing.resolve();
      await world.outcome(leaving);
      expect(await download.ended).toBe("complete");
      const cid = await world.machine("cid");
      const ofCid = cid.fetch(file, [bob]);
      await world.pass(50);
      expect(ofCid.snapshot().sources[0]?.trouble).toBe("the file is not shared here");
    }),
  );
});

test(
  "pieces that an earlier run left and that are no longer right are not served",
  inWorld(async (world) => {
    const file = content(24);
    const ann = await seed(world, file);
    const bob = await world.machine("bob");
    const first = bob.fetch(file, [ann]);
    await world.until(() => done(first) > 0);
    await world.outcome(first.suspend());
    const again = bob.fetch(file, []);
    await world.until(() => phase(again) === "fetching");
    expect(done(again)).toBeGreaterThan(0);
    bob.storage.faults = { read: () => "wrong" };
    const cid = await world.machine("cid");
    const ofCid = cid.fetch(file, []);
    ofCid.addSource(bob.source(false));
    await world.pass(second, 10);
    expect(ofCid.snapshot()).toMatchObject({ doneBytes: 0, wastedBytes: 0 });
    expect(ofCid.snapshot().sources[0]?.wrongPieces).toBe(0);
    bob.storage.faults = {};
    const dan = await world.machine("dan");
    const ofDan = dan.fetch(file, []);
    ofDan.addSource(bob.source(false));
    await world.until(() => done(ofDan) === done(again));
  }),
);
