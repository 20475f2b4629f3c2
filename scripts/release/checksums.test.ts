import { expect, test } from "bun:test";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { TempFolder } from "../../src/testing/temp-folder.ts";
import { CHECKSUM_FILE, writeChecksums, wrongChecksums } from "./checksums.ts";

const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

async function release(): Promise<TempFolder> {
  const folder = await TempFolder.make();
  writeFileSync(folder.join("p2p-b"), "abc");
  writeFileSync(folder.join("p2p-a"), "");
  await writeChecksums(folder.path);
  return folder;
}

test("checksums have the form of sha256sum, sorted by name", async () => {
  await using folder = await release();
  expect(readFileSync(folder.join(CHECKSUM_FILE), "utf8")).toBe(`${EMPTY}  p2p-a\n${ABC}  p2p-b\n`);
  expect(await wrongChecksums(folder.path)).toEqual([]);
});

test("a file that was changed, renamed or added is told", async () => {
  await using folder = await release();
  writeFileSync(folder.join("p2p-b"), "abd");
  renameSync(folder.join("p2p-a"), folder.join("p2p-c"));
  expect(await wrongChecksums(folder.path)).toEqual([
    "p2p-a is missing",
    "p2p-b is not what SHA256SUMS says",
    "p2p-c is not in SHA256SUMS",
  ]);
});
