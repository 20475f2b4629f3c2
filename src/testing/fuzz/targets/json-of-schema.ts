/**
 * How a JSON text of some schema is fuzzed: valid ones made from the schema, those with a part changed, and any others.
 *
 * What is accepted and written again is accepted again as the same value, carries no key that could reach a prototype,
 * and what is refused can be told to the other side.
 */
import type * as v from "valibot";
import { Failure } from "../../../base/failure.ts";
import { decodeMessage, encodeMessage } from "../../../wire/envelope.ts";
import type { Draw } from "../draw.ts";
import { type FuzzCase, must, mustEqual } from "../fuzz-target.ts";
import { jsonText, mutateJson, randomJson } from "../random-json.ts";
import { validValue } from "../valid-value.ts";

/** @returns a text, valid in two of five cases */
export function jsonCase(draw: Draw, valid: () => unknown): FuzzCase<string> {
  const turn = draw.below(5);
  if (turn < 2) return { input: JSON.stringify(valid()), isValid: true };
  if (turn < 4) return { input: jsonText(draw, mutateJson(draw, structuredClone(valid()))) };
  return { input: jsonText(draw, randomJson(draw)) };
}

export function schemaCase(draw: Draw, schema: v.GenericSchema): FuzzCase<string> {
  return jsonCase(draw, () => validValue(draw, schema));
}

/** @returns undefined for what is no JSON */
export function parsedJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** @param check as the program calls it. @returns whether it was accepted */
export function checkStable(text: string, check: (value: unknown) => unknown): boolean {
  const json = parsedJson(text);
  if (json === undefined) return false;
  const found = check(json.value);
  if (found instanceof Failure) {
    mustBeTold(found);
    return false;
  }
  const written = JSON.stringify(found);
  const again = check(JSON.parse(written));
  must(!(again instanceof Failure), "what was accepted is accepted again when it is written");
  mustEqual(JSON.stringify(again), written, "what was accepted stays the same when it is written");
  must(!written.includes('"__proto__":'), "no value carries the key of a prototype");
  return true;
}

/** A refusal reaches the other side as it is, though cut short perhaps. */
function mustBeTold(failure: Failure): void {
  const frame = encodeMessage({ kind: "refusal", n: 1, failure });
  const told = decodeMessage(frame.subarray(5));
  must(!(told instanceof Failure) && told.envelope.kind === "refusal", "a refusal can be told");
  mustEqual(told.envelope.failure.code, failure.code, "a refusal keeps its code");
}
