/**
 * State rows as they come out of a store, many in one text. Pure; common to all stores.
 *
 * A store is outside the program, but its rows are the program's own and a start reads millions: each is held against
 * what the state could not bear, not against the whole schema, which costs ten times as much.
 */
import { Failure, toFailure } from "../../base/failure.ts";
import type { StateRow } from "../../wire/state-row.ts";

/** @param text a JSON array of rows' texts. @throws Failure "corrupt" */
export function parseRows(text: string): StateRow[] {
  const rows = parseJson(text);
  if (!Array.isArray(rows)) throw damaged(rows instanceof Failure ? rows.message : "no list");
  for (const row of rows) if (!isRow(row)) throw damaged(JSON.stringify(row).slice(0, 200));
  return rows;
}

function isRow(row: { [field: string]: unknown } | null): boolean {
  switch (row?.["kind"]) {
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return toFailure(error);
  }
}

function damaged(what: string): Failure {
  return new Failure("corrupt", `a row of the tracker's state is damaged: ${what}`);
}
