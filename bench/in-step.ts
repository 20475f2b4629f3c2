/** Waiting for real trackers to have met, and to hold the same on their disks. */
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import type { Program } from "../e2e/harness/program.ts";

const LOOK_PAUSE_MS = 10;
const WAIT_MS_MAX = 1_800_000;

/** Resolves when `tracker` has reached the other one. */
export async function hasReached(tracker: Program, other: number): Promise<void> {
  await tracker.line(new RegExp(`tracker ${other} at \\S+ reached`));
}

/**
 * Resolves when the database of a tracker holds what another one's holds now. Its file is asked, not the tracker: that
 * would have to walk its files each time.
 */
export async function holdsAllOf(database: string, other: string): Promise<void> {
  const wanted = heldIn(other);
  const lateMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const held = heldIn(database);
    if ([...wanted].every(([origin, seq]) => (held.get(origin) ?? 0) >= seq)) return;
    if (performance.now() > lateMs) throw new Error(`${database} lacks entries after ${WAIT_MS_MAX} ms`);
    await Bun.sleep(LOOK_PAUSE_MS);
  }
}

/** Durable there: in the log, or gone from it into the rows. */
function heldIn(database: string): Map<string, number> {
  if (!existsSync(database)) return new Map();
  using db = new Database(database, { readonly: true });
  db.run("PRAGMA busy_timeout = 2000");
  const rows = db
    .query<{ name: string; seq: number }, []>(
      "SELECT name, max(floor, coalesce((SELECT max(seq) FROM entry WHERE origin = id), 0)) AS seq FROM origin",
    )
    .all();
  return new Map(rows.map(({ name, seq }) => [name, seq]));
}
