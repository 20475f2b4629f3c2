/**
 * The frame decoder on any bytes, cut anywhere, for each set of rules that the program uses; and envelopes.
 *
 * The decoder is held against a second reading of the whole stream at once, which is a loop of ten lines.
 */
import { Failure } from "../../../base/failure.ts";
import { KEEP_ALIVE_RULES } from "../../../net/keep-alive.ts";
import { PEER_FRAME_RULES } from "../../../wire/client-peer.ts";
import { decodeMessage, type Envelope, encodeMessage, MESSAGE_RULES } from "../../../wire/envelope.ts";
import {
  encodeFrame,
  FRAME_HEADER_BYTES,
  FrameDecoder,
  type FrameKindRule,
  frameHeader,
} from "../../../wire/frame.ts";
import { Draw } from "../draw.ts";
import { type FuzzCase, type FuzzTarget, must, mustBeFailure, mustEqual } from "../fuzz-target.ts";
import { mutateBytes } from "../mutation.ts";
import { jsonText, mutateJson, randomJson } from "../random-json.ts";

type Rules = ReadonlyMap<number, FrameKindRule>;

export const RULE_SETS: Readonly<Record<string, Rules>> = {
  message: new Map([...MESSAGE_RULES, ...KEEP_ALIVE_RULES]),
  peer: new Map([...PEER_FRAME_RULES, ...KEEP_ALIVE_RULES]),
  "keep-alive": KEEP_ALIVE_RULES,
};

const FRAMES_MAX = 5;
const BODY_BYTES_MAX = 80;
/** An input begins with the seed of its cuts. */
const CUTS_BYTES = 4;

/** What a stream says, as far as it can be read. */
interface Reading {
  readonly frames: readonly string[];
  readonly end: "whole" | "unfinished" | "refused";
}

function readAtOnce(stream: Uint8Array, rules: Rules): Reading {
  const frames: string[] = [];
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  for (let at = 0; ; ) {
    if (at === stream.length) return { frames, end: "whole" };
    if (at + FRAME_HEADER_BYTES > stream.length) return { frames, end: "unfinished" };
    const [length, kind] = [view.getUint32(at), view.getUint8(at + 4)];
    const rule = rules.get(kind);
    if (rule === undefined || length > rule.bodyBytesMax || length < (rule.streamedHeadBytes ?? 0))
      return { frames, end: "refused" };
    const bodyAt = at + FRAME_HEADER_BYTES;
    if (bodyAt + length > stream.length) return { frames, end: "unfinished" };
    frames.push(`${kind} ${Buffer.from(stream.subarray(bodyAt, bodyAt + length)).toString("hex")}`);
    at = bodyAt + length;
  }
}

/** The same through the decoder, chunk by chunk; each chunk is overwritten when the decoder is done with it. */
function readInChunks(stream: Uint8Array, cuts: Draw, rules: Rules): Reading {
  const frames: string[] = [];
  let streamed: { readonly kind: number; hex: string; missing: number } | undefined;
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const decoder = new FrameDecoder(
    {
      frame: (kind, body) => void frames.push(`${kind} ${hex(body)}`),
      begin: (kind, head, missing) => {
        must(streamed === undefined, "a streamed frame ends before the next begins");
        streamed = { kind, hex: hex(head), missing };
      },
      part: (bytes) => {
        must(
          streamed !== undefined && bytes.length > 0,
          "a part belongs to a streamed frame, and is not empty",
        );
        streamed.hex += hex(bytes);
        streamed.missing -= bytes.length;
      },
      end: () => {
        must(streamed?.missing === 0, "a streamed frame ends when all of it has come");
        frames.push(`${streamed.kind} ${streamed.hex}`);
        streamed = undefined;
      },
    },
    rules,
  );
  try {
    for (const chunk of chunksOf(stream, cuts)) {
      decoder.push(chunk);
      chunk.fill(0xee);
    }
  } catch (error) {
    mustBeFailure(error, ["protocol"]);
    return { frames, end: "refused" };
  }
  return { frames, end: "whole" };
}

function* chunksOf(stream: Uint8Array, cuts: Draw): Generator<Uint8Array> {
  const most = cuts.pick([1, 3, 8, 64, 1_000_000]);
  for (let at = 0; at < stream.length; ) {
    const end = at + cuts.between(1, most);
    const chunk = new Uint8Array(stream.subarray(at, end));
    yield cuts.once(2) ? chunk : Buffer.from(chunk.buffer);
    at = end;
  }
}

function checkFrames(input: Uint8Array, rules: Rules): boolean {
  const cuts = new Draw(
    Buffer.from(input.subarray(0, CUTS_BYTES)).toString("hex").length +
      (input[0] ?? 0) * 256 +
      (input[1] ?? 0),
  );
  const stream = input.subarray(CUTS_BYTES);
  const wanted = readAtOnce(stream, rules);
  const got = readInChunks(stream, cuts, rules);
  mustEqual(got.frames, wanted.frames, "frames do not depend on how the stream is cut");
  must((got.end === "refused") === (wanted.end === "refused"), `a stream is ${wanted.end}, not ${got.end}`);
  const again = Buffer.concat(wanted.frames.map(encodeRead));
  must(again.equals(stream.subarray(0, again.length)), "frames are encoded to the bytes that they came from");
  return wanted.frames.length > 0 && wanted.end !== "refused";
}

function encodeRead(frame: string): Uint8Array {
  const [kind = "", hex = ""] = frame.split(" ");
  return encodeFrame(Number(kind), Buffer.from(hex, "hex"));
}

function framesCase(draw: Draw, rules: Rules): FuzzCase<Uint8Array> {
  const cuts = draw.bytes(CUTS_BYTES);
  if (draw.once(8)) return { input: Buffer.concat([cuts, draw.bytes(draw.size(100))]) };
  const kinds = [...rules.keys()];
  const frames = Array.from({ length: draw.between(1, FRAMES_MAX) }, () =>
    anyFrame(draw, draw.pick(kinds), rules),
  );
  const stream = Buffer.concat(frames);
  const turn = draw.below(4);
  if (turn === 0) return { input: Buffer.concat([cuts, stream]), isValid: true };
  if (turn === 1) return { input: Buffer.concat([cuts, mutateBytes(draw, stream)]) };
  // Within a body it is only bytes.
  const at = turn === 2 ? draw.below(stream.length + 1) : Buffer.concat(frames.slice(0, -1)).length;
  return {
    input: Buffer.concat([cuts, stream.subarray(0, at), oddHeader(draw, rules), stream.subarray(at)]),
  };
}

function anyFrame(draw: Draw, kind: number, rules: Rules): Uint8Array {
  const { bodyBytesMax = 0, streamedHeadBytes = 0 } = rules.get(kind) ?? {};
  const most = Math.min(bodyBytesMax, BODY_BYTES_MAX);
  return encodeFrame(kind, draw.bytes(Math.max(streamedHeadBytes, draw.below(most + 1))));
}

/** Often of a length at the very bounds of its kind. */
function oddHeader(draw: Draw, rules: Rules): Uint8Array {
  const kind = draw.once(3) ? draw.below(256) : draw.pick([...rules.keys()]);
  const { bodyBytesMax = 0, streamedHeadBytes: head = 1 } = rules.get(kind) ?? {};
  const lengths = [0, 1, 63, 64, 65, 4_096, 4_097, 2 ** 20, 2 ** 20 + 1, 2 ** 31, 2 ** 32 - 1];
  return frameHeader(kind, draw.pick([...lengths, head - 1, head, bodyBytesMax, bodyBytesMax + 1]));
}

function anyEnvelope(draw: Draw): Envelope {
  const n = draw.below(1_000);
  switch (draw.below(4)) {
    case 0:
      return { kind: "request", n, method: draw.letters(draw.below(65)), params: randomJson(draw) };
    case 1:
      return { kind: "answer", n, result: randomJson(draw) };
    case 2:
      return { kind: "refusal", n, failure: new Failure("try-later", draw.text()) };
    default:
      return { kind: "notice", notice: randomJson(draw) };
  }
}

function messageBody(json: string, tail: Uint8Array): Uint8Array {
  const text = Buffer.from(json, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, tail]);
}

function envelopeCase(draw: Draw): FuzzCase<Uint8Array> {
  const turn = draw.below(5);
  if (turn === 0) return { input: draw.bytes(draw.size(100)) };
  const body = encodeMessage(anyEnvelope(draw), draw.bytes(draw.size(20))).subarray(FRAME_HEADER_BYTES);
  if (turn === 1) return { input: mutateBytes(draw, body) };
  if (turn === 2) return { input: body };
  const shape = { n: 1, m: "ping", p: {}, r: 1, e: { code: "internal", message: "x" }, o: 1 };
  return {
    input: messageBody(jsonText(draw, mutateJson(draw, pickFields(draw, shape))), draw.bytes(draw.size(5))),
  };
}

function pickFields(draw: Draw, shape: object): object {
  return Object.fromEntries(Object.entries(shape).filter(() => draw.once(2)));
}

function checkEnvelope(body: Uint8Array): boolean {
  const message = decodeMessage(body);
  if (message instanceof Failure) {
    mustBeFailure(message, ["protocol"]);
    return false;
  }
  const { envelope, tail } = message;
  must(
    body.subarray(body.length - tail.length).every((byte, at) => byte === tail[at]),
    "the tail is the end of the body",
  );
  const again = decodeMessage(encodeMessage(envelope, tail).subarray(FRAME_HEADER_BYTES));
  must(!(again instanceof Failure), "what was decoded can be encoded");
  mustEqual(textOf(again.envelope), textOf(envelope), "a message is the same after encoding and decoding");
  return true;
}

/** JSON has one zero, where values have two. */
function textOf(envelope: Envelope): string {
  return envelope.kind === "refusal"
    ? JSON.stringify([envelope.n, envelope.failure.code, envelope.failure.message])
    : JSON.stringify(envelope);
}

export const frameFuzzTargets: readonly FuzzTarget<Uint8Array>[] = [
  ...Object.entries(RULE_SETS).map(
    ([name, rules]): FuzzTarget<Uint8Array> => ({
      name: `frames of ${name} rules`,
      generate: (draw) => framesCase(draw, rules),
      check: (input) => checkFrames(input, rules),
    }),
  ),
  { name: "envelopes", generate: envelopeCase, check: checkEnvelope },
];
