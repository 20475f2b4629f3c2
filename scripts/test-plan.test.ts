import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ALONE, planTests, WATCHED } from "./test-plan.ts";
import times from "./test-times.json";

const ROOT = join(import.meta.dir, "..");
const FILES = ["src/b.test.ts", "e2e/x.test.ts", "bench/c.test.ts", "src/a.test.ts", ...ALONE];

test("every file runs, in one group only", () => {
  const planned = planTests(FILES, 2).flatMap((beside) => beside.flatMap(({ files }) => files));
  expect(planned.toSorted()).toEqual(FILES.toSorted());
});

test("unit tests and end-to-end tests run at the same time, and what needs quiet afterwards, one by one", () => {
  const [together, ...rest] = planTests(FILES, 2).map((beside) => beside.map(({ files }) => files));
  expect(together).toEqual([["bench/c.test.ts", "src/a.test.ts", "src/b.test.ts"], ["e2e/x.test.ts"]]);
  expect(rest).toEqual(ALONE.toSorted().map((file) => [[file]]));
});

test("the messages of errors are noted that unit tests come upon, and only those", () => {
  const watched = planTests(FILES, 2).flatMap((beside) =>
    beside.filter(({ options }) => options === WATCHED),
  );
  expect(watched.map(({ name }) => name)).toEqual(["unit tests"]);
});

test("a group without files is none", () => {
  expect(planTests(["src/a.test.ts"], 2).map((beside) => beside.map(({ name }) => name))).toEqual([
    ["unit tests"],
  ]);
});

test("files that are named to run alone or begin first are there", () => {
  for (const file of [...ALONE, ...Object.keys(times.files)])
    expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
});
