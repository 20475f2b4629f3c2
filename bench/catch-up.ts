/**
 * How fast an empty tracker comes to hold what another one holds: by entries while the log is whole, by rows of the state
 * where it was trimmed. Beside it, SQLite alone with the same rows.
 */
import { Database } from "bun:sqlite";
import { copyFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { World } from "../e2e/harness/world.ts";
import { PUSH_ENTRIES_MAX } from "../src/base/limits.ts";
import type { FillRequest } from "./fill-tracker.ts";
import { hasReached, holdsAllOf } from "./in-step.ts";
import { entryCount, type HistorySizes } from "./made-history.ts";
import type { Measured } from "./measured.ts";
import { copyPlainly } from "./plain-sqlite.ts";
import { answerOf } from "./run-script.ts";
import { shownNumber } from "./table.ts";

export interface CatchUpSizes {
  readonly history: HistorySizes;
  readonly log: FillRequest["log"];
  readonly rounds: number;
}

const AIM_PER_SECOND = 100_000;

export async function measureCatchUp({ history, log, rounds }: CatchUpSizes): Promise<Measured> {
  await using world = new World(2);
  const full = world.dir("tracker-1", "data");
  const empty = world.dir("tracker-2", "data");
  const request: FillRequest = { folder: full, sizes: history, log, machines: [] };
  await answerOf("fill-tracker.ts", request);
  // A tracker forgets what the other one holds: each round begins with the log as it was.
  const database = world.path("as-filled.sqlite");
  renameSync(join(full, "tracker.sqlite"), database);
  const table = log === "whole" ? "entry" : "state_row";
  const entries = entryCount(history);
  const [values, alone]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const folder of [full, empty]) dropDatabase(folder);
    copyFileSync(database, join(full, "tracker.sqlite"));
    const first = await world.startTracker(1);
    const second = await world.startTracker(2);
    await hasReached(first, 2);
    const startedMs = performance.now();
    await holdsAllOf(join(empty, "tracker.sqlite"), database);
    values.push(entries / ((performance.now() - startedMs) / 1000));
    await Promise.all([first.crash(), second.crash()]);
    assertSame(database, join(empty, "tracker.sqlite"), table);
    const copied = copyPlainly(world.folder, database, { table, batch: PUSH_ENTRIES_MAX });
    alone.push(entries / copied.seconds);
  }
  const shown = shownNumber(entries);
  return {
    what: log === "whole" ? `catch-up, log of ${shown} entries` : `catch-up, state of ${shown} entries`,
    unit: "entries/s",
    values,
    alone: {
      what: `SQLite inserts of the same ${log === "whole" ? "entries" : "rows"}, ${PUSH_ENTRIES_MAX} a transaction`,
      values: alone,
    },
    aim: { atLeast: AIM_PER_SECOND },
  };
}

function dropDatabase(folder: string): void {
  for (const end of ["", "-wal", "-shm"]) rmSync(join(folder, `tracker.sqlite${end}`), { force: true });
}

/** What is measured must have happened. */
function assertSame(database: string, other: string, table: string): void {
  const rows = (path: string) => {
    using db = new Database(path, { readonly: true });
    return db.query<{ rows: number }, []>(`SELECT count(*) AS rows FROM ${table}`).get()?.rows;
  };
  const [wanted, got] = [rows(database), rows(other)];
  if (got !== wanted) throw new Error(`in step with ${got} rows of ${wanted}`);
}
