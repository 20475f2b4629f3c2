import { expect, test } from "bun:test";
import type { FileId, PieceIndex } from "../../base/ids.ts";
import { SendCounts } from "./send-counts.ts";

const at = (piece: number) => piece as PieceIndex;
const [film, song] = ["film", "song"] as FileId[] as [FileId, FileId];

test("each piece of each file is counted for itself", () => {
  const counts = new SendCounts();
  counts.open(film);
  counts.open(song);
  counts.change(film, at(3), 1);
  counts.change(film, at(3), 1);
  counts.change(film, at(100_000), 1);
  counts.change(film, at(3), -1);
  expect([counts.of(film, at(3)), counts.of(film, at(100_000)), counts.of(song, at(3))]).toEqual([1, 1, 0]);
});

test("counts last until the last user has closed the file", () => {
  const counts = new SendCounts();
  counts.open(film);
  counts.open(film);
  counts.change(film, at(0), 1);
  counts.close(film);
  expect(counts.of(film, at(0))).toBe(1);
  counts.close(film);
  expect(counts.of(film, at(0))).toBe(0);
  counts.change(film, at(0), 1);
  counts.open(film);
  expect(counts.of(film, at(0))).toBe(0);
});

test("a count neither wraps around at the top nor falls below zero", () => {
  const counts = new SendCounts();
  counts.open(film);
  counts.change(film, at(0), -1);
  expect(counts.of(film, at(0))).toBe(0);
  for (let sent = 0; sent < 300; sent++) counts.change(film, at(0), 1);
  expect(counts.of(film, at(0))).toBe(255);
});
