import { expect, test } from "bun:test";
import { wrappedReply } from "./wrapped-reply.ts";

const SHA1 = "63ac5938b329472ba09e07e02f2ca09c484ed060";

test("a line that fits is left as it is, and so is any where there is no screen", () => {
  expect(wrappedReply("  a  b", 6)).toEqual(["  a  b"]);
  expect(wrappedReply("one two three", undefined)).toEqual(["one two three"]);
  expect(wrappedReply("", 5)).toEqual([""]);
});

test("prose is broken between words, each row indented as the first", () => {
  expect(wrappedReply("  12% of 286 MiB, limited by the disk", 20)).toEqual([
    "  12% of 286 MiB,",
    "  limited by the",
    "  disk",
  ]);
});

test("a row of a table is broken between its cells, and a cell only where it is longer than a row", () => {
  expect(wrappedReply(`my film.mkv  286 MiB  1 source  ${SHA1}`, 40)).toEqual([
    "my film.mkv  286 MiB  1 source",
    SHA1,
  ]);
  expect(wrappedReply(`data  /in/my films  key  ${SHA1}`, 50)).toEqual([
    "data  /in/my films  key",
    `  ${SHA1}`,
  ]);
  expect(wrappedReply("name  a cell of many words", 12)).toEqual(["name  a cell", "  of many", "  words"]);
});

test("a path stays one, whatever blanks it holds, up to the end of the phrase", () => {
  expect(wrappedReply("Download complete: /in/my films/a b.mkv", 30)).toEqual([
    "Download complete:",
    "/in/my films/a b.mkv",
  ]);
  expect(wrappedReply("Download complete: C:\\my films\\a b.mkv", 30)).toEqual([
    "Download complete:",
    "C:\\my films\\a b.mkv",
  ]);
  expect(wrappedReply("from /in/my films; to somewhere else", 18)).toEqual([
    "from /in/my films;",
    "to somewhere else",
  ]);
});

test("no row is wider than the screen where no word is", () => {
  const line = "  12% of 286 MiB, 10.4 MiB/s, 24s left; 19.0 MiB (51%) from alice@127.0.0.1:6000";
  for (let columns = 24; columns < 90; columns++) {
    const rows = wrappedReply(line, columns);
    for (const row of rows) expect(Bun.stringWidth(row)).toBeLessThanOrEqual(columns);
    expect(rows.map((row) => row.trim()).join(" ")).toBe(line.trim());
  }
});
