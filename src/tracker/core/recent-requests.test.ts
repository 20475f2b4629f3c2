import { describe, expect, test } from "bun:test";
import type { RequestId } from "../../base/ids.ts";
import { RecentRequests } from "./recent-requests.ts";

describe("recent requests", () => {
  test("the last ones are remembered, the old ones forgotten, and memory is bounded", () => {
    const recent = new RecentRequests(10);
    const ids = Array.from({ length: 100 }, (_, index) => `${index}` as RequestId);
    for (const id of ids) recent.add(id);
    expect(ids.slice(-6).every((id) => recent.has(id))).toBe(true);
    expect(ids.filter((id) => recent.has(id)).length).toBeLessThanOrEqual(10);
    expect(recent.has("0" as RequestId)).toBe(false);
  });

  test("a request remembered again counts once", () => {
    const recent = new RecentRequests(4);
    recent.add("kept" as RequestId);
    for (let time = 0; time < 10; time++) recent.add("again" as RequestId);
    expect(recent.has("kept" as RequestId)).toBe(true);
  });
});
