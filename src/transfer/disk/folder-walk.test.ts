import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { FOLDER_FILES_MAX } from "../../base/limits.ts";
import { failureOf } from "../../testing/failure-of.ts";
import { HAS_LINKS } from "../../testing/links.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import { walkFolder } from "./folder-walk.ts";

const all = { matches: () => true, parts: () => [] };

async function filled(): Promise<TempFolder> {
  const folder = await TempFolder.make();
  await mkdir(folder.join("in", "b", "deep"), { recursive: true });
  for (const name of ["z", "a.part", "b/x.csv", "b/deep/y.csv", "c.csv"])
    await writeFile(folder.join("in", name), name);
  return folder;
}

test("the files of a folder and of those below come in order, by their names from it", async () => {
  await using folder = await filled();
  const { files, leftOut } = await walkFolder(folder.join("in"), all);
  expect(files.map(({ name }) => name)).toEqual(["a.part", "b/deep/y.csv", "b/x.csv", "c.csv", "z"]);
  expect(files[1]?.path).toEndWith("/in/b/deep/y.csv");
  expect(leftOut).toBe(0);
});

test.skipIf(!HAS_LINKS)("links are not followed, not even round in a circle, and are counted", async () => {
  await using folder = await filled();
  await writeFile(folder.join("secret"), "");
  await symlink(folder.join("secret"), folder.join("in", "b", "leak"));
  await symlink(folder.join("in"), folder.join("in", "b", "again"));
  const { files, leftOut } = await walkFolder(folder.join("in"), all);
  expect(files).toHaveLength(5);
  expect(leftOut).toBe(2);
});

test.skipIf(!HAS_LINKS)("the folder itself may be a link, which the user named", async () => {
  await using folder = await filled();
  await symlink(folder.join("in"), folder.join("link"));
  expect((await walkFolder(folder.join("link"), all)).files).toHaveLength(5);
});

test("a folder of more files than can be shared at once is refused", async () => {
  await using folder = await TempFolder.inMemory(FOLDER_FILES_MAX * 4_096);
  for (let at = 0; at <= FOLDER_FILES_MAX; at++) closeSync(openSync(folder.join(`${at}`), "w"));
  expect(await failureOf(walkFolder(folder.path, all))).toMatchObject({
    code: "too-many",
    message: `${folder.path} holds more than 100000 files: share its folders one by one`,
  });
  const matches = (name: string) => name !== "0";
  expect((await walkFolder(folder.path, { ...all, matches })).files).toHaveLength(FOLDER_FILES_MAX);
});

test("part files of downloads are left out, other files of such a name are not", async () => {
  await using folder = await filled();
  await writeFile(folder.join("in", "mine.part"), "");
  const parts = () => [folder.join("in", "mine.part"), folder.join("gone.part")];
  const names = (await walkFolder(folder.join("in"), { ...all, parts })).files.map(({ name }) => name);
  expect(names).toContain("a.part");
  expect(names).not.toContain("mine.part");
});

test.skipIf(!HAS_LINKS)("only what matches is found, and only that is counted", async () => {
  await using folder = await filled();
  await symlink("nowhere", folder.join("in", "link"));
  const matches = (name: string) => name.endsWith(".csv");
  const { files, leftOut } = await walkFolder(folder.join("in"), { ...all, matches });
  expect(files.map(({ name }) => name)).toEqual(["b/deep/y.csv", "b/x.csv", "c.csv"]);
  expect(leftOut).toBe(0);
});

test("a walk that is told to stop looks at nothing more", async () => {
  await using folder = await filled();
  const stop = new AbortController();
  const seen: string[] = [];
  const matches = (name: string) => {
    seen.push(name);
    if (name === "b/deep/y.csv") stop.abort();
    return true;
  };
  const walk = walkFolder(folder.join("in"), { ...all, matches, signal: stop.signal });
  await expect(walk).rejects.toThrow("was stopped");
  expect(seen).toEqual(["a.part", "b/deep/y.csv"]);
});

test("how many files there are so far is told after each folder", async () => {
  await using folder = await filled();
  const found: number[] = [];
  await walkFolder(folder.join("in"), { ...all, found: (files) => found.push(files) });
  expect(found).toEqual([2, 3, 5]);
});
