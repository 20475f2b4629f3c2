import { expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { RowSum } from "./row-sum.ts";

test("depends on the texts that are in, not on the way there", () => {
  const random = new Prng(5);
  const texts = Array.from({ length: 50 }, (_, at) => `text ${at}`);
  const straight = new RowSum();
  for (const text of texts) straight.add(text);
  const winding = new RowSum();
  for (const text of random.shuffle([...texts, "gone"])) winding.add(text);
  winding.remove("gone");
  for (const text of texts.slice(0, 9)) winding.remove(text);
  for (const text of texts.slice(0, 9).reverse()) winding.add(text);
  expect(winding.toString()).toBe(straight.toString());
  winding.remove("text 0");
  expect(winding.toString()).not.toBe(straight.toString());
});

test("is 32 hex digits, and goes on from its text", () => {
  const sum = new RowSum();
  expect(sum.toString()).toBe("0".repeat(32));
  sum.remove("below zero");
  expect(sum.toString()).toMatch(/^[0-9a-f]{32}$/);
  const again = new RowSum(sum.toString());
  again.add("below zero");
  expect(again.toString()).toBe("0".repeat(32));
});
