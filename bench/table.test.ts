import { expect, test } from "bun:test";
import { markdownTable, shownNumber } from "./table.ts";

test("the first column stands to the left, numbers to the right", () => {
  expect(markdownTable(["what", "median"], [["start", "1.5 s"]])).toEqual([
    "| what  | median |",
    "|-------|-------:|",
    "| start |  1.5 s |",
  ]);
});

test("a number shows what it is worth, not how it was computed", () => {
  expect([12_345.6, 100, 99.94, 4.5, 3, 0.0412, Number.NaN].map(shownNumber)).toEqual([
    "12,346",
    "100",
    "99.9",
    "4.5",
    "3",
    "0.0412",
    "-",
  ]);
});
