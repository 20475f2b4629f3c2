import { expect, test } from "bun:test";
import { eachAtOnce } from "./each-at-once.ts";

test("every item is worked on, so many at a time and no more", async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await eachAtOnce([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    done.push(item);
  });
  expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

test("after a failure no further item is begun", async () => {
  const begun: number[] = [];
  const work = eachAtOnce([1, 2, 3, 4], 1, async (item) => {
    begun.push(item);
    if (item === 2) throw new Error("no");
  });
  expect(work).rejects.toThrow("no");
  await work.catch(() => {});
  expect(begun).toEqual([1, 2]);
});
