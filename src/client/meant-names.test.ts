import { expect, test } from "bun:test";
import type { FileName } from "../base/ids.ts";
import { meantNames } from "./meant-names.ts";

const THERE = ["a.csv", "runs/b.csv", "runs/c.h5", "notes [1].txt", "notes 1.txt"] as FileName[];
const meant = (...wanted: readonly string[]) => meantNames(wanted, THERE);

test("folders and patterns mean what is there, each file once", () => {
  expect(meant("*.csv", "runs/").names).toEqual(["a.csv", "runs/b.csv", "runs/c.h5"] as FileName[]);
  expect(meant("RUNS/").names).toHaveLength(2);
  expect(meant("A.csv", "*.csv").names).toHaveLength(2);
});

test("a plain name means itself, there or not", () => {
  expect(meant("a.csv", "nowhere")).toEqual({ names: ["a.csv", "nowhere"] as FileName[], futile: [] });
});

test("a file that is called like a pattern is meant alone", () => {
  expect(meant("notes [1].txt").names).toEqual(["notes [1].txt"] as FileName[]);
});

test("what means nothing is told", () => {
  expect(meant("*.zip", "a.csv", "no/").futile).toEqual(["*.zip", "no/"]);
});
