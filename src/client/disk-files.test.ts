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

test("where a file goes is told, and whether something is there already", async () => {
  await using folder = await TempFolder.make();
  const files = new DiskFiles({ workers, workingFolder: folder.path });
  await mkdir(folder.join("in"));
  const place = { path: folder.join("in", "film"), base: folder.join("in") };
  expect([await files.destination("in", NAME), await files.isTaken(place.path)]).toEqual([place, false]);
  await writeFile(place.path, "");
  expect([await files.destination("in/", NAME), await files.isTaken(place.path)]).toEqual([place, true]);
  expect((await files.destinations("in"))(NAME)).toEqual(place);
  expect(await files.destination("other", NAME)).toEqual({ path: folder.join("other"), base: folder.path });
  expect(await files.destination("new/", NAME)).toEqual({
    path: folder.join("new", NAME),
    base: folder.path,
  });
  for (const free of ["other", "new", "new/film"]) expect(await files.isTaken(folder.join(free))).toBe(false);
  await expect(files.destination("no/where/", NAME)).rejects.toMatchObject({ code: "file-missing" });
});
