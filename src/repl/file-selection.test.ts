import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import { GLOB_CHARS_MAX } from "../base/limits.ts";
import type { FileView } from "../client/views.ts";
import { parseGlob, selectFiles } from "./file-selection.ts";

function matches(glob: string, ...names: readonly string[]): string[] {
  const test = parseGlob(glob);
  if (test instanceof Failure) throw test;
  return names.filter(test);
}

test("a pattern is held against the last part of a name, in any case and however it is composed", () => {
  expect(matches("*.MP4", "a.mp4", "film/B.Mp4", "a.mp4.txt")).toEqual(["a.mp4", "film/B.Mp4"]);
  expect(matches("film/*", "film/a", "film", "other/a")).toEqual(["film/a"]);
  expect(matches("caf\u00e9*", "CAFE\u0301.txt")).toEqual(["CAFE\u0301.txt"]);
  expect(matches("{a,b}?.[tc]*", "a1.txt", "b2.c", "c1.txt")).toEqual(["a1.txt", "b2.c"]);
});

test("no pattern takes long, and one that does not end is what it says", () => {
  const startedMs = performance.now();
  matches("*a".repeat(GLOB_CHARS_MAX / 2), "a".repeat(240));
  matches("{a,a}".repeat(GLOB_CHARS_MAX / 5), "a".repeat(240));
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  expect(matches("[a-", "a", "[a-")).toEqual(["[a-"]);
  expect(parseGlob("a".repeat(GLOB_CHARS_MAX + 1))).toBeInstanceOf(Failure);
});

test("the largest, most shared and newest come first; equals stay in the order of their names", () => {
  const files = [
    ["a", 1, 5, 10],
    ["b", 3, 5, undefined],
    ["c", 1, 7, 30],
  ].map(([name, size, sources, addedMs]) => ({ name, size, sources, addedMs }) as unknown as FileView);
  const order = (sort: "name" | "size" | "sources" | "date") =>
    selectFiles(files, (file) => file, { sort })
      .map(({ name }) => name)
      .join("");
  expect([order("name"), order("size"), order("sources"), order("date")]).toEqual([
    "abc",
    "bac",
    "cab",
    "cab",
  ]);
});
