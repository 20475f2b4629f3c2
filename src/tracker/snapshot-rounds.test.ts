import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import { SNAPSHOT_EVERY_MS, SNAPSHOT_FIRST_MS } from "../base/limits.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { SnapshotRounds } from "./snapshot-rounds.ts";

function setUp(lastMs?: number) {
  const clock = new ManualClock();
  const taken: number[] = [];
  const reported: unknown[] = [];
  const world = { version: "1", broken: false };
  const snapshots = {
    lastMs,
    folder: "snapshots",
    async take(nowMs: number) {
      if (world.broken) throw new Failure("disk-error", "full");
      taken.push(nowMs);
    },
  };
  const rounds = new SnapshotRounds({
    snapshots,
    clock,
    version: () => world.version,
    report: (error) => reported.push(error),
  });
  const hour = async () => {
    clock.advance(SNAPSHOT_EVERY_MS);
    await settle();
  };
  return { clock, taken, reported, world, rounds, hour };
}

test("the first copy is made soon after a start, unless there is a young one", async () => {
  const { clock, taken } = setUp();
  clock.advance(SNAPSHOT_FIRST_MS);
  await settle();
  expect(taken).toHaveLength(1);

  const startMs = new ManualClock().nowMs();
  const later = setUp(startMs - SNAPSHOT_EVERY_MS / 2);
  later.clock.advance(SNAPSHOT_EVERY_MS / 2 - 1);
  await settle();
  expect(later.taken).toEqual([]);
  later.clock.advance(1);
  await settle();
  expect(later.taken).toHaveLength(1);
});

test("a copy is made each hour in which something changed", async () => {
  const { clock, taken, world, hour } = setUp();
  clock.advance(SNAPSHOT_FIRST_MS);
  await settle();
  const firstMs = clock.nowMs();
  await hour();
  world.version = "2";
  await hour();
  expect(taken).toEqual([firstMs, clock.nowMs()]);
});

test("a copy that fails is told, and tried again an hour later", async () => {
  const { taken, reported, world, hour } = setUp();
  world.broken = true;
  await hour();
  expect(reported.map((error) => (error as Failure).code)).toEqual(["disk-error"]);
  world.broken = false;
  await hour();
  expect(taken).toHaveLength(1);
});

test("stopped, it leaves nothing behind", async () => {
  const { clock, taken, rounds, hour } = setUp();
  rounds.stop();
  await hour();
  expect([taken.length, clock.pending]).toEqual([0, 0]);
});
