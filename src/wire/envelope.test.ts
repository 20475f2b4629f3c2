import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AssertionError } from "../base/assert.ts";
import { Failure } from "../base/failure.ts";
import { CONTROL_FRAME_BYTES_MAX } from "../base/limits.ts";
import { decodeMessage, type Envelope, encodeMessage, MESSAGE_KIND, type Message } from "./envelope.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";

const bodyOf = (frame: Uint8Array) => frame.subarray(FRAME_HEADER_BYTES);

function decoded(body: Uint8Array): Message {
  const message = decodeMessage(body);
  if (message instanceof Failure) throw message;
  return message;
}

function bodyWith(json: string | Uint8Array, jsonBytes?: number): Uint8Array {
  const text = Buffer.from(json);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(jsonBytes ?? text.length);
  return Buffer.concat([length, text]);
}

function refusalOf(body: Uint8Array): string {
  const failure = decodeMessage(body);
  if (!(failure instanceof Failure)) throw new Error("was accepted");
  expect(failure.code).toBe("protocol");
  return failure.message;
}

describe("what is encoded decodes to the same", () => {
  const envelopes: Envelope[] = [
    { kind: "request", n: 1, method: "list_groups", params: { after: "z" } },
    { kind: "answer", n: Number.MAX_SAFE_INTEGER, result: null },
    { kind: "answer", n: 0, result: [] },
    { kind: "notice", notice: { kind: "news", text: "Grüße 🎈" } },
  ];
  for (const envelope of envelopes) {
    test(`${envelope.kind} with a tail`, () => {
      const frame = encodeMessage(envelope, Uint8Array.of(9, 8));
      expect(frame[4]).toBe(MESSAGE_KIND);
      expect(decoded(bodyOf(frame))).toEqual({ envelope, tail: Buffer.from([9, 8]).subarray() });
    });
  }

  test("a failure travels as code and message", () => {
    const failure = new Failure("not-owner", "you do not own it");
    const { envelope, tail } = decoded(bodyOf(encodeMessage({ kind: "refusal", n: 5, failure })));
    expect(envelope).toEqual({ kind: "refusal", n: 5, failure });
    expect(envelope.kind === "refusal" && envelope.failure.code).toBe("not-owner");
    expect(tail).toHaveLength(0);
  });

  test("a long failure message is shortened to what the other side accepts", () => {
    const failure = new Failure("internal", "x".repeat(5_000));
    const { envelope } = decoded(bodyOf(encodeMessage({ kind: "refusal", n: 5, failure })));
    expect(envelope.kind === "refusal" && envelope.failure.message.length).toBe(1_000);
  });

  test("a failure code of a newer program is shown as internal", () => {
    const { envelope } = decoded(bodyWith('{"n":1,"e":{"code":"from-the-future","message":"m"}}'));
    expect(envelope).toEqual({ kind: "refusal", n: 1, failure: new Failure("internal", "m") });
  });

  test("a message that fits no frame is a bug of its sender", () => {
    const tail = new Uint8Array(CONTROL_FRAME_BYTES_MAX);
    expect(() => encodeMessage({ kind: "notice", notice: 1 }, tail)).toThrow(AssertionError);
  });
});

describe("refusals name what was wrong", () => {
  const cases: [name: string, body: Uint8Array, message: string][] = [
    ["no length", Uint8Array.of(0, 0, 0), "without its length"],
    ["a length beyond the body", bodyWith("{}", 3), "claims 3 bytes of JSON in 6"],
    ["a length of 4 GiB", bodyWith("{}", 2 ** 32 - 1), "claims 4294967295"],
    ["no JSON", bodyWith("{"), "not JSON"],
    ["no text", bodyWith(Uint8Array.of(0x22, 0xff, 0x22)), "not JSON"],
    ["a byte-order mark", bodyWith('\uFEFF{"o":1}'), "not JSON"],
    ["an array", bodyWith("[]"), ""],
    ["null", bodyWith("null"), "no object"],
    ["a number", bodyWith("7"), "no object"],
    ["nothing known", bodyWith("{}"), ""],
    ["a negative number", bodyWith('{"n":-1,"m":"x","p":{}}'), "n:"],
    ["a fraction", bodyWith('{"n":1.5,"r":{}}'), "n:"],
    ["a request without parameters", bodyWith('{"n":1,"m":"x"}'), "p:"],
    ["a method that is no text", bodyWith('{"n":1,"m":7,"p":{}}'), "m:"],
    ["a method name without end", bodyWith(`{"n":1,"m":"${"x".repeat(65)}","p":{}}`), "m:"],
    ["answer and failure at once", bodyWith('{"n":1,"r":{},"e":{"code":"usage","message":""}}'), "e:"],
    ["a failure without message", bodyWith('{"n":1,"e":{"code":"usage"}}'), "e.message:"],
    ["a prototype", bodyWith('{"o":{"a":[{"__proto__":{"admin":true}}]}}'), "__proto__"],
    ["a prototype in disguise", bodyWith('{"o":{"\\u005F_proto_\\u005f":1}}'), "__proto__"],
  ];
  for (const [name, body, message] of cases) {
    test(name, () => expect(refusalOf(body)).toContain(message));
  }

  test("deep nesting is refused or decoded, but never breaks the program", () => {
    const deep = decodeMessage(bodyWith(`{"o":${"[".repeat(400_000)}${"]".repeat(400_000)}}`));
    expect(deep instanceof Failure || deep.envelope.kind === "notice").toBe(true);
  });

  test("__proto__ as a value, such as a file's name, is fine", () => {
    const { envelope } = decoded(bodyWith('{"o":"__proto__"}'));
    expect(envelope).toEqual({ kind: "notice", notice: "__proto__" });
  });

  test("garbage gives Failures, never an exception", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void decodeMessage(bytes)));
    fc.assert(fc.property(fc.json(), (json) => void decodeMessage(bodyWith(json))));
  });
});
