import { expect, test } from "bun:test";
import type { ListingId } from "../base/ids.ts";
import { planFollow } from "./follow-plan.ts";

const listed = ["a", "b", "c", "d"].map((name) => ({ name, listingId: name as ListingId }));

function plan(settled: string, here: string): [string, string] {
  const { fetch, settle } = planFollow(listed, {
    isSettled: (listingId) => settled.includes(listingId),
    isHere: (listingId) => here.includes(listingId),
  });
  const names = (files: readonly { name: string }[]) => files.map(({ name }) => name).join("");
  return [names(fetch), names(settle)];
}

test("what was never dealt with is fetched, in the order of the list", () => {
  expect(plan("", "")).toEqual(["abcd", ""]);
  expect(plan("bd", "")).toEqual(["ac", ""]);
});

test("what is here by other ways is not fetched, and not when it is gone later either", () => {
  expect(plan("", "bc")).toEqual(["ad", "bc"]);
});

test("what is settled is left alone, whether it is here or not", () => {
  expect(plan("abcd", "")).toEqual(["", ""]);
  expect(plan("ab", "bc")).toEqual(["d", "c"]);
});
