import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { TempFolder } from "../testing/temp-folder.ts";
import { listFolder } from "./list-folder.ts";

test("entries of a folder, links as what they lead to; what is no folder throws", async () => {
  await using folder = await TempFolder.make();
  mkdirSync(folder.join("films"));
  writeFileSync(folder.join("notes.txt"), "");
  const isLinked = process.platform !== "win32";
  if (isLinked) {
    symlinkSync(folder.join("films"), folder.join("to-films"));
    symlinkSync(folder.join("nothing"), folder.join("to-nothing"));
  }
  const entries = await listFolder(folder.path);
  const sorted = entries.map(({ name, isFolder }) => `${name}${isFolder ? "/" : ""}`).sort();
  expect(sorted).toEqual(["films/", "notes.txt", ...(isLinked ? ["to-films/", "to-nothing"] : [])]);
  expect(listFolder(folder.join("notes.txt"))).rejects.toThrow();
});
