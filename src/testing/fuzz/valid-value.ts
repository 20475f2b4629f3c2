/**
 * Values that a schema accepts, made from the schema itself, so that a method or field that is new is fuzzed without a
 * word here. Only the leaves that a parser of the domain guards have a generator each; a schema of a kind unknown here
 * is an error.
 */
import type * as v from "valibot";
import { type Address, isHost } from "../../base/address.ts";
import { Failure } from "../../base/failure.ts";
import { parseFileName, parseGroupName, parsePassword, parseUserName } from "../../base/ids.ts";
import * as s from "../../wire/schema.ts";
import type { Draw } from "./draw.ts";
import { matching } from "./regex-text.ts";

/** What is looked at of a schema. */
interface Shape {
  readonly type: string;
  readonly pipe?: readonly Step[];
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly options?: readonly (v.GenericSchema | string)[];
  readonly literal?: unknown;
  readonly item?: v.GenericSchema;
  readonly wrapped?: v.GenericSchema;
}
interface Step extends Partial<Shape> {
  readonly kind: string;
  readonly type: string;
  readonly requirement?: unknown;
}

type Make = (draw: Draw) => unknown;

const ITEMS_MAX = 4;
const TEXT_CHARS = 30;

function hexOf(digits: number): Make {
  return (draw) => draw.hex(digits);
}

/** What the parser makes of the first text that it takes. */
function parsedBy(parse: (text: string) => string | Failure): Make {
  return (draw) => {
    for (let tries = 0; tries < 20; tries++) {
      const text = draw.once(3)
        ? draw.text(TEXT_CHARS)
        : draw.letters(draw.between(1, 12)).replaceAll(" ", "");
      const found = parse(text);
      if (!(found instanceof Failure)) return found;
    }
    return "plain";
  };
}

/** Some of them lead through folders. */
function fileNameText(draw: Draw): unknown {
  const part = parsedBy(parseFileName);
  return draw.once(3) ? `${part(draw)}/${part(draw)}` : part(draw);
}

export function hostText(draw: Draw): string {
  const text = draw.pick([
    () => [1, 2, 3, 4].map(() => draw.below(256)).join("."),
    () => `h${draw.letters(draw.below(10)).replace(/[^a-z0-9]/gi, "")}.example`,
    () => `fe80::${draw.hex(4)}`,
    () => "localhost",
  ])();
  return isHost(text) ? text : "127.0.0.1";
}

export function validAddress(draw: Draw): Address {
  return { host: hostText(draw), port: draw.between(1, 65_535) };
}

/** By the schema itself: those that a function of the program guards. */
const LEAVES = new Map<unknown, Make>([
  [s.userName, parsedBy(parseUserName)],
  [s.groupName, parsedBy(parseGroupName)],
  [s.fileName, fileNameText],
  [s.password, parsedBy(parsePassword)],
  [s.uid, hexOf(32)],
  [s.gid, hexOf(32)],
  [s.requestId, hexOf(32)],
  [s.fileId, hexOf(64)],
  [s.listingId, hexOf(64)],
  [s.digest, hexOf(64)],
  [s.fingerprint, hexOf(64)],
  [s.sha1, hexOf(40)],
  [s.host, hostText],
  [s.shortText, (draw) => draw.text(TEXT_CHARS).slice(0, 1_000)],
]);

/** Tells how to make what a schema does not show by itself. */
export function teach(schema: v.GenericSchema, make: Make): void {
  LEAVES.set(schema, make);
}

/** @returns undefined for a field that is left out */
export function validValue(draw: Draw, schema: v.GenericSchema): unknown {
  const leaf = LEAVES.get(schema);
  if (leaf !== undefined) return leaf(draw);
  const shape = schema as unknown as Shape;
  switch (shape.type) {
    case "object":
    case "strict_object":
      return validObject(draw, shape.entries ?? {});
    case "array": {
      const most = bound(shape, "max_length") ?? Number.POSITIVE_INFINITY;
      return Array.from({ length: draw.size(Math.min(ITEMS_MAX, most)) }, () => inner(draw, shape.item));
    }
    case "variant":
    case "union":
      return inner(draw, draw.pick(shape.options ?? []) as v.GenericSchema);
    case "picklist":
      return draw.pick(shape.options ?? []);
    case "literal":
      return shape.literal;
    case "boolean":
      return draw.once(2);
    case "string":
      return validString(draw, shape);
    case "number":
      return draw.whole(bound(shape, "min_value") ?? 0, bound(shape, "max_value") ?? Number.MAX_SAFE_INTEGER);
    case "optional":
    case "exact_optional":
      return draw.once(3) ? undefined : inner(draw, shape.wrapped);
    case "nullable":
      return draw.once(3) ? null : inner(draw, shape.wrapped);
    default:
      throw new Error(`nobody has said how to make a valid ${shape.type}`);
  }
}

function inner(draw: Draw, schema: v.GenericSchema | undefined): unknown {
  if (schema === undefined) throw new Error("a schema without its inner one");
  return validValue(draw, schema);
}

function validObject(
  draw: Draw,
  entries: Readonly<Record<string, v.GenericSchema>>,
): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(entries)) {
    const value = validValue(draw, schema);
    if (value !== undefined) made[key] = value;
  }
  return made;
}

function validString(draw: Draw, shape: Shape): string {
  const steps = stepsOf(shape);
  const regex = steps.find(({ type }) => type === "regex")?.requirement;
  const most = bound(shape, "max_length") ?? Number.POSITIVE_INFINITY;
  if (regex instanceof RegExp) return matching(draw, regex).slice(0, most);
  const guard = steps.find(({ type }) => type === "raw_transform" || type === "check");
  if (guard !== undefined) throw new Error(`nobody has said how to make what a ${guard.type} lets pass`);
  const text = draw.text(TEXT_CHARS).slice(0, most);
  return text === "" && steps.some(({ type }) => type === "non_empty") ? "x" : text;
}

/** All of a pipe, those of pipes within it too. */
function stepsOf({ pipe = [] }: Partial<Shape>): Step[] {
  return pipe.flatMap((step) => (step.pipe === undefined ? [step] : stepsOf(step)));
}

/** The narrowest. */
function bound(shape: Shape, type: "max_length" | "min_value" | "max_value"): number | undefined {
  const bounds = stepsOf(shape)
    .filter((step) => step.type === type)
    .map(({ requirement }) => Number(requirement));
  if (bounds.length === 0) return undefined;
  return type === "min_value" ? Math.max(...bounds) : Math.min(...bounds);
}
