import { expect, test } from "bun:test";
import { LIST_PAGES_MAX } from "../base/limits.ts";
import { failureOf } from "../testing/failure-of.ts";
import { allPages } from "./pages.ts";

test("the pages of a list are put together in their order", async () => {
  const after: (string | undefined)[] = [];
  const pages = [{ rows: [1, 2], next: "2" }, { rows: [], next: "3" }, { rows: [4] }];
  const ask = async (page: { after?: string }) => {
    after.push(page.after);
    return { result: pages[after.length - 1] ?? { rows: [] } };
  };
  expect(await allPages<number>(ask)).toEqual([1, 2, 4]);
  expect(after).toEqual([undefined, "2", "3"]);
});

test("a tracker that has always one more page is not asked for ever", async () => {
  let asked = 0;
  const ask = async () => ({ result: { rows: [], next: `${++asked}` } });
  expect(await failureOf(allPages(ask))).toMatchObject({
    code: "too-many",
    message: `the list has more than ${LIST_PAGES_MAX} pages`,
  });
  expect(asked).toBe(LIST_PAGES_MAX);
});
