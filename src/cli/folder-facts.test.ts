import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TempFolder } from "../testing/temp-folder.ts";
import { lookAtFolder } from "./folder-facts.ts";
import { isFolderLocked, lockFolder } from "./folder-lock.ts";

test("a folder that is not there is not made, and its disk is told all the same", async () => {
  await using root = await TempFolder.make();
  const facts = await lookAtFolder(join(root.path, "a", "b"));
  expect(facts).toMatchObject({ exists: false, isLocked: false, openFiles: [], trouble: undefined });
  expect(facts.freeBytes).toBeGreaterThan(0);
  expect(readdirSync(root.path)).toEqual([]);
});

test("whether a process uses it is seen without being in its way", async () => {
  await using root = await TempFolder.make();
  expect((await lookAtFolder(root.path)).isLocked).toBe(false);
  const lock = lockFolder(root.path);
  expect((await lookAtFolder(root.path)).isLocked).toBe(true);
  lock.release();
  expect(isFolderLocked(root.path)).toBe(false);
  lockFolder(root.path).release();
});

test("a file in its place, and a folder that cannot be looked at, are trouble", async () => {
  await using root = await TempFolder.make();
  const file = join(root.path, "file");
  writeFileSync(file, "");
  expect((await lookAtFolder(file)).trouble).toBe("it is no folder");
  expect((await lookAtFolder(join(file, "below"))).trouble).toBe("ENOTDIR");
});

test.skipIf(process.platform === "win32")("what others may read of it is told, with its mode", async () => {
  await using root = await TempFolder.make();
  const folder = join(root.path, "data");
  mkdirSync(folder, { mode: 0o700 });
  for (const [name, mode] of [
    ["identity.pem", 0o640],
    ["signing-key.pem", 0o600],
    ["notes.txt", 0o644],
  ] as const) {
    writeFileSync(join(folder, name), "");
    chmodSync(join(folder, name), mode);
  }
  expect(await lookAtFolder(folder)).toMatchObject({
    mode: 0o700,
    openFiles: [{ path: join(folder, "identity.pem"), mode: 0o640 }],
  });
});
