import { expect, test } from "bun:test";
import { type FileIdentity, isNumbered, isSameContent, isSameFile } from "./file-identity.ts";

const known: FileIdentity = { device: "16777220", inode: "12", size: 5, modifiedNs: "1700000000000000001" };

test("a file is as it was after a restart that gave its disk another number", () => {
  expect(isSameContent(known, { ...known, device: "16777234" })).toBe(true);
});

test("a file is not as it was when its number, its size or its time differ by the least", () => {
  for (const change of [{ inode: "13" }, { size: 6 }, { modifiedNs: "1700000000000000002" }])
    expect(isSameContent(known, { ...known, ...change })).toBe(false);
});

test("within a run, files of one number on two disks are two files", () => {
  expect(isSameFile(known, { ...known, size: 6, modifiedNs: "2" })).toBe(true);
  expect(isSameFile(known, { ...known, device: "16777234" })).toBe(false);
  expect(isSameFile(known, { ...known, inode: "13" })).toBe(false);
});

test("where a disk gives its files no numbers, that is known", () => {
  expect(isNumbered(known)).toBe(true);
  expect(isNumbered({ inode: "0" })).toBe(false);
});
