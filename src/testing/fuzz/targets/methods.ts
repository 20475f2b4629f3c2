/**
 * Every method and notice of the protocols, from their tables: parameters and results as they come out of an envelope.
 * A new method or notice is a new target by itself.
 */
import type * as v from "valibot";
import { Failure } from "../../../base/failure.ts";
import { METHODS, notice } from "../../../wire/client-tracker.ts";
import { decodeMessage, encodeMessage } from "../../../wire/envelope.ts";
import { FRAME_HEADER_BYTES } from "../../../wire/frame.ts";
import { check, checkInput } from "../../../wire/schema.ts";
import { REPLICA_METHODS, replicaNotice } from "../../../wire/tracker-tracker.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { mustEqual } from "../fuzz-target.ts";
import { checkStable, parsedJson, schemaCase } from "./json-of-schema.ts";

interface Method {
  readonly params: v.GenericSchema;
  readonly result: v.GenericSchema;
}
type Table = Readonly<Record<string, Method>>;

/** Everything that the two protocols of trackers say, by what it is called in the names of targets. */
export const METHOD_TABLES: Readonly<Record<string, Table>> = {
  "client-tracker": METHODS,
  "tracker-tracker": REPLICA_METHODS,
};
const NOTICES: Readonly<Record<string, v.GenericSchema>> = {
  "client-tracker": notice,
  "tracker-tracker": replicaNotice,
};

/** What crosses the wire inside an envelope is what the schema sees. */
function checkWithin(text: string, check: (value: unknown) => unknown): boolean {
  const json = parsedJson(text);
  if (json === undefined) return false;
  const carried = carry(json.value);
  if (carried === undefined) return false;
  mustEqual(JSON.stringify(carried.value), JSON.stringify(json.value), "an envelope changes nothing in it");
  return checkStable(text, check);
}

/** @returns undefined for what no envelope can carry, which is refused whole */
function carry(value: unknown): { readonly value: unknown } | undefined {
  let frame: Uint8Array;
  try {
    frame = encodeMessage({ kind: "request", n: 1, method: "m", params: value });
  } catch {
    return undefined;
  }
  const message = decodeMessage(frame.subarray(FRAME_HEADER_BYTES));
  if (message instanceof Failure || message.envelope.kind !== "request") return undefined;
  return { value: message.envelope.params };
}

function methodTargets(protocol: string, table: Table): FuzzTarget<string>[] {
  return Object.entries(table).flatMap(([name, { params, result }]) => [
    {
      name: `${protocol} ${name} params`,
      generate: (draw) => schemaCase(draw, params),
      check: (text) => checkWithin(text, (value) => checkInput(params, value)),
    },
    {
      name: `${protocol} ${name} result`,
      generate: (draw) => schemaCase(draw, result),
      check: (text) => checkWithin(text, (value) => check(result, value)),
    },
  ]);
}

function noticeTargets(protocol: string, schema: v.GenericSchema): FuzzTarget<string>[] {
  const options = (schema as { readonly options?: readonly v.GenericSchema[] }).options ?? [];
  return options.map((option) => ({
    name: `${protocol} notice ${kindOf(option)}`,
    generate: (draw) => schemaCase(draw, option),
    check: (text) => checkWithin(text, (value) => check(schema, value)),
  }));
}

/** Of one option of a variant. */
export function kindOf(option: v.GenericSchema): string {
  const { entries } = option as unknown as {
    readonly entries: { readonly kind: { readonly literal: string } };
  };
  return entries.kind.literal;
}

export const methodFuzzTargets: readonly FuzzTarget<string>[] = [
  ...Object.entries(METHOD_TABLES).flatMap(([protocol, table]) => methodTargets(protocol, table)),
  ...Object.entries(NOTICES).flatMap(([protocol, schema]) => noticeTargets(protocol, schema)),
];
