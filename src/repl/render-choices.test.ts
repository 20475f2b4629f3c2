import { expect, test } from "bun:test";
import { CHOICES_SHOWN_MAX } from "../base/limits.ts";
import { renderChoices } from "./render-choices.ts";

test("choices stand in columns, read downwards", () => {
  const names = ["accept_request", "cancel_download", "exit", "help", "join_group"];
  expect(renderChoices(names, 40)).toEqual(["accept_request   help", "cancel_download  join_group", "exit"]);
  expect(renderChoices(["a", "b"], 5)).toEqual(["a  b"]);
});

test("one that is wider than the screen has a row for itself, and is safe for it", () => {
  expect(renderChoices(["x".repeat(50), "a\u001b[2J"], 40)).toEqual(["x".repeat(50), "a\\u{1b}[2J"]);
});

test("more than can be read at once are counted", () => {
  const rows = renderChoices(
    Array.from({ length: CHOICES_SHOWN_MAX + 7 }, (_, index) => `f${index}`),
    80,
  );
  expect(rows.at(-1)).toBe("... and 7 more");
  expect(rows.length).toBeLessThan(12);
});
