/**
 * Entries of the log and rows of the state, one target for each kind, as they come from another tracker: the schema's own
 * text is canonical, and what is accepted can be applied to a state.
 */
import { Failure } from "../../../base/failure.ts";
import { ENTRY_BODY_CHARS_MAX } from "../../../base/limits.ts";
import { apply, mergeRow, State } from "../../../tracker/core/state.ts";
import { dumpState, rowAt } from "../../../tracker/core/state-rows.ts";
import { type Entry, encodeEntry, entry, entryBody, parseEntry } from "../../../wire/entry.ts";
import { encodeRow, parseStateRow, rowKey, type StateRow, stateRow } from "../../../wire/state-row.ts";
import { decodeEntries, decodeRows, encodeList } from "../../../wire/tracker-tracker.ts";
import type { Draw } from "../draw.ts";
import { type FuzzCase, type FuzzTarget, must, mustEqual } from "../fuzz-target.ts";
import { mutateBytes } from "../mutation.ts";
import { randomJson } from "../random-json.ts";
import { teach, validValue } from "../valid-value.ts";
import { jsonCase, parsedJson } from "./json-of-schema.ts";
import { kindOf } from "./methods.ts";

/** Of a kind that a newer program may know. */
function opaqueBody(draw: Draw): object {
  const fields = Array.from({ length: draw.below(4) }, () => [draw.letters(3), randomJson(draw, 2)] as const);
  return { ...Object.fromEntries(fields), kind: `new-${draw.hex(4)}` };
}

teach(entry.entries.body, (draw) =>
  draw.once(6) ? opaqueBody(draw) : validValue(draw, draw.pick(entryBody.options)),
);

export function validEntry(
  draw: Draw,
  body: unknown = validValue(draw, entry.entries.body),
): Record<string, unknown> {
  const made = validValue(draw, entry) as Record<string, unknown>;
  return { ...made, body };
}

function checkEntry(text: string): boolean {
  const json = parsedJson(text);
  if (json === undefined) return false;
  const found = parseEntry(json.value);
  if (found instanceof Failure) {
    mustEqual(found.code, "protocol", "a malformed entry is a breach of the protocol");
    return false;
  }
  mustBeCanonical(found);
  // Whatever came before: nothing of it is known here.
  const state = new State();
  apply(state, found);
  apply(state, found);
  for (const row of dumpState(state)) must(checkRow(row), "the state of accepted entries has valid rows");
  return true;
}

function mustBeCanonical(found: Entry): void {
  const text = encodeEntry(found);
  must(text.length <= ENTRY_BODY_CHARS_MAX + 1_000, "an entry is no longer than its limit");
  const again = parseEntry(JSON.parse(text));
  must(!(again instanceof Failure), "an entry that was encoded is accepted");
  mustEqual(encodeEntry(again), text, "one entry has one text");
}

function checkRow(text: string): boolean {
  const json = parsedJson(text);
  if (json === undefined) return false;
  const found = parseStateRow(json.value);
  if (found instanceof Failure) return false;
  const again = parseStateRow(JSON.parse(encodeRow(found)));
  must(!(again instanceof Failure), "a row that was encoded is accepted");
  mustEqual(encodeRow(again), encodeRow(found), "a row is the same after encoding and decoding");
  mustEqual(rowKey(again), rowKey(found), "a row keeps its key");
  mustMerge(found);
  return true;
}

/** A row joins into a state, twice as well as once. */
function mustMerge(row: StateRow): void {
  const state = new State();
  mergeRow(state, row);
  const once = dumpState(state);
  mergeRow(state, row);
  mustEqual(dumpState(state), once, "a row joins once and for all");
  const held = rowAt(state, rowKey(row));
  must(held === undefined || held.kind === row.kind, "a row is found by its key");
}

/** Of a list of good ones, as it travels in the tail of a message. */
function listCase(draw: Draw, valid: () => unknown): FuzzCase<Uint8Array> {
  const texts = Array.from({ length: draw.size(4) }, () => jsonCase(draw, valid));
  const list = encodeList(texts.map(({ input }) => input));
  if (draw.once(4)) return { input: draw.once(3) ? draw.bytes(draw.size(50)) : mutateBytes(draw, list) };
  return { input: list, isValid: texts.every(({ isValid }) => isValid) };
}

function checkList<T>(
  tail: Uint8Array,
  decode: (tail: Uint8Array) => readonly T[] | Failure,
  encode: (item: T) => string,
): boolean {
  const found = decode(tail);
  if (found instanceof Failure) {
    mustEqual(found.code, "protocol", "a malformed list is a breach of the protocol");
    return false;
  }
  const again = decode(encodeList(found.map(encode)));
  must(!(again instanceof Failure), "a list that was encoded is accepted");
  mustEqual(again.map(encode), found.map(encode), "a list is the same after encoding and decoding");
  return true;
}

export const entryFuzzTargets: readonly FuzzTarget[] = [
  ...entryBody.options.map(
    (body): FuzzTarget<string> => ({
      name: `entry ${kindOf(body)}`,
      generate: (draw) => jsonCase(draw, () => validEntry(draw, validValue(draw, body))),
      check: checkEntry,
    }),
  ),
  {
    name: "entry of an unknown kind",
    generate: (draw) => jsonCase(draw, () => validEntry(draw, opaqueBody(draw))),
    check: checkEntry,
  } satisfies FuzzTarget<string>,
  ...stateRow.options.map(
    (row): FuzzTarget<string> => ({
      name: `state row ${kindOf(row)}`,
      generate: (draw) => jsonCase(draw, () => validValue(draw, row)),
      check: checkRow,
    }),
  ),
  {
    name: "list of entries",
    generate: (draw) => listCase(draw, () => validEntry(draw)),
    check: (tail) => checkList(tail, decodeEntries, encodeEntry),
  } satisfies FuzzTarget<Uint8Array>,
  {
    name: "list of state rows",
    generate: (draw) => listCase(draw, () => validValue(draw, stateRow)),
    check: (tail) => checkList(tail, decodeRows, encodeRow),
  } satisfies FuzzTarget<Uint8Array>,
];
