import { expect, test } from "bun:test";
import { readOptions } from "./options.ts";

const CASES = ["pair", "crowd"];

test("without options every case runs at its own size", () => {
  expect(readOptions([], CASES)).toEqual({
    only: undefined,
    against: undefined,
    isQuick: false,
    isLarge: false,
    rounds: undefined,
    bytes: undefined,
    markdown: undefined,
  });
});

test("cases are named together or one by one, and a size is in MiB", () => {
  const args = ["--only", "pair,crowd", "--mib", "64", "--rounds", "2"];
  expect(readOptions(args, CASES)).toMatchObject({ only: CASES, bytes: 64 * 2 ** 20, rounds: 2 });
  expect(readOptions(["--only", "crowd", "--only", "pair"], CASES).only).toEqual(["crowd", "pair"]);
});

test("an unknown case and a number that is none are refused with what was given", () => {
  expect(() => readOptions(["--only", "pair,pears"], CASES)).toThrow(
    "--only knows pair, crowd; given: pears",
  );
  expect(() => readOptions(["--mib", "0"], CASES)).toThrow("--mib is a number from 1, given: 0");
  expect(() => readOptions(["--rounds", "2.5"], CASES)).toThrow("--rounds is a number from 1, given: 2.5");
});
