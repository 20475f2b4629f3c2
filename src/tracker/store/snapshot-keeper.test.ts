import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { Failure } from "../../base/failure.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import { TestTracker } from "../../testing/test-tracker.ts";
import { rowsOf } from "../core/state-rows.ts";
import { SnapshotKeeper } from "./snapshot-keeper.ts";
import { SqliteStore } from "./sqlite-store.ts";

const AT_MS = Date.parse("2026-07-01T10:20:30.456Z");
const HOUR_MS = 3_600_000;

async function setUp() {
  const folder = await TempFolder.make();
  const database = folder.join("tracker.sqlite");
  const copies = folder.join("snapshots");
  return { folder, database, copies, store: SqliteStore.open(database) };
}

test("a copy opens as a store and holds everything that was acknowledged before it began", async () => {
  const { folder, database, copies, store } = await setUp();
  await using _ = folder;
  const tracker = new TestTracker();
  const ann = tracker.createUser("ann");
  tracker.createGroup(ann, "lab");
  store.append(tracker.log);
  store.saveRows([...rowsOf(tracker.state)]);
  store.checkpoint(tracker.core.vector);
  store.setMeta("key", "value");
  const keeper = new SnapshotKeeper(database, copies);
  expect(keeper.lastMs).toBeUndefined();
  const made = keeper.take(AT_MS);
  expect(keeper.take(AT_MS + 1)).toBe(made);
  await made;
  expect(keeper.lastMs).toBe(AT_MS);
  expect(readdirSync(copies)).toEqual(["tracker-2026-07-01T10-20-30-456Z.sqlite"]);
  const copy = SqliteStore.open(folder.join("snapshots", "tracker-2026-07-01T10-20-30-456Z.sqlite"));
  expect([...copy.replay()]).toEqual([...store.replay()]);
  expect([...copy.loadRows()]).toEqual([...store.loadRows()]);
  expect([copy.rowSum(), copy.getMeta("key")]).toEqual([store.rowSum(), "value"]);
  expect(copy.checkpointed()).toEqual(store.checkpointed());
  copy.close();
  store.close();
});

test.skipIf(process.platform === "win32")("nobody else may read it", async () => {
  const { folder, database, copies, store } = await setUp();
  await using _ = folder;
  await new SnapshotKeeper(database, copies).take(AT_MS);
  for (const name of readdirSync(copies))
    expect(statSync(folder.join("snapshots", name)).mode & 0o077).toBe(0);
  store.close();
});

test("the two newest are kept, what an interrupted one left is removed, other files are left alone", async () => {
  const { folder, database, copies, store } = await setUp();
  await using _ = folder;
  mkdirSync(copies);
  for (const name of ["tracker-2026-07-01T10-20-30-456Z.sqlite.tmp", "notes.txt"])
    writeFileSync(folder.join("snapshots", name), "left over");
  const keeper = new SnapshotKeeper(database, copies);
  for (const hours of [0, 1, 2]) await keeper.take(AT_MS + hours * HOUR_MS);
  expect(readdirSync(copies).sort()).toEqual([
    "notes.txt",
    "tracker-2026-07-01T11-20-30-456Z.sqlite",
    "tracker-2026-07-01T12-20-30-456Z.sqlite",
  ]);
  expect(new SnapshotKeeper(database, copies).lastMs).toBe(AT_MS + 2 * HOUR_MS);
  store.close();
});

test("a copy that cannot be made is told in one line, and the next one is", async () => {
  const { folder, database, copies, store } = await setUp();
  await using _ = folder;
  writeFileSync(copies, "in the way");
  const keeper = new SnapshotKeeper(database, copies);
  const failure = await keeper.take(AT_MS).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Failure);
  expect((failure as Failure).code).toBe("disk-error");
  expect((failure as Failure).message).toContain(copies);
  expect((failure as Failure).message).not.toContain("\n");
  expect(keeper.lastMs).toBeUndefined();
  store.close();
});
