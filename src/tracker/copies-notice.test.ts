import { expect, test } from "bun:test";
import { CopiesNotices } from "./copies-notice.ts";

test("how many trackers have the commands is told at the first one, and then when it changes", () => {
  const notices = new CopiesNotices();
  const link = {};
  const told = [1, 1, 2, 3, 2, 1].map((copies) => notices.next(link, copies, 3));
  const alone = { kind: "alone", of: 3 } as const;
  const together = { kind: "together" } as const;
  expect(told).toEqual([alone, undefined, together, undefined, undefined, alone]);
});

test("each connection is told for itself", () => {
  const notices = new CopiesNotices();
  expect(notices.next({}, 1, 2)).toEqual({ kind: "alone", of: 2 });
  expect(notices.next({}, 1, 2)).toEqual({ kind: "alone", of: 2 });
});

test("the only tracker of a list says nothing of others", () => {
  expect(new CopiesNotices().next({}, 1, 1)).toBeUndefined();
});
