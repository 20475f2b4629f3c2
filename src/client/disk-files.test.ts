import { expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import type { FileName } from "../base/ids.ts";
import { TempFolder } from "../testing/temp-folder.ts";
import { DiskFiles } from "./disk-files.ts";

const NAME = "film" as FileName;
const workers = { settled: async () => {}, hashSmall: async () => undefined };

test("paths are relative to the working folder, and a changed file is told from an unchanged one", async () => {
  await using folder = await TempFolder.make();
  const files = new DiskFiles({ workers, workingFolder: folder.path });
  await writeFile(folder.join("notes"), "first");
  const opened = await files.open("notes");
  await opened.close();
  expect(opened.path).toBe(folder.join("notes"));
  expect(opened.identity.size).toBe(5);
  expect(await files.difference(opened.path, opened.identity)).toBeUndefined();
  await writeFile(folder.join("notes"), "longer than before");
  expect((await files.difference(opened.path, opened.identity))?.code).toBe("file-changed");
});

test("a destination says whether something is there already", async () => {
  await using folder = await TempFolder.make();
  const files = new DiskFiles({ workers, workingFolder: folder.path });
  await mkdir(folder.join("in"));
  expect(await files.destination("in", NAME)).toEqual({
    path: folder.join("in", "film"),
    base: folder.join("in"),
    taken: false,
  });
  await writeFile(folder.join("in", "film"), "");
  expect(await files.destination("in/", NAME)).toEqual({
    path: folder.join("in", "film"),
    base: folder.join("in"),
    taken: true,
  });
  expect(await files.destination("other", NAME)).toEqual({
    path: folder.join("other"),
    base: folder.path,
    taken: false,
  });
  expect(await files.destination("new/", NAME)).toEqual({
    path: folder.join("new", NAME),
    base: folder.path,
    taken: false,
  });
  expect(files.destination("no/where/", NAME)).rejects.toMatchObject({ code: "file-missing" });
});
