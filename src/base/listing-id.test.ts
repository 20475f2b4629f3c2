import { expect, test } from "bun:test";
import { file, fileOf } from "../testing/test-tracker.ts";
import { listingIdOf, listingOf, listingRef } from "./listing-id.ts";

const { fileId } = fileOf("one");

test("a content under one name is one listing, however the name is written", () => {
  expect(listingIdOf(fileId, file("A.txt"))).toBe(listingIdOf(fileId, file("a.TXT")));
  expect(listingIdOf(fileId, file("a.txt"))).not.toBe(listingIdOf(fileId, file("b.txt")));
  expect(listingIdOf(fileId, file("a.txt"))).not.toBe(listingIdOf(fileOf("two").fileId, file("a.txt")));
});

test("a listing of before is known by its file id, which is all that is stored of it", () => {
  expect<string>(listingOf({ fileId })).toBe(fileId);
  expect(listingRef(fileId, listingOf({ fileId }))).toEqual({ fileId });
  const listingId = listingIdOf(fileId, file("a"));
  expect(listingOf(listingRef(fileId, listingId))).toBe(listingId);
});

test("all versions make the same of the same content and name", () => {
  const known = "a".repeat(64) as typeof fileId;
  expect<string>(listingIdOf(known, file("a"))).toBe(
    "d95d2e1894b60e27e1498ef76d207978714d9b8d84aae6899c3f07e0b5310f11",
  );
});
