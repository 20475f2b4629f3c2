import { expect, test } from "bun:test";
import type { Fingerprint } from "../src/base/ids.ts";
import { checkInvariants } from "../src/tracker/core/state.ts";
import type { Origin } from "../src/wire/entry.ts";
import { entryCount, hexOf, MadeHistory, madeUid } from "./made-history.ts";

test("a history has what it was asked for, and as many entries as were counted before", () => {
  const sizes = { users: 20, groups: 4, members: 12, files: 30 };
  const deviceOf = (user: number) => hexOf<Fingerprint>(`device ${user}`);
  const history = new MadeHistory(sizes, {
    origin: "1-00000000000000aa" as Origin,
    nowMs: 1_000_000,
    deviceOf,
  });
  expect([...history.entries()]).toHaveLength(entryCount(sizes));
  const { users, groups, shares } = history.core.state;
  expect([users.size, groups.size]).toEqual([20, 4]);
  expect([...shares.digests()]).toHaveLength(30);
  expect(users.name(madeUid(3))).toBe("user-3" as ReturnType<typeof users.name>);
  checkInvariants(history.core.state);
});
