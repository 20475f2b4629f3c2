import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sha1 } from "../base/ids.ts";
import { PIECE_BYTES } from "../base/limits.ts";
import { Manifest } from "../base/manifest.ts";
import { PieceListCache } from "./piece-list-cache.ts";

const SHA1 = "0".repeat(40) as Sha1;
const MANIFEST = Manifest.make(PIECE_BYTES + 1, SHA1, new Uint8Array(104).fill(7));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "p2p-lists-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a list that was written is read again, by another run too", async () => {
  await (await PieceListCache.open(folder)).write(MANIFEST);
  const read = await (await PieceListCache.open(folder)).read(MANIFEST.summary);
  expect(read?.summary).toEqual(MANIFEST.summary);
  expect(read?.rows).toEqual(MANIFEST.rows);
});

test("a list that is missing or damaged is as if it had never been there", async () => {
  const lists = await PieceListCache.open(folder);
  expect(await lists.read(MANIFEST.summary)).toBeUndefined();
  await lists.write(MANIFEST);
  await Bun.write(join(folder, MANIFEST.summary.digest), new Uint8Array(104).fill(8));
  expect(await lists.read(MANIFEST.summary)).toBeUndefined();
  await lists.write(MANIFEST);
  expect(await lists.read(MANIFEST.summary)).toBeDefined();
});

test("a sweep leaves what is wanted, and nothing else", async () => {
  const lists = await PieceListCache.open(folder);
  const other = Manifest.make(1, SHA1, new Uint8Array(52));
  await lists.write(MANIFEST);
  await lists.write(other);
  await Bun.write(join(folder, `${MANIFEST.summary.digest}.3.draft`), "half");
  await lists.sweep(new Set([MANIFEST.summary.digest]));
  expect(readdirSync(folder)).toEqual([MANIFEST.summary.digest]);
});
