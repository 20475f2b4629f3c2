/**
 * How fast an empty tracker comes to hold what another one holds: by entries while the log is whole, by rows of the state
 * where it was trimmed. Beside it, SQLite alone with the same rows.
 */
import { copyFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { World } from "../e2e/harness/world.ts";
import { PUSH_ENTRIES_MAX, REPEATABLE_ENTRIES_KEPT } from "../src/base/limits.ts";
import { SqliteStore } from "../src/tracker/store/sqlite-store.ts";
import type { FillRequest } from "./fill-tracker.ts";
import { hasReached, holdsAllOf } from "./in-step.ts";
import { entryCount, type HistorySizes } from "./made-history.ts";
import type { Measured } from "./measured.ts";
import { copyPlainly } from "./plain-sqlite.ts";
import { answerOf } from "./run-script.ts";
import { shownNumber } from "./table.ts";

export interface CatchUpSizes {
  readonly history: HistorySizes;
  readonly rounds: number;
}

const AIM_PER_SECOND = 100_000;

export async function* measureCatchUp({ history, rounds }: CatchUpSizes): AsyncGenerator<Measured> {
  await using world = new World(2);
  const full = world.dir("tracker-1", "data");
  const empty = world.dir("tracker-2", "data");
  const request: FillRequest = { folder: full, sizes: history, log: "whole", machines: [] };
  await answerOf("fill-tracker.ts", request);
  // A tracker forgets what the other one holds: each round begins with the database as it was.
  const database = world.path("as-filled.sqlite");
  renameSync(join(full, "tracker.sqlite"), database);
  const entries = entryCount(history);
  const common = { unit: "entries/s", aim: { atLeast: AIM_PER_SECOND } };
  for (const table of ["entry", "state_row"] as const) {
    if (table === "state_row") trimLog(database);
    const [values, alone]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      for (const folder of [full, empty]) dropDatabase(folder);
      copyFileSync(database, join(full, "tracker.sqlite"));
      values.push(entries / (await catchUpSeconds(world, database)));
      const copied = copyPlainly(world.folder, database, { table, batch: PUSH_ENTRIES_MAX });
      alone.push(entries / copied.seconds);
    }
    const what = table === "entry" ? "the same entries" : "the rows that stand for them";
    yield {
      ...common,
      what: `catch-up by ${table === "entry" ? "log" : "state"}, ${shownNumber(entries)} entries`,
      values,
      alone: { what: `SQLite inserts of ${what}, ${PUSH_ENTRIES_MAX} a transaction`, values: alone },
    };
  }
}

async function catchUpSeconds(world: World, database: string): Promise<number> {
  await using first = await world.startTracker(1);
  await using _second = await world.startTracker(2);
  await hasReached(first, 2);
  const startedMs = performance.now();
  await holdsAllOf(join(world.path("tracker-2", "data"), "tracker.sqlite"), database);
  return (performance.now() - startedMs) / 1000;
}

/** As compaction leaves it. */
function trimLog(database: string): void {
  const store = SqliteStore.open(database);
  store.trim(new Map([...store.vector()].map(([origin, seq]) => [origin, seq - REPEATABLE_ENTRIES_KEPT])));
  store.close();
}

function dropDatabase(folder: string): void {
  for (const end of ["", "-wal", "-shm"]) rmSync(join(folder, `tracker.sqlite${end}`), { force: true });
}
