import { expect, test } from "bun:test";
import { besideOrBelow, wrapped } from "./wrapped.ts";

test("no row is wider than the screen, unless one word is", () => {
  expect(wrapped("one two three", 7)).toEqual(["one two", "three"]);
  expect(wrapped("one two three", 8, "  ")).toEqual(["  one", "  two", "  three"]);
  expect(wrapped("incomprehensible it is", 5)).toEqual(["incomprehensible", "it is"]);
  expect(wrapped("", 5)).toEqual([""]);
  expect(wrapped("  ", 5)).toEqual(["  "]);
  expect(wrapped("  one two", 5)).toEqual(["  one", "  two"]);
});

test("an address and its fingerprint, to be copied as one line, are not parted", () => {
  expect(wrapped("write: 10.0.0.1:5000 sha256:ab", 10)).toEqual(["write:", "10.0.0.1:5000 sha256:ab"]);
});

test("what a name means stands beside it, and below it where there is no room", () => {
  expect(besideOrBelow("name", "what it means", 6, 16)).toEqual(["name    what it", "        means"]);
  expect(besideOrBelow("  a long name", "it", 6, 16)).toEqual(["  a long name", "        it"]);
  expect(besideOrBelow("a long name", "what it means", 6, 16)).toEqual([
    "a long name",
    "        what it",
    "        means",
  ]);
});
