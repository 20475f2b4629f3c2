import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { TempFolder } from "../../testing/temp-folder.ts";
import { syncFolder, writeAgain } from "./certain-start.ts";

test("a file that is written again holds the same bytes, also at the end of a chunk", async () => {
  await using folder = await TempFolder.make();
  for (const length of [0, 1, 1_048_576, 1_048_577]) {
    const bytes = Uint8Array.from({ length }, (_, at) => at % 251);
    await writeFile(folder.join("file"), bytes);
    writeAgain(folder.join("file"));
    expect(Buffer.compare(await readFile(folder.join("file")), bytes)).toBe(0);
  }
});

test("a file that is not there is not made", async () => {
  await using folder = await TempFolder.make();
  writeAgain(folder.join("file"));
  expect(existsSync(folder.join("file"))).toBe(false);
});

test("syncing a folder leaves it as it is", async () => {
  await using folder = await TempFolder.make();
  syncFolder(folder.path);
  expect(readdirSync(folder.path)).toEqual([]);
});
