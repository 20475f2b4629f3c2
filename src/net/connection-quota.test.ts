import { expect, test } from "bun:test";
import { AssertionError } from "../base/assert.ts";
import { ConnectionQuota } from "./connection-quota.ts";

test("one address has its own bound, and what it releases it may take again", () => {
  const quota = new ConnectionQuota({ connectionsMax: 10, perAddressMax: 2 });
  expect([quota.admit("a"), quota.admit("a"), quota.admit("a"), quota.admit("b")]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  quota.release("a");
  expect([quota.admit("a"), quota.admit("a")]).toEqual([true, false]);
});

test("all addresses together have a bound", () => {
  const quota = new ConnectionQuota({ connectionsMax: 2, perAddressMax: 2 });
  expect([quota.admit("a"), quota.admit("b"), quota.admit("c")]).toEqual([true, true, false]);
  quota.release("b");
  expect(quota.admit("c")).toBe(true);
});

test("releasing what was not admitted is a bug", () => {
  const quota = new ConnectionQuota({ connectionsMax: 2, perAddressMax: 2 });
  expect(() => quota.release("a")).toThrow(AssertionError);
});
