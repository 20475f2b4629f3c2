import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, truncateSync, utimesSync } from "node:fs";
import { open, readFile, symlink, truncate, writeFile } from "node:fs/promises";
import { AssertionError } from "../../base/assert.ts";
import { Failure } from "../../base/failure.ts";
import type { PieceIndex } from "../../base/ids.ts";
import { PIECE_BYTES, WORKER_START_BYTES } from "../../base/limits.ts";
import { Prng } from "../../base/prng.ts";
import { manifestOf } from "../../testing/sim-storage.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import type { Slot } from "./contract.ts";
import { HashPool } from "./hash-pool.ts";
import { PIECE_HASH_BYTES } from "./piece-hash.ts";

const pool = new HashPool({ workers: 2, buffers: 8 });
afterAll(() => pool.close());

const never = new AbortController().signal;
const ignore = () => {};
const piece = (index: number) => index as PieceIndex;

function randomBytes(length: number, seed = 1): Uint8Array {
  const prng = new Prng(seed);
  return new Uint8Array(
    Uint32Array.from({ length: Math.ceil(length / 4) }, () => prng.uint32()).buffer,
    0,
    length,
  );
}

async function withSlot<T>(use: (slot: Slot) => Promise<T>, of = pool): Promise<T> {
  const slot = of.slots.acquire() as Slot;
  try {
    return await use(slot);
  } finally {
    of.slots.release(slot);
  }
}

async function caught(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw new Error(`no Failure but ${error}`);
  return error;
}

describe("store and load", () => {
  const bytes = randomBytes(2 * PIECE_BYTES + 77);
  const manifest = manifestOf(bytes);

  test("bring pieces to their place, in any order, and back", async () => {
    await using folder = await TempFolder.make();
    await using file = await open(folder.join("part"), "w+");
    for (const index of [2, 0, 1]) {
      await withSlot(async (slot) => {
        slot.bytes.set(bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES));
        let verified = 0;
        const outcome = await pool.store(file.fd, manifest, piece(index), slot, () => verified++);
        expect(outcome).toEqual({ kind: "written" });
        expect(verified).toBe(1);
      });
    }
    expect(Buffer.compare(await readFile(folder.join("part")), bytes)).toBe(0);
    await withSlot(async (slot) => {
      expect(await pool.load(file.fd, manifest, piece(2), slot, true)).toBe(true);
      expect(slot.bytes.subarray(0, 77)).toEqual(bytes.subarray(2 * PIECE_BYTES));
    });
  });

  test("write nothing of a piece with a wrong hash", async () => {
    await using folder = await TempFolder.make();
    await using file = await open(folder.join("part"), "w+");
    let verified = 0;
    const outcome = await withSlot((slot) => {
      slot.bytes.fill(9);
      return pool.store(file.fd, manifest, piece(0), slot, () => verified++);
    });
    expect(outcome).toEqual({ kind: "rejected" });
    expect(verified).toBe(0);
    expect((await file.stat()).size).toBe(0);
  });

  test.if(existsSync("/dev/full"))("tell a full disk from other trouble", async () => {
    await using full = await open("/dev/full", "r+");
    const store = (file: number) =>
      withSlot((slot) => {
        slot.bytes.set(bytes.subarray(0, PIECE_BYTES));
        return pool.store(file, manifest, piece(0), slot, ignore);
      });
    const noRoom = await store(full.fd);
    const notOpen = await store(99_999);
    expect(noRoom.kind === "disk-failed" && noRoom.failure.code).toBe("disk-full");
    expect(notOpen.kind === "disk-failed" && notOpen.failure.code).toBe("disk-error");
  });

  test("throw if the disk cannot be read, and say no of a file that is too short", async () => {
    await using folder = await TempFolder.make();
    await using file = await open(folder.join("short"), "w+");
    await withSlot(async (slot) => {
      expect((await caught(pool.load(99_999, manifest, piece(0), slot, true))).code).toBe("disk-error");
      expect(await pool.load(file.fd, manifest, piece(0), slot, false)).toBe(false);
    });
  });

  test("refuse a slot that another job is using", async () => {
    await using folder = await TempFolder.make();
    await using file = await open(folder.join("part"), "w+");
    await withSlot(async (slot) => {
      const first = pool.load(file.fd, manifest, piece(0), slot, false);
      await expect(pool.load(file.fd, manifest, piece(1), slot, false)).rejects.toThrow(AssertionError);
      await first;
    });
  });

  test("let a descriptor be closed once all its jobs have ended, not before", async () => {
    await using folder = await TempFolder.make();
    await using file = await open(folder.join("part"), "w+");
    const ended: string[] = [];
    await withSlot((one) =>
      withSlot(async (two) => {
        one.bytes.set(bytes.subarray(0, PIECE_BYTES));
        two.bytes.set(bytes.subarray(PIECE_BYTES, 2 * PIECE_BYTES));
        const stores = [
          pool.store(file.fd, manifest, piece(0), one, () => ended.push("verified")),
          pool.store(file.fd, manifest, piece(1), two, () => ended.push("verified")),
        ];
        await pool.settled(file.fd).then(() => ended.push("settled"));
        await Promise.all(stores);
      }),
    );
    expect(ended).toEqual(["verified", "verified", "settled"]);
    await pool.settled(file.fd);
  });
});

describe("hashing a whole file", () => {
  test("gives the piece list and the SHA-1 of any size, with progress up to it", async () => {
    await using folder = await TempFolder.make();
    for (const size of [0, 1, PIECE_BYTES, 9 * PIECE_BYTES + 1]) {
      const bytes = randomBytes(size);
      await writeFile(folder.join("file"), bytes);
      await using file = await open(folder.join("file"));
      const progress: number[] = [];
      const manifest = await pool.hashFile(file.fd, size, (done) => progress.push(done), never);
      expect(manifest.summary).toEqual(manifestOf(bytes).summary);
      expect(progress).toEqual(progress.toSorted((left, right) => left - right));
      expect(progress.at(-1) ?? 0).toBe(size);
    }
  });

  test("goes on after the rows of an earlier run, which are not hashed again, and tells of the others in order", async () => {
    await using folder = await TempFolder.make();
    const bytes = randomBytes(21 * PIECE_BYTES + 1);
    await writeFile(folder.join("file"), bytes);
    await using file = await open(folder.join("file"));
    const rows = new Uint8Array(9 * PIECE_HASH_BYTES).fill(7);
    const told: Uint8Array[] = [];
    const progress: number[] = [];
    const add = (more: Uint8Array) => told.push(more.slice());
    const { rows: found, summary } = await pool.hashFile(
      file.fd,
      bytes.length,
      (done) => progress.push(done),
      never,
      { rows, add },
    );
    const right = manifestOf(bytes);
    expect(found.subarray(0, rows.length)).toEqual(rows);
    expect(found.subarray(rows.length)).toEqual(right.rows.subarray(rows.length));
    expect(summary.sha1).toBe(right.summary.sha1);
    expect(new Uint8Array(Buffer.concat(told))).toEqual(right.rows.slice(rows.length));
    expect(progress[0]).toBeGreaterThan(4 * PIECE_BYTES);
    expect(progress.at(-1)).toBe(bytes.length);
  });

  test("lets a piece of a running transfer through before it ends, with one worker too", async () => {
    await using folder = await TempFolder.make();
    const one = new HashPool({ workers: 1, buffers: 1 });
    const size = 100 * PIECE_BYTES;
    await using file = await open(folder.join("file"), "w+");
    await file.truncate(size);
    let hashed = 0;
    let hashedAtLoad = 0;
    const started = Promise.withResolvers<void>();
    const hashing = one.hashFile(
      file.fd,
      size,
      (done) => {
        hashed = done;
        started.resolve();
      },
      never,
    );
    await started.promise;
    await withSlot(async (slot) => {
      await one.load(file.fd, manifestOf(new Uint8Array(1)), piece(0), slot, false);
      hashedAtLoad = hashed;
    }, one);
    await hashing;
    expect(hashedAtLoad).toBeLessThan(size / 2);
    await one.close();
  });

  test("of several files goes one after the other, with progress for each", async () => {
    await using folder = await TempFolder.make();
    const one = new HashPool({ workers: 1, buffers: 1 });
    const contents = [1, 2, 3].map((seed) => randomBytes(20 * PIECE_BYTES + seed, seed));
    const steps: number[] = [];
    const hashes = contents.map(async (bytes, index) => {
      const path = folder.join(String(index));
      await writeFile(path, bytes);
      await using file = await open(path);
      return (await one.hashFile(file.fd, bytes.length, () => steps.push(index), never)).summary.sha1;
    });
    expect(await Promise.all(hashes)).toEqual(contents.map((bytes) => manifestOf(bytes).summary.sha1));
    const turns = steps.filter((step, at) => step !== steps[at - 1]);
    expect(turns.toSorted()).toEqual([0, 1, 2]);
    await one.close();
  });

  test("fails if the file has another size, becomes shorter, or is written to meanwhile", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("file");
    const size = 20 * PIECE_BYTES;
    const hashWhile = async (change: () => void) => {
      await writeFile(path, "");
      await truncate(path, size);
      await using file = await open(path);
      let isFirst = true;
      const changeOnce = () => {
        if (isFirst) change();
        isFirst = false;
      };
      return (await caught(pool.hashFile(file.fd, size, changeOnce, never))).code;
    };
    expect(await hashWhile(() => truncateSync(path, PIECE_BYTES))).toBe("file-changed");
    expect(await hashWhile(() => utimesSync(path, 1, 1))).toBe("file-changed");
    await using file = await open(path);
    expect((await caught(pool.hashFile(file.fd, size + 1, ignore, never))).code).toBe("file-changed");
  });

  test("stops when told to, and leaves no job behind", async () => {
    await using folder = await TempFolder.make();
    const size = 200 * PIECE_BYTES;
    await using file = await open(folder.join("file"), "w+");
    await file.truncate(size);
    const abort = new AbortController();
    let hashed = 0;
    const hashing = pool.hashFile(
      file.fd,
      size,
      (done) => {
        hashed = done;
        abort.abort(new Failure("try-later", "logged out"));
      },
      abort.signal,
    );
    expect((await caught(hashing)).message).toBe("logged out");
    expect(hashed).toBeLessThan(size);
    const notYet = new Promise((resolve) => setImmediate(resolve, "not yet"));
    const settled = await Promise.race([pool.settled(file.fd).then(() => "settled"), notYet]);
    expect(settled).toBe("settled");
    const aborted = AbortSignal.abort();
    expect((await caught(pool.hashFile(file.fd, size, ignore, aborted))).code).toBe("try-later");
  });
});

describe("a hash that follows a growing file", () => {
  test("gives the SHA-1 of what it was told to go over, however the calls fall", async () => {
    await using folder = await TempFolder.make();
    const bytes = randomBytes(11 * PIECE_BYTES + 5);
    await writeFile(folder.join("file"), bytes);
    await using file = await open(folder.join("file"));
    const prefix = pool.prefixHash(file.fd);
    const first = prefix.advance(3 * PIECE_BYTES);
    const second = prefix.advance(10 * PIECE_BYTES);
    await first;
    expect(prefix.hashedBytes).toBeGreaterThanOrEqual(3 * PIECE_BYTES);
    await second;
    expect(prefix.hashedBytes).toBe(10 * PIECE_BYTES);
    await prefix.advance(PIECE_BYTES);
    const last = prefix.advance(bytes.length);
    expect(await prefix.finish()).toBe(manifestOf(bytes).summary.sha1);
    await last;
  });

  test("of nothing is the SHA-1 of nothing", async () => {
    await using folder = await TempFolder.make();
    await using file = await open(folder.join("file"), "w+");
    expect(await pool.prefixHash(file.fd).finish()).toBe(manifestOf(new Uint8Array()).summary.sha1);
  });

  test("fails what waits when it is given up, and when the file ends too early", async () => {
    await using folder = await TempFolder.make();
    await using file = await open(folder.join("file"), "w+");
    await file.truncate(PIECE_BYTES);
    const given = pool.prefixHash(file.fd);
    const waiting = caught(given.advance(PIECE_BYTES));
    given.dispose();
    given.dispose();
    expect((await waiting).code).toBe("internal");
    const short = pool.prefixHash(file.fd);
    expect((await caught(short.advance(2 * PIECE_BYTES))).code).toBe("file-changed");
    expect((await caught(short.finish())).code).toBe("file-changed");
  });
});

test("a worker begins with its first job, not before", async () => {
  await using folder = await TempFolder.make();
  const entry = folder.join("worker.ts");
  const late = new HashPool({ workers: 1, buffers: 1, entry: Bun.pathToFileURL(entry) });
  await using file = await open(folder.join("file"), "w+");
  const load = (of: HashPool) =>
    withSlot((slot) => of.load(file.fd, manifestOf(new Uint8Array(1)), piece(0), slot, false), of);
  // One begun with the pool would have found nothing by now.
  await load(new HashPool({ workers: 1, buffers: 1 }));
  await writeFile(entry, "onmessage = ({ data: { id } }) => id && postMessage({ id, kind: 'loaded' });");
  expect(await load(late)).toBe(true);
  await late.close();
});

test("one worker does it all until more waits for it than a second one would take to begin", async () => {
  await using folder = await TempFolder.make();
  const [entry, begun] = [folder.join("worker.ts"), folder.join("begun")];
  await writeFile(
    entry,
    `require("node:fs").appendFileSync(${JSON.stringify(begun)}, "x");
     onmessage = ({ data: { id } }) => id && postMessage({ id, kind: "loaded" });`,
  );
  const many = 2 * (WORKER_START_BYTES / PIECE_BYTES);
  const of = new HashPool({ workers: 3, buffers: many, entry: Bun.pathToFileURL(entry) });
  const manifest = manifestOf(new Uint8Array(many * PIECE_BYTES));
  const load = (at: number) => withSlot((slot) => of.load(0, manifest, piece(at), slot, false), of);
  for (let at = 0; at < many; at++) await load(at);
  expect(await readFile(begun, "utf8")).toBe("x");
  await Promise.all(Array.from({ length: many }, (_, at) => load(at)));
  expect(await readFile(begun, "utf8")).toBe("xx");
  await of.close();
});

describe("the end", () => {
  const crashing = new URL(
    URL.createObjectURL(
      new Blob(["onmessage = ({ data }) => { if (data.id) throw new Error('as injected'); }"]),
    ),
  );

  test("of a worker fails its jobs, and all later ones when it was the last", async () => {
    await using folder = await TempFolder.make();
    await using file = await open(folder.join("file"), "w+");
    await file.truncate(PIECE_BYTES);
    const doomed = new HashPool({ workers: 1, buffers: 1, entry: crashing });
    const prefix = doomed.prefixHash(file.fd);
    const followed = caught(prefix.advance(10));
    const hashed = caught(doomed.hashFile(file.fd, PIECE_BYTES, ignore, never));
    const loaded = await withSlot((slot) => {
      return caught(doomed.load(file.fd, manifestOf(new Uint8Array(1)), piece(0), slot, false));
    }, doomed);
    expect([loaded.code, (await followed).code, (await hashed).code]).toEqual([
      "internal",
      "internal",
      "internal",
    ]);
    expect(loaded.message).toContain("hash worker");
    expect(() => doomed.prefixHash(file.fd)).toThrow(Failure);
    await doomed.settled(file.fd);
    await doomed.close();
  });

  test("of a pool lets running jobs end and refuses new ones", async () => {
    await using folder = await TempFolder.make();
    await using file = await open(folder.join("file"), "w+");
    await file.truncate(100 * PIECE_BYTES);
    const closing = new HashPool({ workers: 1, buffers: 1 });
    const hashing = caught(closing.hashFile(file.fd, 100 * PIECE_BYTES, ignore, never));
    const outcome = await withSlot(async (slot) => {
      const storing = closing.store(file.fd, manifestOf(new Uint8Array(3)), piece(0), slot, ignore);
      await closing.close();
      expect(
        await caught(closing.load(file.fd, manifestOf(new Uint8Array(3)), piece(0), slot, false)),
      ).toBeDefined();
      return storing;
    }, closing);
    expect(outcome).toEqual({ kind: "written" });
    expect((await hashing).code).toBe("try-later");
  });
});

describe("small files", () => {
  test("are hashed together as they would be alone, empty ones too", async () => {
    await using folder = await TempFolder.make();
    const contents = ["", "a", "bb".repeat(2_000), "c".repeat(PIECE_BYTES)];
    const paths = Array.from({ length: 40 }, (_, index) => folder.join(String(index)));
    for (const [index, path] of paths.entries())
      await Bun.write(path, contents[index % contents.length] ?? "");
    const found = await Promise.all(paths.map((path) => pool.hashSmall(path)));
    for (const [index, small] of found.entries()) {
      const bytes = Buffer.from(contents[index % contents.length] ?? "");
      const sha1 = new Bun.CryptoHasher("sha1").update(bytes).digest("hex");
      expect(small?.path).toBe(paths[index] ?? "");
      expect(small?.manifest.summary).toMatchObject({ sha1, size: bytes.length });
      const sha256 = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
      const row = Buffer.from(small?.manifest.rows ?? []).toString("hex");
      expect(row).toBe(bytes.length === 0 ? "" : `${sha1}${sha256}`);
    }
  });

  test("are not: what is larger, a folder, a link, or not there", async () => {
    await using folder = await TempFolder.make();
    await Bun.write(folder.join("large"), "x".repeat(PIECE_BYTES + 1));
    await Bun.write(folder.join("small"), "x");
    await symlink(folder.join("small"), folder.join("link"));
    for (const name of ["large", "link", "none", "."])
      expect(await pool.hashSmall(folder.join(name))).toBeUndefined();
    expect((await pool.hashSmall(folder.join("small")))?.manifest.summary.size).toBe(1);
  });
});
