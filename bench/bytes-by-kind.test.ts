import { expect, test } from "bun:test";
import type { Fingerprint } from "../src/base/ids.ts";
import { TempFolder } from "../src/testing/temp-folder.ts";
import { rowsOf } from "../src/tracker/core/state-rows.ts";
import { SqliteStore } from "../src/tracker/store/sqlite-store.ts";
import type { Origin } from "../src/wire/entry.ts";
import { bytesByKind } from "./bytes-by-kind.ts";
import { hexOf, MadeHistory } from "./made-history.ts";

test("users, groups, members, files and the log share the whole file among them", async () => {
  await using folder = await TempFolder.make();
  const deviceOf = () => hexOf<Fingerprint>("device");
  const sizes = { users: 10, groups: 2, members: 5, files: 7 };
  const origin = "1-00000000000000aa" as Origin;
  const history = new MadeHistory(sizes, { origin, nowMs: 1_000_000, deviceOf });
  const path = folder.join("tracker.sqlite");
  const store = SqliteStore.open(path);
  store.append([...history.entries()]);
  store.saveRows([...rowsOf(history.core.state)]);
  store.close();
  const kinds = bytesByKind(path, 1_000);
  expect(Object.fromEntries(kinds.map(({ kind, count }) => [kind, count]))).toEqual({
    user: 10,
    group: 2,
    member: 7,
    file: 7,
    "log entry": 40,
  });
  expect(kinds.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(1_000);
});
