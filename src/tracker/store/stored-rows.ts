/**
 * A state row as it comes out of a store. Pure; common to all stores.
 *
 * A store is outside the program, but its rows are the program's own and a start reads millions: each is held against
 * what the state could not bear, not against the whole schema, which costs ten times as much.
 */
import { Failure } from "../../base/failure.ts";
import type { Gid, Uid } from "../../base/ids.ts";
import { type RowOf, rowKey, type SharedRow, type StateRow } from "../../wire/state-row.ts";

/** Of a damaged row, so much is repeated. */
const TEXT_SHOWN_CHARS = 200;

/** @throws Failure "corrupt" */
export function parseRow(text: string): StateRow {
  const row = parseJson(text);
  if (isRow(row)) return row;
  throw new Failure("corrupt", `a row of the tracker's state is damaged: ${text.slice(0, TEXT_SHOWN_CHARS)}`);
}

/** The rows as those of one account, or of all. @throws Failure "corrupt" */
export function* accountRows(rows: Iterable<StateRow>, uid: Uid | undefined): Generator<RowOf<"account">> {
  for (const row of rows) {
    if (row.kind !== "account") throw outOfPlace(row);
    if (uid !== undefined && row.uid !== uid) throw outOfPlace(row);
    yield row;
  }
}

/** The rows as those of what the group shares, or all groups. @throws Failure "corrupt" */
export function* sharedRows(rows: Iterable<StateRow>, gid: Gid | undefined): Generator<SharedRow> {
  for (const row of rows) {
    if (row.kind !== "file" && row.kind !== "share") throw outOfPlace(row);
    if (gid !== undefined && row.gid !== gid) throw outOfPlace(row);
    yield row;
  }
}

export function outOfPlace(row: StateRow): Failure {
  return new Failure("corrupt", `a row of the tracker's state is out of place: ${rowKey(row)}`);
}

function isRow(value: unknown): value is StateRow {
  if (!isRecord(value)) return false;
  const row = value as { readonly [field: string]: unknown };
  switch (row["kind"]) {
    case "account":
      return isId(row["uid"], 32) && isRecord(row["password"]);
    case "group":
      return isId(row["gid"], 32) && Array.isArray(row["transfers"]);
    case "person":
      return isId(row["gid"], 32) && isId(row["uid"], 32) && Array.isArray(row["open"]);
    case "file":
      return isId(row["gid"], 32) && isId(row["fileId"], 64) && isRecord(row["listing"]);
    case "share":
      return (
        isId(row["gid"], 32) && isId(row["fileId"], 64) && isId(row["uid"], 32) && isId(row["device"], 64)
      );
    default:
      return false;
  }
}

function isId(value: unknown, digits: number): boolean {
  return typeof value === "string" && value.length === digits;
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** @returns undefined for what is no JSON */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
