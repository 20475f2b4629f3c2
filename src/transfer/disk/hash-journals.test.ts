import { describe, expect, test } from "bun:test";
import { appendFileSync, readdirSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { HASH_JOURNAL_BLOCK_PIECES, HASH_JOURNALS_MAX, PIECE_BYTES } from "../../base/limits.ts";
import { Prng } from "../../base/prng.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import type { FileIdentity } from "./file-identity.ts";
import { BLOCK_ROWS_BYTES, hashJournalBytes } from "./hash-journal.ts";
import { HashJournals } from "./hash-journals.ts";

const BLOCK_BYTES = HASH_JOURNAL_BLOCK_PIECES * PIECE_BYTES;
const ROWS = new Uint8Array(3.5 * BLOCK_ROWS_BYTES).map((_, at) => at % 251);

function file(inode: number, parts: Partial<FileIdentity> = {}): FileIdentity {
  return { device: "1", inode: String(inode), size: 3.5 * BLOCK_BYTES, modifiedNs: "1000", ...parts };
}

/** As a run that is interrupted when it has hashed so many blocks. */
async function hash(journals: HashJournals, identity: FileIdentity, blocks: number): Promise<void> {
  const kept = await journals.begin(identity);
  const prng = new Prng(1);
  const end = blocks * BLOCK_ROWS_BYTES;
  for (let at = kept.rows.length; at < end; ) {
    const to = Math.min(end, at + 52 * (1 + prng.below(900)));
    kept.add(ROWS.subarray(at, to));
    at = to;
  }
  await kept.close();
}

async function found(folder: string, identity: FileIdentity): Promise<number> {
  const kept = await (await HashJournals.open(folder)).begin(identity);
  expect(kept.rows).toEqual(ROWS.slice(0, kept.rows.length));
  await kept.close();
  return kept.rows.length / BLOCK_ROWS_BYTES;
}

describe("what was hashed of a file", () => {
  test("is found by a later run, as far as its blocks were whole, and goes on from there", async () => {
    await using folder = await TempFolder.make();
    const journals = await HashJournals.open(folder.path);
    expect(await found(folder.path, file(1))).toBe(0);
    await hash(journals, file(1), 1.9);
    expect(await found(folder.path, file(1))).toBe(1);
    await hash(await HashJournals.open(folder.path), file(1), 3.5);
    expect(await found(folder.path, file(1))).toBe(3);
    expect(await found(folder.path, file(2))).toBe(0);
  });

  test("is not believed of a file that has changed since, and dropped", async () => {
    await using folder = await TempFolder.make();
    const journals = await HashJournals.open(folder.path);
    await hash(journals, file(1), 3);
    expect(await found(folder.path, file(1, { modifiedNs: "1001" }))).toBe(0);
    expect(readdirSync(folder.path)).toEqual([]);
    await hash(journals, file(1), 3);
    expect(await found(folder.path, file(1, { size: 3 * BLOCK_BYTES }))).toBe(0);
  });

  test("is believed up to where it was torn or damaged, and goes on from there", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("1.1");
    const journals = await HashJournals.open(folder.path);
    await hash(journals, file(1), 3);
    truncateSync(path, hashJournalBytes(3) - 1);
    expect(await found(folder.path, file(1))).toBe(2);
    appendFileSync(path, "?");
    expect(await found(folder.path, file(1))).toBe(2);
    await hash(journals, file(1), 3);
    expect(await found(folder.path, file(1))).toBe(3);
    writeFileSync(path, new Uint8Array(100));
    expect(await found(folder.path, file(1))).toBe(0);
  });

  test("is not believed behind what was hashed anew over it", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("1.1");
    const journals = await HashJournals.open(folder.path);
    await hash(journals, file(1), 3);
    const bytes = new Uint8Array(await Bun.file(path).arrayBuffer());
    bytes.fill(0, hashJournalBytes(1), hashJournalBytes(1) + 1);
    writeFileSync(path, bytes);
    await hash(journals, file(1), 2);
    expect(statSync(path).size).toBe(hashJournalBytes(2));
  });

  test("is gone when nobody needs it any more", async () => {
    await using folder = await TempFolder.make();
    const journals = await HashJournals.open(folder.path);
    const kept = await journals.begin(file(1));
    kept.add(ROWS);
    await kept.remove();
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe("the folder", () => {
  test("holds so many, and drops those that were left longest ago", async () => {
    await using folder = await TempFolder.make();
    const journals = await HashJournals.open(folder.path);
    for (let inode = 1; inode <= HASH_JOURNALS_MAX + 2; inode++) {
      await hash(journals, file(inode), 1);
      utimesSync(folder.join(`1.${inode}`), inode, inode);
    }
    const names = readdirSync(folder.path);
    expect(names).toHaveLength(HASH_JOURNALS_MAX);
    expect(names).not.toContain("1.1");
    expect(names).not.toContain("1.2");
  });

  test("gets nothing of a small file, and one journal of a file that two hash at once", async () => {
    await using folder = await TempFolder.make();
    const journals = await HashJournals.open(folder.path);
    await hash(journals, file(1, { size: BLOCK_BYTES / 2 }), 0.5);
    expect(readdirSync(folder.path)).toEqual([]);
    const first = await journals.begin(file(1));
    await hash(journals, file(1), 3);
    expect(readdirSync(folder.path)).toEqual([]);
    await first.close();
    await hash(journals, file(1), 3);
    expect(readdirSync(folder.path)).toEqual(["1.1"]);
  });

  test("gets nothing of files that their disk does not number: two would share a journal", async () => {
    await using folder = await TempFolder.make();
    await hash(await HashJournals.open(folder.path), file(0), 3.5);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("that cannot be written to stops no hashing", async () => {
    await using folder = await TempFolder.make();
    const journals = await HashJournals.open(folder.join("kept"));
    await folder[Symbol.asyncDispose]();
    await hash(journals, file(1), 3);
    const kept = await journals.begin(file(1));
    kept.add(ROWS);
    await kept.remove();
    expect(kept.rows.length).toBe(0);
  });
});
