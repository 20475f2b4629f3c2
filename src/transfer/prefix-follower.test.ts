import { expect, test } from "bun:test";
import { Bitfield } from "../base/bitfield.ts";
import type { Sha1 } from "../base/ids.ts";
import { PIECE_BYTES } from "../base/limits.ts";
import { Manifest } from "../base/manifest.ts";
import { settle } from "../testing/manual-clock.ts";
import type { PrefixHash } from "./disk/contract.ts";
import { PrefixFollower } from "./prefix-follower.ts";

const SIZE = 3 * PIECE_BYTES + 7;
const manifest = Manifest.make(SIZE, "0".repeat(40) as Sha1, new Uint8Array(4 * 52));

/** Notes how far it was asked to go; each stretch ends when it is told to. */
class SlowHash implements PrefixHash {
  hashedBytes = 0;
  readonly asked: number[] = [];
  end: (failure?: Error) => void = () => {};

  advance(bytes: number): Promise<void> {
    this.asked.push(bytes);
    return new Promise((resolve, reject) => {
      this.end = (failure) => {
        if (failure !== undefined) return reject(failure);
        this.hashedBytes = bytes;
        resolve();
      };
    });
  }

  finish(): Promise<Sha1> {
    throw new Error("not asked for here");
  }

  dispose(): void {}
}

function setUp() {
  const hash = new SlowHash();
  const have = new Bitfield(4);
  const follower = new PrefixFollower(hash, manifest, have);
  const got = (piece: number) => {
    have.set(piece);
    follower.grew();
  };
  return { hash, follower, got };
}

test("goes as far as there is no gap, and on when the gap is filled", async () => {
  const { hash, follower, got } = setUp();
  follower.grew();
  got(1);
  expect(hash.asked).toEqual([]);
  got(0);
  expect(hash.asked).toEqual([2 * PIECE_BYTES]);
});

test("asks for one stretch at a time, then for all that came meanwhile, to the very end", async () => {
  const { hash, got } = setUp();
  got(0);
  for (const piece of [1, 2, 3]) got(piece);
  expect(hash.asked).toEqual([PIECE_BYTES]);
  hash.end();
  await settle();
  expect(hash.asked).toEqual([PIECE_BYTES, SIZE]);
  hash.end();
  await settle();
  expect(hash.asked.length).toBe(2);
});

test("after a failure it asks for nothing more", async () => {
  const { hash, got } = setUp();
  got(0);
  hash.end(new Error("given up"));
  await settle();
  got(1);
  expect(hash.asked).toEqual([PIECE_BYTES]);
});
