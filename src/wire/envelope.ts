/**
 * Messages between programs as values: a request, its answer, or a notice, each with a tail of raw bytes. Pure, no I/O.
 *
 * The body of a message frame is the length of the JSON (u32 big-endian), the JSON, then the tail. Only the envelope is
 * held against a schema here; parameters, results and notices are `unknown` until the rpc layer, which knows the
 * method, has checked them. No decoded value carries a key that could reach a prototype.
 */
import * as v from "valibot";
import { assert } from "../base/assert.ts";
import { Failure } from "../base/failure.ts";
import { CONTROL_FRAME_BYTES_MAX, TEXT_CHARS_MAX } from "../base/limits.ts";
import { encodeFrame, type FrameKindRule } from "./frame.ts";
import { check, failureCode, shortText, whole } from "./schema.ts";

export const MESSAGE_KIND = 1;
export const MESSAGE_RULES: ReadonlyMap<number, FrameKindRule> = new Map([
  [MESSAGE_KIND, { bodyBytesMax: CONTROL_FRAME_BYTES_MAX }],
]);

const LENGTH_BYTES = 4;
const methodName = v.pipe(v.string(), v.maxLength(64));
/** A code that a newer program knows and this one does not is still a failure, whose message can be shown. */
const travellingFailure = v.object({ code: v.fallback(failureCode, "internal"), message: shortText });

/** Asks for a method; answered by exactly one message with the same number. */
const request = v.strictObject({ n: whole, m: methodName, p: v.unknown() });
/** The result of the request with that number. */
const answer = v.strictObject({ n: whole, r: v.unknown() });
/** Why the request with that number has no result. */
const refusal = v.strictObject({ n: whole, e: travellingFailure });
/** Said unasked, not answered. */
const notice = v.strictObject({ o: v.unknown() });

export type Envelope =
  | { readonly kind: "request"; readonly n: number; readonly method: string; readonly params: unknown }
  | { readonly kind: "answer"; readonly n: number; readonly result: unknown }
  | { readonly kind: "refusal"; readonly n: number; readonly failure: Failure }
  | { readonly kind: "notice"; readonly notice: unknown };

export interface Message {
  readonly envelope: Envelope;
  /** A view of the body that was decoded; empty if there is none. */
  readonly tail: Uint8Array;
}

const NO_TAIL = new Uint8Array();
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @returns the whole frame. The caller keeps within CONTROL_FRAME_BYTES_MAX: lists go in pages, blobs in parts. */
export function encodeMessage(envelope: Envelope, tail: Uint8Array = NO_TAIL): Uint8Array {
  const json = Buffer.from(JSON.stringify(shapeOf(envelope)), "utf8");
  const bodyBytes = LENGTH_BYTES + json.length + tail.length;
  assert(bodyBytes <= CONTROL_FRAME_BYTES_MAX, `a ${envelope.kind} of ${bodyBytes} bytes fits no frame`);
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32BE(json.length);
  return encodeFrame(MESSAGE_KIND, length, json, tail);
}

function shapeOf(envelope: Envelope): object {
  switch (envelope.kind) {
    case "request":
      return { n: envelope.n, m: envelope.method, p: envelope.params };
    case "answer":
      return { n: envelope.n, r: envelope.result };
    case "refusal": {
      const { code, message } = envelope.failure;
      return { n: envelope.n, e: { code, message: message.slice(0, TEXT_CHARS_MAX) } };
    }
    case "notice":
      return { o: envelope.notice };
  }
}

/** @param body of a frame of MESSAGE_KIND */
export function decodeMessage(body: Uint8Array): Message | Failure {
  if (body.length < LENGTH_BYTES) return new Failure("protocol", "a message without its length");
  const jsonBytes = new DataView(body.buffer, body.byteOffset).getUint32(0);
  const tailAt = LENGTH_BYTES + jsonBytes;
  if (tailAt > body.length)
    return new Failure("protocol", `a message that claims ${jsonBytes} bytes of JSON in ${body.length}`);
  const shape = parseJson(body.subarray(LENGTH_BYTES, tailAt));
  if (shape instanceof Failure) return shape;
  const envelope = envelopeOf(shape);
  return envelope instanceof Failure ? envelope : { envelope, tail: body.subarray(tailAt) };
}

/** How a JSON text can spell the one key that assigns a prototype (an underscore also as \\u005f): to be looked at closely. */
const PROTOTYPE_KEY_PARTS = ["__proto__", "\\u005"];

function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = utf8.decode(bytes);
    const mayHaveIt = PROTOTYPE_KEY_PARTS.some((part) => text.includes(part));
    return mayHaveIt ? JSON.parse(text, refusePrototypeKey) : JSON.parse(text);
  } catch (error) {
    return error instanceof Failure ? error : new Failure("protocol", "a message that is not JSON");
  }
}

function refusePrototypeKey(key: string, value: unknown): unknown {
  if (key === "__proto__") throw new Failure("protocol", "a message with a key named __proto__");
  return value;
}

function envelopeOf(shape: unknown): Envelope | Failure {
  if (typeof shape !== "object" || shape === null)
    return new Failure("protocol", "a message that is no object");
  if (Object.hasOwn(shape, "m")) {
    const found = check(request, shape);
    return found instanceof Failure
      ? found
      : { kind: "request", n: found.n, method: found.m, params: found.p };
  }
  if (Object.hasOwn(shape, "r")) {
    const found = check(answer, shape);
    return found instanceof Failure ? found : { kind: "answer", n: found.n, result: found.r };
  }
  if (Object.hasOwn(shape, "e")) {
    const found = check(refusal, shape);
    if (found instanceof Failure) return found;
    return { kind: "refusal", n: found.n, failure: new Failure(found.e.code, found.e.message) };
  }
  const found = check(notice, shape);
  return found instanceof Failure ? found : { kind: "notice", notice: found.o };
}
