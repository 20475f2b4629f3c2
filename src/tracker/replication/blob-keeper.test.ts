import { beforeEach, expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import type { Digest } from "../../base/ids.ts";
import { BLOB_FETCHES_AT_ONCE_MAX, BLOB_PART_BYTES } from "../../base/limits.ts";
import { digestOf } from "../../base/manifest.ts";
import { settle } from "../../testing/manual-clock.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { BlobKeeper, type BlobSource } from "./blob-keeper.ts";

const listOf = (length: number, fill = 1) => new Uint8Array(length).fill(fill);

/** Another tracker, with some piece lists. */
class Other implements BlobSource {
  isInReach = true;
  readonly asked: string[] = [];
  readonly #lists = new Map<Digest, Uint8Array>();

  add(list: Uint8Array, digest = digestOf(list)): Digest {
    this.#lists.set(digest, list);
    return digest;
  }

  async getBlob(digest: Digest, offset: number): Promise<{ bytes: Uint8Array; total: number }> {
    this.asked.push(`${digest.slice(0, 4)} ${offset}`);
    await settle();
    const list = this.#lists.get(digest);
    if (list === undefined) throw new Failure("unknown-file", "not here");
    return { bytes: list.slice(offset, offset + BLOB_PART_BYTES), total: list.length };
  }
}

let store: MemoryStore;
let near: Other;
let far: Other;
let keeper: BlobKeeper;
let wanted: Digest[];
let failures: unknown[];

beforeEach(() => {
  store = new MemoryStore();
  [near, far, wanted, failures] = [new Other(), new Other(), [], []];
  keeper = new BlobKeeper({
    store,
    sources: [near, far],
    digests: () => wanted,
    afterTurn: setImmediate,
    failed: (error) => failures.push(error),
  });
});

test("a list comes part by part from the first in reach that has it", async () => {
  const list = listOf(BLOB_PART_BYTES + 52);
  const digest = far.add(list);
  expect(await keeper.ensure(digest)).toBe(true);
  expect(store.getBlob(digest, 0, list.length)).toEqual(list);
  expect(near.asked).toHaveLength(1);
  expect(far.asked).toHaveLength(2);
  expect(await keeper.ensure(digest)).toBe(true);
  expect(far.asked).toHaveLength(2);
});

test("one that several wait for is fetched once", async () => {
  const digest = near.add(listOf(52));
  expect(await Promise.all([keeper.ensure(digest), keeper.ensure(digest)])).toEqual([true, true]);
  expect(near.asked).toHaveLength(1);
});

test("who is out of reach is not asked, and what nobody has is not there, until it is asked for again", async () => {
  const digest = far.add(listOf(52));
  far.isInReach = false;
  expect(await keeper.ensure(digest)).toBe(false);
  expect(far.asked).toEqual([]);
  far.isInReach = true;
  expect(await keeper.ensure(digest)).toBe(true);
});

test("a list that is not what its digest says is not kept, and the next one is asked", async () => {
  const digest = far.add(listOf(52));
  near.add(listOf(52, 9), digest);
  expect(await keeper.ensure(digest)).toBe(true);
  expect(store.getBlob(digest, 0, 52)).toEqual(listOf(52));
});

test("another tracker's disk error is its own; this one's is told", async () => {
  const digest = far.add(listOf(52));
  near.getBlob = () => Promise.reject(new Failure("disk-error", "theirs"));
  expect(await keeper.ensure(digest)).toBe(true);
  const other = far.add(listOf(52, 2));
  store.putBlob = () => {
    throw new Failure("disk-error", "ours");
  };
  keeper.want(other);
  while (failures.length === 0) await settle();
  expect(failures).toEqual([expect.objectContaining({ message: "ours" })]);
});

test("only a few are fetched at once", async () => {
  const digests = Array.from({ length: BLOB_FETCHES_AT_ONCE_MAX + 3 }, (_, fill) =>
    near.add(listOf(52, fill)),
  );
  const all = Promise.all(digests.map((digest) => keeper.ensure(digest)));
  expect(near.asked).toHaveLength(BLOB_FETCHES_AT_ONCE_MAX);
  expect(await all).not.toContain(false);
});

test("a scan wants every list of a file that is missing, and nothing else", async () => {
  wanted = [1, 2, 3].map((fill) => near.add(listOf(52, fill)));
  store.putBlob(wanted[0] as Digest, 0, listOf(52, 1), 52);
  keeper.scan();
  while (!wanted.every((digest) => store.hasBlob(digest))) await settle();
  expect(near.asked).toHaveLength(2);
  expect(failures).toEqual([]);
});
