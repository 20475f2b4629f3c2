/**
 * A state row as it comes out of a store. Pure; common to all stores.
 *
 * A store is outside the program, but its rows are the program's own and a start reads millions: each is held against
 * what the state could not bear, not against the whole schema, which costs ten times as much.
 */
import { Failure } from "../../base/failure.ts";
import type { Gid, Uid } from "../../base/ids.ts";
import { forTerminal } from "../../base/text.ts";
import { type RowOf, rowKey, type SharedRow, type StateRow } from "../../wire/state-row.ts";

/** Of a damaged row, so much is repeated. */
const TEXT_SHOWN_CHARS = 200;

/** @throws Failure "corrupt" */
export function parseRow(text: string): StateRow {
  const row = parseJson(text);
  if (isRow(row)) return row;
  const shown = forTerminal(String(text).slice(0, TEXT_SHOWN_CHARS));
  throw new Failure("corrupt", `a row of the tracker's state is damaged: ${shown}`);
}

/** The rows as those of one account, or of all. @throws Failure "corrupt" */
export function* accountRows(rows: Iterable<StateRow>, uid: Uid | undefined): Generator<RowOf<"account">> {
  for (const row of rows) {
    if (row.kind !== "account") throw outOfPlace(rowKey(row));
    if (uid !== undefined && row.uid !== uid) throw outOfPlace(rowKey(row));
    yield row;
  }
}

/** The rows as those of what the group shares, or all groups. @throws Failure "corrupt" */
export function* sharedRows(rows: Iterable<StateRow>, gid: Gid | undefined): Generator<SharedRow> {
  for (const row of rows) {
    if (row.kind !== "file" && row.kind !== "share") throw outOfPlace(rowKey(row));
    if (gid !== undefined && row.gid !== gid) throw outOfPlace(rowKey(row));
    yield row;
  }
}

export function outOfPlace(key: string): Failure {
  const shown = forTerminal(key.slice(0, TEXT_SHOWN_CHARS));
  return new Failure("corrupt", `a row of the tracker's state is out of place: ${shown}`);
}

/** Whether that can be an account and its name, null where it is not known yet. */
export function isAccountName(uid: unknown, name: unknown): boolean {
  return isId(uid, 32) && (name === null || isText(name));
}

function isRow(value: unknown): value is StateRow {
  if (!isRecord(value)) return false;
  switch (value["kind"]) {
    case "account":
      return isId(value["uid"], 32) && isCreation(value["creation"]) && isClaimed(value["password"], "hash");
    case "group":
      return (
        isId(value["gid"], 32) && isCreation(value["creation"]) && isListOf(value["transfers"], isTransfer)
      );
    case "person":
      return isPerson(value);
    case "file":
      return isId(value["gid"], 32) && isListingRef(value) && isListing(value["listing"]);
    case "share":
      return isShare(value);
    default:
      return false;
  }
}

function isPerson(row: Fields): boolean {
  return (
    isId(row["gid"], 32) &&
    isId(row["uid"], 32) &&
    isListOf(row["open"], isOpenRequest) &&
    isListOf(row["closed"], isText) &&
    isListOf(row["removals"], isText)
  );
}

function isOpenRequest(value: unknown): boolean {
  return isRecord(value) && isText(value["joinId"]) && isListOf(value["accepts"], isAccept);
}

function isAccept(value: unknown): boolean {
  return (
    isRecord(value) &&
    [value["origin"], value["acceptId"], value["by"]].every(isText) &&
    isNumber(value["seq"]) &&
    isNumber(value["epoch"]) &&
    isListOf(value["removals"], isText)
  );
}

function isTransfer(value: unknown): boolean {
  return (
    isClaimed(value, "from") &&
    isClaimed(value, "to") &&
    isNumber(value["seq"]) &&
    isNumber(value["epoch"]) &&
    isListOf(value["vector"], (key) => isRecord(key) && isText(key["origin"]) && isNumber(key["seq"]))
  );
}

function isListingRef({ fileId, listingId }: Fields): boolean {
  return isId(fileId, 64) && (listingId === undefined || isId(listingId, 64));
}

function isListing(value: unknown): boolean {
  return (
    isClaimed(value, "name") && isNumber(value["size"]) && isText(value["sha1"]) && isId(value["digest"], 64)
  );
}

function isShare(row: Fields): boolean {
  return (
    isId(row["gid"], 32) &&
    isListingRef(row) &&
    isId(row["uid"], 32) &&
    isId(row["device"], 64) &&
    isNumber(row["counter"]) &&
    typeof row["stamp"] === "string" &&
    STAMP.test(row["stamp"])
  );
}

/** A group's also says who made it. */
function isCreation(value: unknown): boolean {
  return value === undefined || isClaimed(value, "name");
}

/** A claim and, beside it, a text of that name. */
function isClaimed(value: unknown, name: string): value is Fields {
  return (
    isRecord(value) && typeof value["claim"] === "string" && CLAIM.test(value["claim"]) && isText(value[name])
  );
}

type Fields = { readonly [field: string]: unknown };

/** By stamps the clock goes on: one that is none would stop it. */
const STAMP = /^[0-9a-f]{16}$/;
const CLAIM = /^[0-9a-f]{16} ./;

function isId(value: unknown, digits: number): boolean {
  return typeof value === "string" && value.length === digits;
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isRecord(value: unknown): value is Fields {
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
