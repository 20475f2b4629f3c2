import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { HISTORY_BYTES_MAX, HISTORY_LINES_MAX } from "../base/limits.ts";
import { TempFolder } from "../testing/temp-folder.ts";
import { LineHistoryFile } from "./line-history.ts";

const modeOf = (path: string) => statSync(path).mode & 0o777;

test("lines come back in the next run, the newest first, and each is on disk when it was added", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("history");
  const history = new LineHistoryFile(path);
  expect(history.lines).toEqual([]);
  history.add("one");
  expect(readFileSync(path, "utf8")).toBe("one\n");
  history.add("two é");
  expect(new LineHistoryFile(path).lines).toEqual(["two é", "one"]);
});

test("a line typed again and again is kept once, a blank one never", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("history");
  for (const _ of [1, 2]) {
    const history = new LineHistoryFile(path);
    for (const line of ["one", "one", " ", ""]) history.add(line);
  }
  expect(readFileSync(path, "utf8")).toBe("one\n");
});

test.skipIf(process.platform === "win32")("nobody else may read it", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("history");
  new LineHistoryFile(path).add("one");
  expect(modeOf(path)).toBe(0o600);
  chmodSync(path, 0o644);
  new LineHistoryFile(path);
  expect(modeOf(path)).toBe(0o600);
});

test("it is bounded: so many lines come back, and a file that has grown is cut down to them", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("history");
  const many = Array.from({ length: 2 * HISTORY_LINES_MAX + 1 }, (_, index) => `line ${index}`);
  writeFileSync(path, `${many.join("\n")}\n`);
  const { lines } = new LineHistoryFile(path);
  expect(lines).toEqual(many.slice(-HISTORY_LINES_MAX).reverse());
  expect(readFileSync(path, "utf8").trimEnd().split("\n")).toEqual(many.slice(-HISTORY_LINES_MAX));
});

test("of a file of long lines only the end is read, from the first whole line on", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("history");
  writeFileSync(path, `${"x".repeat(HISTORY_BYTES_MAX)}\nlast\n`);
  expect(new LineHistoryFile(path).lines).toEqual(["last"]);
  expect(readFileSync(path, "utf8")).toBe("last\n");
});

test("one that cannot be read or written stops nobody", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("history");
  mkdirSync(path);
  const history = new LineHistoryFile(path);
  history.add("one");
  expect(history.lines).toEqual([]);
});
