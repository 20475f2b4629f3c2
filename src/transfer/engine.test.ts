import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import {
  GRANT_LIFETIME_MS,
  PIECE_BYTES,
  SOURCE_CHECK_MS,
  UPLOADS_AT_ONCE_MAX,
  WRONG_PIECES_MAX,
} from "../base/limits.ts";
import {
  type Content,
  content,
  gid,
  inWorld,
  type Machine,
  otherGid,
  type TransferWorld,
} from "../testing/transfer-world.ts";
import type { Download } from "./contract.ts";

const second = 1_000;
const minute = 60 * second;
const PATH = "/fetched";
const done = (download: Download) => download.snapshot().doneBytes;
const row = (download: Download, machine: Machine) =>
  download.snapshot().sources.find(({ source }) => source.fingerprint === machine.fingerprint);

async function machines(world: TransferWorld, ...names: string[]): Promise<Machine[]> {
  return await Promise.all(names.map((name) => world.machine(name)));
}

function isWhole({ storage }: Machine, { bytes }: Content, path = PATH): boolean {
  const found = storage.placed.get(path);
  return found !== undefined && Buffer.compare(found, bytes) === 0;
}

/** Three that are there, for tests that need no more. */
async function three(world: TransferWorld): Promise<[Machine, Machine, Machine]> {
  return [await world.machine("ann"), await world.machine("bob"), await world.machine("cid")];
}

describe("a group of machines", () => {
  test(
    "a download takes from several at once, and each gives its share",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, bob, cid] = await three(world);
      ann.share(file);
      bob.share(file);
      const download = cid.fetch(file, [ann, bob]);
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(isWhole(cid, file)).toBe(true);
      for (const machine of [ann, bob])
        expect(row(download, machine)?.verifiedBytes).toBeGreaterThan(5 * PIECE_BYTES);
    }),
  );

  test(
    "two who fetch from one fetch from each other too, and the one need not send everything twice",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, bob, cid] = await three(world);
      let sent = 0;
      ann.storage.faults = {
        read: () => {
          sent++;
          return undefined;
        },
      };
      ann.share(file);
      const downloads = [bob.fetch(file, [ann]), cid.fetch(file, [ann])];
      downloads[0]?.addSource(cid.source(false));
      downloads[1]?.addSource(bob.source(false));
      for (const download of downloads) expect(await world.outcome(download.ended)).toBe("complete");
      expect(isWhole(bob, file) && isWhole(cid, file)).toBe(true);
      expect(sent).toBeLessThan(70);
    }),
  );

  test(
    "many fetch the same file from each other, however the bytes are cut on their way",
    inWorld(async (world) => {
      const file = content(8.5);
      const [first, ...others] = await machines(world, "ann", "bob", "cid", "dan");
      first?.share(file);
      const downloads = others.map((machine) => machine.fetch(file, first === undefined ? [] : [first]));
      for (const [at, download] of downloads.entries())
        for (const [other, machine] of others.entries())
          if (other !== at) download.addSource(machine.source(false));
      for (const download of downloads) expect(await world.outcome(download.ended)).toBe("complete");
      for (const machine of others) expect(isWhole(machine, file)).toBe(true);
    }, 23),
  );

  test(
    "one that sends wrong pieces is dropped with its count, and the file is right",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, eve, cid] = await three(world);
      ann.share(file);
      eve.shareWrong(file);
      const download = cid.fetch(file, [ann, eve]);
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(isWhole(cid, file)).toBe(true);
      expect(row(download, eve)).toMatchObject({ state: "dropped", verifiedBytes: 0 });
      expect(row(download, eve)?.wrongPieces).toBeGreaterThanOrEqual(WRONG_PIECES_MAX);
      expect(row(download, ann)?.wrongPieces).toBe(0);
    }),
  );

  test(
    "both ways at once: each fetches from the other what it has not",
    inWorld(async (world) => {
      const [ann, bob] = await three(world);
      const [mine, yours] = [content(24), content(8)];
      ann.share(mine);
      bob.share(yours);
      const downloads = [ann.fetch(yours, [bob]), bob.fetch(mine, [ann])];
      for (const download of downloads) expect(await world.outcome(download.ended)).toBe("complete");
      expect(isWhole(ann, yours) && isWhole(bob, mine)).toBe(true);
    }),
  );
});

describe("sources that come and go", () => {
  test(
    "one lost in the middle, and then all: the download waits and goes on where it was",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, bob, cid] = await three(world);
      ann.share(file);
      bob.share(file);
      const download = cid.fetch(file, [ann, bob]);
      await world.until(() => done(download) >= 4 * PIECE_BYTES);
      world.network.sever(ann.fingerprint, cid.fingerprint);
      await world.until(() => done(download) >= 12 * PIECE_BYTES);
      await bob.engine.close();
      await world.pass(30 * second, 100);
      const held = done(download);
      expect(held).toBeLessThan(file.bytes.length);
      expect(download.snapshot().phase.kind).toBe("fetching");
      world.network.heal(ann.fingerprint, cid.fingerprint);
      download.addSource(ann.source());
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(isWhole(cid, file)).toBe(true);
    }),
  );

  test(
    "one that withdraws the file is left, and asked again when it offers it anew",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, , cid] = await three(world);
      const offer = ann.share(file);
      const download = cid.fetch(file, [ann]);
      await world.until(() => done(download) >= 4 * PIECE_BYTES);
      ann.engine.withdraw(gid, file.manifest.summary.fileId);
      await world.pass(20);
      const held = done(download);
      expect(row(download, ann)?.trouble).toBe("the file is no longer shared here");
      await world.pass(10 * second, 100);
      expect(done(download)).toBe(held);
      ann.engine.offer(offer);
      download.addSource(ann.source());
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(isWhole(cid, file)).toBe(true);
    }),
  );

  test(
    "one that comes back with another run goes on serving without the whole file being asked again",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, , cid] = await three(world);
      ann.share(file);
      const download = cid.fetch(file, [ann]);
      await world.until(() => done(download) >= 4 * PIECE_BYTES);
      await world.outcome(ann.engine.close());
      await world.pass(20);
      const held = done(download);
      let reads = 0;
      const again = await world.machine("ann", { storage: ann.storage });
      ann.storage.faults = {
        read: () => {
          reads++;
          return undefined;
        },
      };
      again.share(file);
      download.addSource(again.source());
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(reads).toBe((file.bytes.length - held) / PIECE_BYTES);
    }),
  );
});

describe("a revocation", () => {
  test(
    "in the middle of a download: no more bytes, and the reason is told; a member again, it goes on",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, , cid] = await three(world);
      ann.share(file);
      const download = cid.fetch(file, [ann]);
      await world.until(() => done(download) >= 4 * PIECE_BYTES);
      ann.engine.revoke(gid, cid.uid);
      const refusal = new Failure("not-member", "you are no member of the group");
      cid.grantFailure = refusal;
      await world.pass(10);
      const held = done(download);
      expect(held).toBeLessThan(file.bytes.length);
      await world.pass(60 * second, 50);
      expect(done(download)).toBe(held);
      expect(row(download, ann)?.trouble).toBe(refusal.message);
      cid.grantFailure = undefined;
      download.addSource(ann.source());
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(isWhole(cid, file)).toBe(true);
    }),
  );

  test(
    "of one leaves the others alone",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, bob, cid] = await three(world);
      ann.share(file);
      const [kept, cut] = [bob.fetch(file, [ann]), cid.fetch(file, [ann])];
      await world.until(() => done(cut) > 0);
      ann.engine.revoke(gid, cid.uid);
      ann.engine.revoke(otherGid, bob.uid);
      expect(await world.outcome(kept.ended)).toBe("complete");
      expect(row(kept, ann)).toMatchObject({ wrongPieces: 0 });
      expect(done(cut)).toBeLessThan(file.bytes.length);
    }),
  );

  test(
    "cuts pieces of an unfinished download off, too",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, bob, cid] = await three(world);
      ann.share(file);
      const ofBob = bob.fetch(file, [ann]);
      await world.until(() => done(ofBob) >= 8 * PIECE_BYTES);
      await ofBob.pause();
      const ofCid = cid.fetch(file, []);
      ofCid.addSource(bob.source(false));
      await world.until(() => done(ofCid) > 0);
      bob.engine.revoke(gid, cid.uid);
      await world.pass(10);
      const held = done(ofCid);
      cid.grantFailure = new Failure("not-member", "no");
      ofBob.resume();
      await world.outcome(ofBob.ended);
      await world.pass(second, 10);
      expect(done(ofCid)).toBe(held);
    }),
  );
});

test(
  "a download that takes longer than a grant lasts is never cut",
  inWorld(async (world) => {
    const file = content(24);
    const ann = await world.machine("ann", { delivery: "manual" });
    const cid = await world.machine("cid");
    ann.share(file);
    const download = cid.fetch(file, [ann]);
    const troubles = new Set<string | undefined>();
    for (let turn = 0; done(download) < file.bytes.length && turn < 100; turn++) {
      await world.pass(20 * second, second);
      await ann.storage.deliver(1);
      await world.pass(5);
      troubles.add(row(download, ann)?.trouble);
    }
    expect(world.clock.monotonicMs()).toBeGreaterThan(GRANT_LIFETIME_MS);
    expect(cid.grantsAsked).toBeGreaterThan(1);
    expect(await world.outcome(download.ended)).toBe("complete");
    expect([...troubles].filter((trouble) => trouble?.includes("grant"))).toEqual([]);
  }),
);

describe("cut off from the trackers", () => {
  for (const wrongByMs of [-10 * minute, 0, 10 * minute]) {
    const which = wrongByMs === 0 ? "right" : `wrong by ${wrongByMs / minute} minutes`;

    test(
      `a seeder whose clock is ${which} serves a former member until its grant ends, and no longer`,
      inWorld(async (world) => {
        // A piece a second: more than come until a minute after the grant has ended.
        const file = content(400);
        const ann = await world.machine("ann", { delivery: "manual", trackersAheadMs: wrongByMs });
        const cid = await world.machine("cid");
        ann.share(file);
        const download = cid.fetch(file, [ann]);
        let servedMs = 0;
        let before = 0;
        // No tracker gives another grant, and nobody tells the seeder of the removal.
        await world.pass(10);
        cid.grantFailure = new Failure("not-member", "no longer a member");
        for (let passedMs = 0; passedMs < 2 * GRANT_LIFETIME_MS; passedMs += second) {
          await world.pass(second - 5, second);
          await ann.storage.deliver(1);
          await world.pass(5);
          if (done(download) > before) servedMs = world.clock.monotonicMs();
          before = done(download);
        }
        expect(servedMs).toBeGreaterThan(GRANT_LIFETIME_MS - 10 * second);
        expect(servedMs).toBeLessThanOrEqual(GRANT_LIFETIME_MS + minute);
        expect(ann.engine.refusals().get("ended")).toBe(1);
        await download.cancel();
      }),
    );
  }
});

describe("buffers", () => {
  /** Pieces that the downloads of a machine are waiting for, of sources that read and send nothing. */
  const awaited = (sources: readonly Machine[]) =>
    sources.reduce((sum, { storage }) => sum + storage.pending, 0);

  test(
    "are shared out between the downloads that run, and all are one's when it is alone",
    inWorld(async (world) => {
      const [first, second] = [content(40), content(24)];
      const seeders: Machine[] = [];
      for (const name of ["ann", "bob", "cid", "dan", "eve", "fay"]) {
        const machine = await world.machine(name, { delivery: "manual" });
        seeders.push(machine);
        machine.share(first, { path: "/first" });
        machine.share(second, { path: "/second" });
      }
      const machine = await world.machine("gus", { downloadBuffers: 8 });
      const downloads = [
        machine.fetch(first, seeders, "/got-first"),
        machine.fetch(second, seeders, "/got-second"),
      ];
      // A seeder begins few at once until they arrive or are late.
      await world.until(() => awaited(seeders) === 8);
      await downloads[1]?.suspend();
      await world.pass(20);
      for (const { storage } of seeders) await storage.deliver();
      await world.until(() => awaited(seeders) === 8);
      await downloads[0]?.suspend();
    }),
  );

  test(
    "a disk that is slow to write slows down who sends: no more is asked for than the buffers hold",
    inWorld(async (world) => {
      const buffers = 4;
      const file = content(24);
      const ann = await world.machine("ann");
      ann.share(file);
      let sent = 0;
      ann.storage.faults = {
        read: (count) => {
          sent = count;
          return undefined;
        },
      };
      const cid = await world.machine("cid", { downloadBuffers: buffers, delivery: "manual" });
      const download = cid.fetch(file, [ann]);
      const { slots } = cid.storage.workers;
      // Two steps bring one piece to the disk: verified, then written.
      for (let written = 0; download.snapshot().phase.kind !== "complete"; written++) {
        await world.pass(2 * second, 50);
        expect(slots.capacity - slots.free).toBeLessThanOrEqual(buffers);
        expect(sent).toBeLessThanOrEqual(written + buffers);
        await cid.storage.deliver(1);
      }
      expect(isWhole(cid, file)).toBe(true);
    }),
  );

  test(
    "a small pool still lets one piece at a time through",
    inWorld(async (world) => {
      const file = content(3.25);
      const ann = await world.machine("ann");
      ann.share(file);
      const cid = await world.machine("cid", { downloadBuffers: 1 - UPLOADS_AT_ONCE_MAX });
      expect(await world.outcome(cid.fetch(file, [ann]).ended)).toBe("complete");
      expect(isWhole(cid, file)).toBe(true);
    }),
  );
});

describe("offers", () => {
  test(
    "of a group that this user has lost end at once for everybody, those of other groups go on",
    inWorld(async (world) => {
      const [first, second] = [content(40), content(24)];
      const [ann, bob, cid] = await three(world);
      ann.share(first, { path: "/first" });
      ann.engine.offer({ ...ann.share(second, { path: "/second" }), gid: otherGid });
      ann.engine.withdraw(gid, second.manifest.summary.fileId);
      const lost = bob.fetch(first, [ann]);
      const kept = cid.engine.download({
        gid: otherGid,
        manifest: second.manifest,
        path: PATH,
        base: "/",
        journalPath: "j",
      });
      kept.addSource(ann.source());
      await world.until(() => done(lost) > 0);
      ann.engine.withdrawGroup(gid);
      const before = done(lost);
      await world.until(() => row(lost, ann)?.trouble !== undefined);
      expect(row(lost, ann)?.trouble).toBe("the file is no longer shared here");
      expect(await world.outcome(kept.ended)).toBe("complete");
      // What had left was on its way.
      expect(done(lost)).toBeLessThan(before + 16 * PIECE_BYTES);
      await lost.cancel();
    }),
  );

  test(
    "a file that is not what it was is no longer offered, its owner is told once, and others go on",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, bob, cid] = await three(world);
      ann.share(file);
      bob.share(file);
      const download = cid.fetch(file, [ann, bob]);
      await world.until(() => done(download) > 0);
      ann.storage.placed.set("/shared", file.bytes.slice());
      world.clock.advance(SOURCE_CHECK_MS);
      expect(await world.outcome(download.ended)).toBe("complete");
      expect(ann.broken.map(({ code }) => code)).toEqual(["file-changed"]);
      const late = await world.machine("dan");
      const ofLate = late.fetch(file, [ann]);
      await world.pass(20);
      expect(row(ofLate, ann)?.trouble).toBe("the file is not shared here");
    }),
  );

  test(
    "one that was withdrawn or replaced while it was read is not called broken",
    inWorld(async (world) => {
      const file = content(8);
      const ann = await world.machine("ann", { delivery: "manual" });
      const cid = await world.machine("cid");
      ann.share(file);
      cid.fetch(file, [ann]);
      await world.until(() => ann.storage.pending > 0);
      ann.storage.faults = { read: () => new Failure("disk-error", "input/output error") };
      ann.engine.withdraw(gid, file.manifest.summary.fileId);
      await ann.storage.deliver();
      await world.pass(10);
      expect(ann.broken).toEqual([]);
    }),
  );

  test(
    "the same file offered twice is there once, from the later place",
    inWorld(async (world) => {
      const file = content(8);
      const [ann, , cid] = await three(world);
      ann.share(file, { path: "/first" });
      ann.share(file, { path: "/second" });
      ann.storage.placed.delete("/first");
      expect(await world.outcome(cid.fetch(file, [ann]).ended)).toBe("complete");
      expect(ann.broken).toEqual([]);
    }),
  );

  test(
    "withdrawing what is being downloaded leaves the download alone",
    inWorld(async (world) => {
      const file = content(8);
      const [ann, , cid] = await three(world);
      ann.share(file);
      const download = cid.fetch(file, [ann]);
      await world.until(() => done(download) > 0);
      cid.engine.withdraw(gid, file.manifest.summary.fileId);
      expect(await world.outcome(download.ended)).toBe("complete");
    }),
  );
});

describe("quiesce", () => {
  test(
    "stops all sharing and suspends all downloads; what is begun after it works",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, bob, cid] = await three(world);
      ann.share(file);
      const ofBob = bob.fetch(file, [ann]);
      await world.until(() => done(ofBob) >= 4 * PIECE_BYTES);
      const ofCid = cid.fetch(file, []);
      ofCid.addSource(bob.source(false));
      await world.until(() => done(ofCid) > 0);
      await world.outcome(Promise.all([bob.engine.quiesce(), bob.engine.quiesce()]));
      expect(await ofBob.ended).toBe("ended");
      expect(bob.storage.isLeft(PATH)).toBe(true);
      await world.pass(10);
      const held = done(ofCid);
      await world.pass(0.5 * second, 10);
      expect(done(ofCid)).toBe(held);
      expect(row(ofCid, bob)?.state).toBe("refused");
      const again = bob.fetch(file, [ann]);
      expect(await world.outcome(again.ended)).toBe("complete");
      ofCid.addSource(bob.source());
      expect(await world.outcome(ofCid.ended)).toBe("complete");
      await world.outcome(bob.engine.quiesce());
      const dan = await world.machine("dan");
      const ofDan = dan.fetch(file, [bob]);
      await world.pass(50);
      expect(row(ofDan, bob)?.trouble).toBe("the file is not shared here");
    }),
  );

  test(
    "of an engine that does nothing is done at once, and so is closing it twice",
    inWorld(async (world) => {
      const ann = await world.machine("ann");
      await ann.engine.quiesce();
      await ann.engine.close();
      await ann.engine.close();
    }),
  );
});

describe("a limit", () => {
  /** Rates in pieces: a slice of the receiving side is one. */
  const perSecond = (pieces: number) => pieces * PIECE_BYTES;

  test(
    "on what is sent is kept within 5 %, and shared evenly by those who fetch",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, bob, cid] = await three(world);
      ann.share(file);
      ann.engine.limit("up", perSecond(4));
      const downloads = [bob.fetch(file, [ann]), cid.fetch(file, [ann])] as const;
      await world.pass(8 * second, 5);
      const [ofBob, ofCid] = downloads.map(done) as [number, number];
      // What has come of pieces that are not whole is not counted as done.
      expect(ofBob + ofCid).toBeGreaterThan(perSecond(4) * 8 * 0.95 - 4 * PIECE_BYTES);
      expect(ofBob + ofCid).toBeLessThanOrEqual(perSecond(4) * 8 * 1.05);
      // However long it takes: one may be ahead by what `upload-slots` lets, and a piece under way.
      expect(Math.abs(ofBob - ofCid)).toBeLessThanOrEqual(5 * PIECE_BYTES);
      ann.engine.limit("up", undefined);
      for (const download of downloads)
        expect(await world.outcome(download.ended, 60 * second, 5)).toBe("complete");
    }),
  );

  test(
    "on what is received is kept within 5 %, and shared evenly by the downloads",
    inWorld(async (world) => {
      const files = [content(40), content(41)];
      const [ann, bob] = await three(world);
      for (const [index, file] of files.entries()) ann.share(file, { path: `/shared${index}` });
      bob.engine.limit("down", perSecond(4));
      const downloads = files.map((file, index) => bob.fetch(file, [ann], `/fetched${index}`));
      await world.pass(8 * second, 5);
      const [first, other] = downloads.map(done) as [number, number];
      expect(first + other).toBeGreaterThan(perSecond(4) * 8 * 0.95);
      expect(first + other).toBeLessThanOrEqual(perSecond(4) * 8 * 1.05);
      expect(Math.abs(first - other)).toBeLessThanOrEqual(2 * PIECE_BYTES);
      bob.engine.limit("down", undefined);
      for (const download of downloads)
        expect(await world.outcome(download.ended, 60 * second, 5)).toBe("complete");
    }),
  );

  test(
    "is set for a download that runs, tells what it is, and lets a download end",
    inWorld(async (world) => {
      const file = content(40);
      const [ann, bob] = await three(world);
      ann.share(file);
      bob.engine.limit("down", perSecond(1));
      const download = bob.fetch(file, [ann]);
      await world.pass(5 * second, 5);
      expect(done(download)).toBeLessThanOrEqual(perSecond(1) * 6);
      bob.engine.limit("down", perSecond(20));
      expect(bob.engine.limits()).toEqual({ up: undefined, down: perSecond(20) });
      expect(await world.outcome(download.ended, 3 * second, 5)).toBe("complete");
    }),
  );

  test(
    "does not count what a busy source refused",
    inWorld(async (world) => {
      const file = content(30);
      const [ann, bob] = await three(world);
      ann.share(file);
      bob.engine.limit("down", perSecond(10));
      const download = bob.fetch(file, [ann, ...(await machines(world, "dan", "eve"))]);
      expect(await world.outcome(download.ended, 4 * second, 5)).toBe("complete");
    }),
  );

  test(
    "on what is sent holds up no request: who uploads slowly downloads from the same machine at full speed",
    inWorld(async (world) => {
      const [given, wanted] = [content(60), content(61)];
      const [ann, bob] = await three(world);
      ann.share(given, { path: "/given" });
      bob.share(wanted, { path: "/wanted" });
      ann.engine.limit("up", perSecond(1));
      const slow = bob.fetch(given, [ann], "/slow");
      await world.pass(5 * second, 5);
      const fast = ann.fetch(wanted, [bob], "/fast");
      await world.pass(10 * second, 5);
      expect(done(slow)).toBeLessThanOrEqual(perSecond(1) * 15 * 1.05);
      expect(done(fast)).toBe(61 * PIECE_BYTES);
    }),
  );
});
