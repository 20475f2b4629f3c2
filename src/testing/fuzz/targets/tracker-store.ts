/**
 * The tracker's database as it may be found at a start: rows with odd values, and a file with damaged bytes. What a
 * tracker does with it at first ends in a failure that names the damage, or in service.
 */
import { Database } from "bun:sqlite";
import { readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { Failure } from "../../../base/failure.ts";
import type { Digest, Uid } from "../../../base/ids.ts";
import { digestOf } from "../../../base/manifest.ts";
import { Checkpointer } from "../../../tracker/checkpointer.ts";
import { TrackerCore } from "../../../tracker/core/machine.ts";
import { mergeRow, State } from "../../../tracker/core/state.ts";
import { dumpState, rowsOf, stampsOf } from "../../../tracker/core/state-rows.ts";
import { NewsBook } from "../../../tracker/news.ts";
import { fromRow, toRow } from "../../../tracker/store/log-row.ts";
import { SqliteStore } from "../../../tracker/store/sqlite-store.ts";
import { parseRow } from "../../../tracker/store/stored-rows.ts";
import { TrackerKeys } from "../../../tracker/tracker-keys.ts";
import { type Entry, entry, entryBody, type Origin, parseEntry } from "../../../wire/entry.ts";
import { stateRow } from "../../../wire/state-row.ts";
import { ManualClock } from "../../manual-clock.ts";
import { TempFolder } from "../../temp-folder.ts";
import { Draw } from "../draw.ts";
import { type FuzzTarget, must, mustEqual, orFailure } from "../fuzz-target.ts";
import { jsonText, mutateJson, randomJson } from "../random-json.ts";
import { validValue } from "../valid-value.ts";
import { damageCase, damaged } from "./file-damage.ts";
import { jsonCase, parsedJson } from "./json-of-schema.ts";

const STORE_BYTES = 2 ** 23;
const ENTRIES = 60;
const [FIRST, SECOND, OWN] = [
  "1-00000000000000aa",
  "2-00000000000000bb",
  "3-00000000000000cc",
] as Origin[] as [Origin, Origin, Origin];
const BLOB = new Uint8Array(520).fill(7);
const UID = "a".repeat(32) as Uid;
const PLACE = { host: "10.0.0.1", port: 5_000 };
const EXPECTED = ["corrupt", "disk-error"] as const;

/** A database that a tracker has left: entries, some of them in rows and trimmed, a piece list, small values. */
async function wholeDatabase(draw: Draw): Promise<Uint8Array> {
  await using folder = await TempFolder.inMemory(STORE_BYTES);
  const path = folder.join("tracker.db");
  const store = SqliteStore.open(path);
  const core = new TrackerCore(OWN);
  const entries = [FIRST, SECOND].flatMap((origin) =>
    Array.from({ length: ENTRIES }, (_, at) => anyEntry(draw, origin, at + 1)),
  );
  store.append(entries);
  core.apply(entries, 1_000);
  store.saveRows([...rowsOf(core.state)]);
  store.checkpoint(new Map([[FIRST, ENTRIES / 2]]));
  store.trim(new Map([[FIRST, ENTRIES / 4]]));
  store.putBlob(digestOf(BLOB), 0, BLOB, BLOB.length);
  new NewsBook(store).keep(new Map([[UID, [{ kind: "password-lost" }]]]));
  new TrackerKeys("own", [PLACE], store).learn(PLACE, "other");
  store.close();
  return readFileSync(path);
}

function anyEntry(draw: Draw, origin: Origin, seq: number): Entry {
  const made = validValue(draw, entry) as Entry;
  const body = validValue(draw, draw.pick(entryBody.options));
  const found = parseEntry({ ...made, key: { origin, seq }, body });
  if (found instanceof Failure) throw found;
  return found;
}

let whole: Uint8Array | undefined;

async function startOn(change: (path: string, bytes: Uint8Array) => void): Promise<boolean> {
  whole ??= await wholeDatabase(new Draw(1));
  await using folder = await TempFolder.inMemory(STORE_BYTES);
  const path = folder.join("tracker.db");
  change(path, whole);
  return !(orFailure(() => serve(path), [...EXPECTED, "file-refused"]) instanceof Failure);
}

/** What a start does, and then some of everything else. */
function serve(path: string): void {
  const store = SqliteStore.open(path);
  try {
    const core = new TrackerCore(OWN);
    const turns: (() => void)[] = [];
    const failed = (failure: Failure) => {
      throw failure;
    };
    const afterTurn = (run: () => void) => turns.push(run);
    const checkpointer = new Checkpointer({ core, store, clock: new ManualClock(), afterTurn, failed });
    checkpointer.restore();
    dumpState(core.state);
    new NewsBook(store).take(UID);
    must(new TrackerKeys("own", [PLACE], store).all.length > 0, "the own key counts");
    store.getBlob(digestOf(BLOB), 0, BLOB.length);
    store.hasBlob("0".repeat(64) as Digest);
    for (const origin of [FIRST, SECOND]) store.entryTexts(origin, 0, 1_000);
    const fresh = anyEntry(new Draw(2), OWN, (store.vector().get(OWN) ?? 0) + 1);
    store.append([fresh]);
    core.apply([fresh], 2_000);
    checkpointer.applied([fresh]);
    store.saveRows([...rowsOf(core.state)]);
    store.checkpoint(core.covered());
    store.trim(core.covered());
    checkpointer.close();
  } finally {
    store.close();
  }
}

const damagedFile: FuzzTarget<Uint8Array> = {
  name: "damaged tracker database",
  fewer: { runs: 200, because: "each input is a database on disk that a tracker starts on" },
  generate: damageCase,
  check: (input) => startOn((path, bytes) => writeFileSync(path, damaged(bytes, input))),
};

const odd = v.string();
/** A table, a column, and what stands there in the first row, or in all. */
const COLUMNS = [
  ["entry", "stamp"],
  ["entry", "request"],
  ["entry", "body"],
  ["entry", "seq"],
  ["origin", "name"],
  ["origin", "floor"],
  ["origin", "checkpointed"],
  ["state_row", "key"],
  ["state_row", "name"],
  ["state_row", "text"],
  ["row_totals", "sum"],
  ["row_totals", "files"],
  ["meta", "key"],
  ["meta", "value"],
  ["blob", "digest"],
  ["blob", "total"],
  ["blob", "whole"],
  ["blob_part", "offset"],
] as const;

/** JSON: the place of a column, how far into its table, the value. */
const oddRows: FuzzTarget<string> = {
  name: "tracker database with odd rows",
  fewer: { runs: 300, because: "each input is a database on disk that a tracker starts on" },
  generate(draw) {
    const column = draw.below(COLUMNS.length);
    const row = validValue(draw, stateRow);
    const value = draw.pick([
      () => draw.number(),
      () => draw.text(),
      () => jsonText(draw, mutateJson(draw, row)),
      () => JSON.stringify(row),
      () => jsonText(draw, mutateJson(draw, [{ kind: "password-lost" }])),
      () => jsonText(draw, mutateJson(draw, validValue(draw, draw.pick(entryBody.options)))),
      () => validValue(draw, odd),
      () => null,
    ])();
    return { input: JSON.stringify([column, draw.below(60), value]) };
  },
  check(text) {
    const json = parsedJson(text);
    if (json === undefined || !Array.isArray(json.value)) return false;
    const [column, offset, value] = json.value as [number, number, string | number | null];
    return startOn((path, bytes) => {
      writeFileSync(path, bytes);
      putOdd(path, COLUMNS[column] ?? COLUMNS[0], offset, value);
    });
  },
};

function putOdd(
  path: string,
  [table, column]: readonly [string, string],
  offset: number,
  value: string | number | null,
): void {
  const db = new Database(path);
  try {
    const { held } = db.query(`SELECT count(*) AS held FROM ${table}`).get() as { held: number };
    const picked = db
      .query(`SELECT ${column} AS picked FROM ${table} LIMIT 1 OFFSET ?`)
      .get(offset % Math.max(1, held)) as {
      picked: string | number;
    };
    db.query(`UPDATE ${table} SET ${column} = ? WHERE ${column} = ?`).run(value, picked.picked);
  } catch {
    // What the table itself refuses stands nowhere.
  } finally {
    db.close();
  }
}

const logRows: FuzzTarget<string> = {
  name: "rows of the log",
  generate: (draw) => jsonCase(draw, () => toRow(anyEntry(draw, FIRST, draw.between(1, 1_000)))),
  check(text) {
    const json = parsedJson(text);
    if (typeof json?.value !== "object" || json.value === null) return false;
    const row = json.value as Parameters<typeof fromRow>[0];
    // What a database can hold.
    const isColumn = (value: unknown) => value === null || ["string", "number"].includes(typeof value);
    if (typeof row.body !== "string" || !Object.values(row).every(isColumn)) return false;
    const found = orFailure(() => fromRow(row), ["corrupt"]);
    if (found instanceof Failure) return false;
    mustEqual(fromRow(toRow(found)), found, "an entry is the same after storing and reading");
    return true;
  },
};

const storedRows: FuzzTarget<string> = {
  name: "stored state rows",
  generate: (draw) =>
    draw.once(10)
      ? { input: jsonText(draw, randomJson(draw)) }
      : jsonCase(draw, () => validValue(draw, draw.pick(stateRow.options))),
  check(text) {
    const row = orFailure(() => parseRow(text), ["corrupt"]);
    if (row instanceof Failure) return false;
    const state = new State();
    for (const stamp of stampsOf(row)) must(/^[0-9a-f]{16}$/.test(stamp), "the clock is given stamps alone");
    mergeRow(state, row);
    dumpState(state);
    return true;
  },
};

export const trackerStoreFuzzTargets: readonly FuzzTarget[] = [logRows, storedRows, oddRows, damagedFile];
