import { expect, test } from "bun:test";
import { fitsScreen, Pager } from "./pager.ts";

const SCREEN = { rows: 4, columns: 10 };
const lines = ["1", "2", "3", "4", "5", "6", "7"];

test("each screen leaves a row for the word that there is more, and the last one is what is left", () => {
  const pager = new Pager(lines);
  expect(pager.nextScreen(SCREEN)).toEqual(["1", "2", "3"]);
  expect(pager.status(60)).toBe("-- 3 of 7: space for more, Enter for a line, q to stop --");
  expect(pager.status(40)).toBe("3 of 7: space, Enter or q");
  expect(Bun.stringWidth(pager.status(10))).toBeLessThanOrEqual(10);
  expect(pager.nextLine()).toEqual(["4"]);
  expect(pager.nextScreen(SCREEN)).toEqual(["5", "6", "7"]);
  expect(pager.isDone).toBe(true);
});

test("a line wider than the screen takes the rows that it takes, and is shown however many", () => {
  const pager = new Pager(["x".repeat(11), "y", "z", "w".repeat(200), "v"]);
  expect(pager.nextScreen(SCREEN)).toEqual(["x".repeat(11), "y"]);
  expect(pager.nextScreen(SCREEN)).toEqual(["z"]);
  expect(pager.nextScreen(SCREEN)).toEqual(["w".repeat(200)]);
  expect(pager.nextScreen(SCREEN)).toEqual(["v"]);
});

test("a line that is broken between words counts for all its rows", () => {
  const pager = new Pager(["seven777 seven777 seven777", "x"]);
  expect(pager.nextScreen(SCREEN)).toEqual(["seven777 seven777 seven777"]);
  expect(fitsScreen(["seven777 seven777 seven777", "x"], { ...SCREEN, rows: 5 })).toBe(true);
});

test("what fits is not paged: as many rows as the screen has, less the prompt", () => {
  expect(fitsScreen(lines.slice(0, 3), SCREEN)).toBe(true);
  expect(fitsScreen(lines.slice(0, 4), SCREEN)).toBe(false);
  expect(fitsScreen(["x".repeat(31)], SCREEN)).toBe(false);
});
