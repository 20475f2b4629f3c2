/**
 * How far the log and the rows of a database are, as it says when it is opened: held against what cannot be, since all that
 * is read or written afterwards builds on it. Pure.
 */
import * as v from "valibot";
import { Failure } from "../../base/failure.ts";
import { origin } from "../../wire/entry.ts";
import { whole } from "../../wire/schema.ts";
import type { OriginRow, RowTotals } from "./sqlite-statements.ts";

const origins = v.array(
  v.object({ id: whole, name: origin, floor: whole, checkpointed: whole, last: v.nullable(whole) }),
);
const totals = v.object({ sum: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)), files: whole });

/** @throws Failure "corrupt" */
export function checkOrigins(path: string, rows: readonly OriginRow[]): void {
  if (!v.is(origins, rows)) throw damaged(path, "how far its log is");
}

/** @throws Failure "corrupt" */
export function checkTotals(path: string, row: RowTotals): RowTotals {
  if (!v.is(totals, row)) throw damaged(path, "what its rows come to");
  return row;
}

function damaged(path: string, what: string): Failure {
  return new Failure("corrupt", `the tracker's database is damaged, ${what} makes no sense: ${path}`);
}
