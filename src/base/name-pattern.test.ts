import { expect, test } from "bun:test";
import { isPattern, nameMatcher, pathMatcher, splitPattern } from "./name-pattern.ts";

const NAMES = ["a.csv", "B.CSV", "runs/a.h5", "runs/may/b.h5", "runs2/c.h5", "notes [1].txt"];
const matched = (pattern: string) => NAMES.filter(nameMatcher(pattern));

test("a star stays within a component, two lead through folders", () => {
  expect(matched("*.csv")).toEqual(["a.csv", "B.CSV"]);
  expect(matched("runs/*.h5")).toEqual(["runs/a.h5"]);
  expect(matched("runs/**/*.h5")).toEqual(["runs/a.h5", "runs/may/b.h5"]);
  expect(matched("run?2/{c,d}.h5")).toEqual(["runs2/c.h5"]);
});

test("without a slash a pattern means files in any folder of a group, and on the disk those of the one folder", () => {
  expect(matched("*.h5")).toEqual(["runs/a.h5", "runs/may/b.h5", "runs2/c.h5"]);
  expect(matched("./*.h5")).toEqual([]);
  expect(NAMES.filter(pathMatcher("*.h5"))).toEqual([]);
  expect(NAMES.filter(pathMatcher("*.csv"))).toEqual(["a.csv", "B.CSV"]);
});

test("a folder means all that is below it, and nothing beside it", () => {
  expect(matched("runs/")).toEqual(["runs/a.h5", "runs/may/b.h5"]);
  expect(matched("RUNS/May/")).toEqual(["runs/may/b.h5"]);
  expect(matched("nowhere/")).toEqual([]);
});

test("a name on a disk that composes its letters otherwise is meant all the same", () => {
  expect(nameMatcher("caf\u00e9*")("CAFE\u0301.txt")).toBe(true);
  expect(nameMatcher("caf\u00e9/")("cafe\u0301/x")).toBe(true);
});

test("a pattern is told from a plain name", () => {
  expect(["*.csv", "a?", "[ab]", "{a,b}"].every(isPattern)).toBe(true);
  expect(["a.csv", "runs/a (1).h5", "~x", "!"].some(isPattern)).toBe(false);
});

test("a path is cut before the first component that is a pattern", () => {
  expect(splitPattern("*.csv")).toEqual({ folder: ".", pattern: "*.csv" });
  expect(splitPattern("data/x*/b.csv")).toEqual({ folder: "data", pattern: "x*/b.csv" });
  expect(splitPattern("/*")).toEqual({ folder: "/", pattern: "*" });
  expect(splitPattern("/a/b/**")).toEqual({ folder: "/a/b", pattern: "**" });
});
