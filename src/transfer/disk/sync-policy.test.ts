import { expect, test } from "bun:test";
import { SyncPolicy } from "./sync-policy.ts";

function record(policy: SyncPolicy, pieces: number): string[] {
  return Array.from({ length: pieces }, () => policy.recorded());
}

test("the first piece starts the timer, and a full number of pieces is synced at once", () => {
  const policy = new SyncPolicy(4);
  expect(record(policy, 4)).toEqual(["start-timer", "wait", "wait", "sync"]);
});

test("while that sync has not begun nothing more is asked for", () => {
  const policy = new SyncPolicy(2);
  expect(record(policy, 5)).toEqual(["start-timer", "sync", "wait", "wait", "wait"]);
});

test("counting starts anew when a sync begins, whoever asked for it", () => {
  const policy = new SyncPolicy(3);
  record(policy, 2);
  policy.syncBegins();
  expect(record(policy, 3)).toEqual(["start-timer", "wait", "sync"]);
});
