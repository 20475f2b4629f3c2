import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../base/failure.ts";
import {
  encodeFrame,
  FRAME_HEADER_BYTES,
  FrameDecoder,
  type FrameKindRule,
  type FrameSink,
  frameHeader,
} from "./frame.ts";

const PLAIN = 1;
const EMPTY_ONLY = 2;
const STREAMED = 9;
const RULES = new Map<number, FrameKindRule>([
  [PLAIN, { bodyBytesMax: 100_000 }],
  [EMPTY_ONLY, { bodyBytesMax: 0 }],
  [STREAMED, { bodyBytesMax: 100_000, streamedHeadBytes: 4 }],
]);

interface Seen {
  readonly kind: number;
  readonly head: string;
  body: string;
  ended: boolean;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Copies what it is lent, so that frames can be compared later. */
class RecordingSink implements FrameSink {
  readonly seen: Seen[] = [];
  frame(kind: number, body: Uint8Array): void {
    this.seen.push({ kind, head: "", body: hex(body), ended: true });
  }
  begin(kind: number, head: Uint8Array, _restBytes: number): void {
    this.seen.push({ kind, head: hex(head), body: "", ended: false });
  }
  part(bytes: Uint8Array): void {
    expect(bytes.length).toBeGreaterThan(0);
    const last = this.seen.at(-1);
    if (last) last.body += hex(bytes);
  }
  end(): void {
    const last = this.seen.at(-1);
    if (last) last.ended = true;
  }
}

function decode(chunks: readonly Uint8Array[]): Seen[] {
  const sink = new RecordingSink();
  const decoder = new FrameDecoder(sink, RULES);
  for (const chunk of chunks) decoder.push(chunk);
  return sink.seen;
}

function refusal(bytes: Uint8Array): Failure {
  try {
    decode([bytes]);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("was accepted");
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (const to of [...places, bytes.length]) {
    chunks.push(bytes.subarray(from, to));
    from = to;
  }
  return chunks;
}

describe("encoding", () => {
  test("a frame is length, kind, body", () => {
    expect(hex(encodeFrame(7, Uint8Array.of(1, 2), Uint8Array.of(3)))).toBe("0000000307010203");
    expect(hex(frameHeader(255, 0x01020304))).toBe("01020304ff");
    expect(hex(frameHeader(1, 2 ** 32 - 1))).toBe("ffffffff01");
  });

  test("a kind or length that does not fit is a bug of the caller", () => {
    expect(() => frameHeader(256, 0)).toThrow("frame kind 256");
    expect(() => frameHeader(1, 2 ** 32)).toThrow("frame body");
  });
});

describe("decoding", () => {
  const frames = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant(PLAIN), body: fc.uint8Array({ maxLength: 60 }) }),
      fc.record({ kind: fc.constant(EMPTY_ONLY), body: fc.constant(new Uint8Array()) }),
      fc.record({ kind: fc.constant(STREAMED), body: fc.uint8Array({ minLength: 4, maxLength: 60 }) }),
    ),
    { maxLength: 8 },
  );

  test("any split of a stream into chunks gives the same frames", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(600), { maxLength: 40 }), (list, cuts) => {
        const stream = Buffer.concat(list.map(({ kind, body }) => encodeFrame(kind, body)));
        const expected = list.map(({ kind, body }) => {
          const headBytes = kind === STREAMED ? 4 : 0;
          return {
            kind,
            head: hex(body.subarray(0, headBytes)),
            body: hex(body.subarray(headBytes)),
            ended: true,
          };
        });
        expect(decode(cut(stream, cuts))).toEqual(expected);
      }),
    );
  });

  test("byte by byte gives the same frames", () => {
    const stream = Buffer.concat([
      encodeFrame(PLAIN, Buffer.from("abc")),
      encodeFrame(STREAMED, Buffer.alloc(9)),
    ]);
    const bytes = Array.from(stream, (byte) => Uint8Array.of(byte));
    expect(decode(bytes)).toEqual(decode([stream]));
  });

  test("garbage throws nothing but a protocol Failure", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(fc.nat(200), { maxLength: 5 }),
        (bytes, cuts) => {
          try {
            decode(cut(bytes, cuts));
          } catch (error) {
            expect(error).toBeInstanceOf(Failure);
            expect((error as Failure).code).toBe("protocol");
          }
        },
      ),
    );
  });

  test("a body that lies in one chunk is a view of it, and so are streamed parts", () => {
    const stream = Buffer.concat([
      encodeFrame(PLAIN, Buffer.from("abc")),
      encodeFrame(STREAMED, Buffer.alloc(9)),
    ]);
    const buffers: ArrayBufferLike[] = [];
    const keep = (bytes: Uint8Array) => buffers.push(bytes.buffer);
    const sink: FrameSink = {
      frame: (_, body) => keep(body),
      begin: (_, head) => keep(head),
      part: keep,
      end() {},
    };
    new FrameDecoder(sink, RULES).push(stream);
    expect(buffers).toHaveLength(3);
    for (const buffer of buffers) expect(buffer).toBe(stream.buffer);
  });

  test("a body that spans chunks ends in a buffer of exactly its size", () => {
    let size = 0;
    const sink = new RecordingSink();
    sink.frame = (_, body) => {
      size = body.buffer.byteLength;
      expect(body.every((byte, index) => byte === index % 251)).toBe(true);
    };
    const decoder = new FrameDecoder(sink, RULES);
    const body = Uint8Array.from({ length: 70_001 }, (_, index) => index % 251);
    for (const chunk of cut(encodeFrame(PLAIN, body), [3, 9, 20_000, 60_000])) decoder.push(chunk);
    expect(size).toBe(70_001);
  });
});

describe("refusals name what was wrong", () => {
  test("unknown kind", () => {
    const failure = refusal(encodeFrame(77, Buffer.from("x")));
    expect(failure.code).toBe("protocol");
    expect(failure.message).toBe("a frame of unknown kind 77");
  });

  test("a body that is too long is refused from its header alone", () => {
    expect(refusal(frameHeader(PLAIN, 100_001)).message).toBe(
      "a frame of kind 1 of 100001 bytes, more than 100000",
    );
    expect(refusal(frameHeader(PLAIN, 2 ** 32 - 1)).message).toContain("4294967295 bytes");
    expect(refusal(frameHeader(EMPTY_ONLY, 1)).message).toContain("more than 0");
  });

  test("a streamed body shorter than its head", () => {
    expect(refusal(frameHeader(STREAMED, 3)).message).toBe(
      "a frame of kind 9 of 3 bytes, shorter than its head of 4",
    );
  });
});

describe("stopping", () => {
  const twoFrames = Buffer.concat([
    encodeFrame(PLAIN, Buffer.from("a")),
    encodeFrame(PLAIN, Buffer.from("b")),
  ]);

  test("stopped from within a frame, it ignores the rest of the chunk and later ones", () => {
    const sink = new RecordingSink();
    const decoder = new FrameDecoder(sink, RULES);
    const record = sink.frame.bind(sink);
    sink.frame = (kind, body) => {
      record(kind, body);
      decoder.stop();
    };
    decoder.push(twoFrames);
    decoder.push(twoFrames);
    expect(sink.seen).toHaveLength(1);
  });

  test("stopped from within begin or part, no end follows", () => {
    for (const [where, bodyBytes] of [
      ["begin", 4],
      ["part", 9],
    ] as const) {
      const sink = new RecordingSink();
      const decoder = new FrameDecoder(sink, RULES);
      let ended = false;
      sink.end = () => {
        ended = true;
      };
      sink[where] = () => decoder.stop();
      decoder.push(encodeFrame(STREAMED, Buffer.alloc(bodyBytes)));
      expect(ended).toBe(false);
    }
  });

  test("after a refusal it is dead: good frames are ignored too", () => {
    const sink = new RecordingSink();
    const decoder = new FrameDecoder(sink, RULES);
    expect(() => decoder.push(encodeFrame(77))).toThrow(Failure);
    decoder.push(twoFrames);
    expect(sink.seen).toHaveLength(0);
  });

  test("an exception of the sink passes through and stops it", () => {
    const sink = new RecordingSink();
    const decoder = new FrameDecoder(sink, RULES);
    let calls = 0;
    sink.frame = () => {
      calls++;
      throw new Error("sink broke");
    };
    expect(() => decoder.push(twoFrames)).toThrow("sink broke");
    decoder.push(twoFrames);
    expect(calls).toBe(1);
  });
});

test("the header has the length that is exported", () => {
  expect(frameHeader(0, 0)).toHaveLength(FRAME_HEADER_BYTES);
});
