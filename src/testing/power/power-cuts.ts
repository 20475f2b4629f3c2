/**
 * Puts a recorded store through power cuts: makes the images that cuts leave, opens each with the real store, and judges
 * what is there against what the store had answered.
 *
 * An image is kept if it opens, SQLite finds it whole, it shows exactly the steps that were answered before the cut (or
 * one more, which was under way), and shows the same when it is opened again. Everything comes from one seed.
 */
import { Database } from "bun:sqlite";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Prng } from "../../base/prng.ts";
import { SqliteStore } from "../../tracker/store/sqlite-store.ts";
import { databaseIn } from "./record.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { type StoreScript, viewOf, viewsAfterEach } from "./store-script.ts";
import type { DiskEvent } from "./syscall-log.ts";

export type Verdict =
  | { readonly kind: "kept" }
  /** What was there once, but not all that was answered. */
  | { readonly kind: "lost"; readonly steps: number }
  | { readonly kind: "damaged"; readonly why: string };

export interface Cut {
  /** The power went before the event of this index. */
  readonly at: number;
  readonly answered: number;
  readonly isInCheckpoint: boolean;
  readonly verdict: Verdict;
}

export interface CutPlan {
  readonly script: StoreScript;
  readonly events: readonly DiskEvent[];
  readonly images: number;
  readonly seed: number;
  /** No cut is before this event. */
  readonly from?: number;
  /** A folder for one image at a time. */
  readonly folder: string;
}

/** Judges each image while it is there. In the order of the cuts. */
export function* powerCuts({ script, events, images, seed, from = 0, folder }: CutPlan): Generator<Cut> {
  const dice = new Prng(seed);
  const views = viewsAfterEach(script);
  const disk = new SimulatedDisk(dice);
  const inCheckpoint = checkpointsOf(events);
  let done = 0;
  let answered = 0;
  for (const at of choosePlaces({ from, to: events.length, inCheckpoint }, images, dice)) {
    for (const event of events.slice(done, at)) {
      disk.apply(event);
      answered = answeredBy(event) ?? answered;
    }
    done = at;
    const path = writeImage(folder, disk.image());
    const verdict = judge(path, script, { views, answered });
    yield { at, answered, isInCheckpoint: inCheckpoint.has(at), verdict };
  }
}

interface Places {
  readonly from: number;
  readonly to: number;
  readonly inCheckpoint: ReadonlySet<number>;
}

/** Rising. Checkpoints are few among many events: a third of all cuts is in one. */
function choosePlaces({ from, to, inCheckpoint }: Places, images: number, dice: Prng): number[] {
  const special = [...inCheckpoint].filter((at) => at >= from);
  const places = Array.from({ length: images }, (_, index) =>
    index % 3 === 0 && special.length > 0
      ? (special[dice.below(special.length)] ?? from)
      : from + dice.below(to - from + 1),
  );
  return places.sort((left, right) => left - right);
}

/** Where the database itself is under change, or names are: each event that does it, and the next. */
function checkpointsOf(events: readonly DiskEvent[]): Set<number> {
  const places = new Set<number>();
  for (const [index, event] of events.entries()) {
    const ofDatabase = "file" in event && event.file !== undefined && !event.file.endsWith("-wal");
    const ofNames = event.kind === "create" || event.kind === "remove" || event.kind === "sync-folder";
    if (ofDatabase || ofNames) places.add(index).add(index + 1);
  }
  return places;
}

/** @returns how many steps were answered when this was said */
export function answeredBy(event: DiskEvent): number | undefined {
  const count = event.kind === "said" ? /^done (\d+)$/.exec(event.line)?.[1] : undefined;
  return count === undefined ? undefined : Number(count);
}

/** @returns the path of the database, which may not be there */
function writeImage(folder: string, image: ReadonlyMap<string, Uint8Array>): string {
  const path = databaseIn(folder);
  rmSync(dirname(path), { recursive: true, force: true });
  mkdirSync(dirname(path));
  for (const [name, bytes] of image) writeFileSync(join(dirname(path), name), bytes);
  return path;
}

export interface Expected {
  /** After each number of steps. */
  readonly views: readonly string[];
  readonly answered: number;
}

/** @param path of a database that no process has open */
export function judge(path: string, script: StoreScript, { views, answered }: Expected): Verdict {
  let view: string;
  try {
    view = openedView(path, script);
    const again = openedView(path, script);
    if (again !== view) return { kind: "damaged", why: "opened again it shows something else" };
  } catch (error) {
    return { kind: "damaged", why: error instanceof Error ? error.message : String(error) };
  }
  if (view === views[answered] || view === views[answered + 1]) return { kind: "kept" };
  const shown = views.lastIndexOf(view, answered);
  return shown < 0
    ? { kind: "damaged", why: "it shows what never was" }
    : { kind: "lost", steps: answered - shown };
}

/** Opens, looks, closes; SQLite's own check is made by a second reader, before closing tidies up. */
function openedView(path: string, script: StoreScript): string {
  const store = SqliteStore.open(path);
  try {
    checkIntegrity(path);
    return viewOf(store, script);
  } finally {
    store.close();
  }
}

function checkIntegrity(path: string): void {
  const reader = new Database(path, { readonly: true });
  try {
    const found = reader.query<{ integrity_check: string }, []>("PRAGMA integrity_check").all();
    const [first] = found;
    if (found.length !== 1 || first?.integrity_check !== "ok")
      throw new Error(`SQLite finds it damaged: ${found.map((row) => row.integrity_check).join("; ")}`);
  } finally {
    reader.close();
  }
}
