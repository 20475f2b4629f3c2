import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../base/failure.ts";
import type { FileId, Gid } from "../base/ids.ts";
import { BUNDLE_FILES_MAX, BUNDLE_PIECE_FILES_MAX, PIECE_BYTES } from "../base/limits.ts";
import {
  decodeBits,
  decodeDataHead,
  decodePeerMessage,
  encodeDataHead,
  encodeHello,
  encodePeerMessage,
  PEER_FRAME_RULES,
  type PeerMessage,
  REJECT_REASONS,
  refuseHello,
} from "./client-peer.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";

const hex = (digits: number) =>
  fc
    .uint8Array({ minLength: digits / 2, maxLength: digits / 2 })
    .map((bytes) => Buffer.from(bytes).toString("hex"));
const channel = fc.nat(0xffffffff);
const grant = fc.stringMatching(/^[A-Za-z0-9_.-]{0,300}$/);
const range = fc
  .record({
    piece: fc.nat(0xffffffff),
    begin: fc.nat(PIECE_BYTES - 1),
    length: fc.integer({ min: 1, max: PIECE_BYTES }),
  })
  .map(({ piece, begin, length }) => ({ piece, begin, length: Math.min(length, PIECE_BYTES - begin) }));

const fileId = hex(64).map((text) => text as FileId);

const message: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.record({
    kind: fc.constant("open" as const),
    channel,
    gid: hex(32).map((text) => text as Gid),
    fileId,
    grant,
  }),
  fc.record({
    kind: fc.constant("open-bundle" as const),
    channel,
    gid: hex(32).map((text) => text as Gid),
    pieces: fc.array(fc.array(fileId, { minLength: 1, maxLength: BUNDLE_PIECE_FILES_MAX }), {
      minLength: 1,
      maxLength: BUNDLE_FILES_MAX / BUNDLE_PIECE_FILES_MAX,
    }),
    grant,
  }),
  fc.record({
    kind: fc.constant("opened" as const),
    channel,
    bits: fc.option(fc.uint8Array({ maxLength: 64 }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("renew" as const), channel, grant }),
  fc.record({ kind: fc.constantFrom("request" as const, "cancel" as const), channel, range }),
  fc.record({ kind: fc.constant("arrived" as const), channel, piece: fc.nat(0xffffffff) }),
  fc.record({ kind: fc.constant("leave" as const), channel }),
  fc.record({
    kind: fc.constantFrom("have" as const, "given" as const),
    channel,
    pieces: fc.array(fc.nat(0xffffffff), { minLength: 1, maxLength: 50 }),
  }),
  fc.record({
    kind: fc.constant("reject" as const),
    channel,
    range,
    reason: fc.constantFrom(...REJECT_REASONS),
  }),
  fc.record({
    kind: fc.constant("closed" as const),
    channel,
    failure: fc.string({ maxLength: 100 }).map((line) => new Failure("peer-refused", line)),
  }),
);

function parts(frame: Uint8Array): { kind: number; body: Uint8Array } {
  return { kind: frame[4] ?? 0, body: frame.subarray(FRAME_HEADER_BYTES) };
}

function decode(frame: Uint8Array): PeerMessage | Failure {
  const { kind, body } = parts(frame);
  return decodePeerMessage(kind, body);
}

describe("peer messages", () => {
  test("whatever is encoded decodes to the same message, within the size its kind allows", () => {
    fc.assert(
      fc.property(message, (sent) => {
        const frame = encodePeerMessage(sent);
        const { kind, body } = parts(frame);
        expect(body.length).toBeLessThanOrEqual(PEER_FRAME_RULES.get(kind)?.bodyBytesMax ?? 0);
        expect(decode(frame)).toEqual(sent);
      }),
    );
  });

  test("any bytes decode to a message or to a Failure, and never throw", () => {
    const kinds = fc.constantFrom(...PEER_FRAME_RULES.keys(), 0, 200);
    fc.assert(
      fc.property(kinds, fc.uint8Array({ maxLength: 80 }), (kind, body) => {
        const result = decodePeerMessage(kind, body);
        if (result instanceof Failure) expect(result.code).toBe("protocol");
        else expect(result.channel).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("a decoded bitfield does not share memory with the frame it came in", () => {
    const frame = encodePeerMessage({ kind: "opened", channel: 1, bits: Uint8Array.of(0x80) });
    const opened = decode(frame);
    frame.fill(0);
    expect(opened).toEqual({ kind: "opened", channel: 1, bits: Uint8Array.of(0x80) });
  });

  test("a range that is empty or reaches beyond a piece is refused", () => {
    for (const [begin, length] of [
      [0, 0],
      [0, PIECE_BYTES + 1],
      [PIECE_BYTES - 1, 2],
      [0xffffffff, 0xffffffff],
    ] as const) {
      const frame = encodePeerMessage({ kind: "request", channel: 1, range: { piece: 0, begin, length } });
      expect(decode(frame)).toBeInstanceOf(Failure);
    }
  });

  test("a request with something behind it is refused", () => {
    const { kind, body } = parts(
      encodePeerMessage({ kind: "request", channel: 1, range: { piece: 0, begin: 0, length: 1 } }),
    );
    expect(decodePeerMessage(kind, Uint8Array.of(...body, 0))).toBeInstanceOf(Failure);
  });

  const range = { piece: 0, begin: 0, length: 1 };
  const open = { gid: "a".repeat(32) as Gid, fileId: "b".repeat(64) as FileId, grant: "" };
  test.each<[PeerMessage, number, string]>([
    [{ kind: "open", channel: 1, ...open }, -1, "an open that is too short"],
    [{ kind: "opened", channel: 1, bits: undefined }, 1, "an opened of a wrong form"],
    [{ kind: "request", channel: 1, range }, -1, "a request of a wrong form"],
    [{ kind: "cancel", channel: 1, range }, 1, "a request of a wrong form"],
    [{ kind: "leave", channel: 1 }, 1, "a leave with something behind it"],
    [{ kind: "arrived", channel: 1, piece: 7 }, -1, "an arrived of a wrong length"],
    [{ kind: "have", channel: 1, pieces: [7, 8] }, -1, "a list of pieces of a wrong length"],
    [{ kind: "given", channel: 1, pieces: [7] }, -4, "a list of pieces of a wrong length"],
    [{ kind: "reject", channel: 1, range, reason: "busy" }, 1, "a reject of a wrong form"],
    [{ kind: "closed", channel: 1, failure: new Failure("timeout", "x") }, -1, "a closed that is no JSON"],
    [{ kind: "leave", channel: 1 }, -1, "a message without a channel"],
  ])("%j that is longer or shorter by %i is refused", (sent, more, what) => {
    const { kind, body } = parts(encodePeerMessage(sent));
    const changed = more < 0 ? body.subarray(0, more) : Uint8Array.of(...body, ...new Uint8Array(more));
    expect(decodePeerMessage(kind, changed)).toMatchObject({
      code: "protocol",
      message: `the peer sent ${what}`,
    });
  });

  test("a reason or an error code that this program does not know is refused", () => {
    const reject = parts(
      encodePeerMessage({
        kind: "reject",
        channel: 1,
        range: { piece: 0, begin: 0, length: 1 },
        reason: "busy",
      }),
    );
    reject.body[16] = 99;
    expect(decodePeerMessage(reject.kind, reject.body)).toBeInstanceOf(Failure);
    const closed = parts(
      encodePeerMessage({ kind: "closed", channel: 1, failure: new Failure("timeout", "x") }),
    );
    const text = Buffer.from(closed.body).toString("latin1").replace("timeout", "tomfool");
    expect(decodePeerMessage(closed.kind, Buffer.from(text, "latin1"))).toBeInstanceOf(Failure);
  });
});

describe("data frames", () => {
  test("the head carries channel, piece and begin, and the header counts the bytes behind it", () => {
    const head = { channel: 7, piece: 4_000_000_000, begin: 65_536 };
    const frame = encodeDataHead(head, 1_000);
    expect(new DataView(frame.buffer).getUint32(0)).toBe(12 + 1_000);
    expect(decodeDataHead(frame.subarray(FRAME_HEADER_BYTES))).toEqual(head);
  });
});

describe("bitfields", () => {
  test("no bits means all pieces; a wrong length or a set spare bit is refused", () => {
    expect(decodeBits(9, undefined)).toMatchObject({ count: 9 });
    expect(decodeBits(9, Uint8Array.of(0x80, 0x80))).toMatchObject({ count: 2 });
    expect(decodeBits(9, Uint8Array.of(0x80))).toBeInstanceOf(Failure);
    expect(decodeBits(9, Uint8Array.of(0x80, 0x40))).toBeInstanceOf(Failure);
  });
});

describe("what is kept of a message", () => {
  test("bits outlive the chunk that they came in, also where that is a Buffer", () => {
    const frame = encodePeerMessage({ kind: "opened", channel: 1, bits: Uint8Array.of(0xa0, 0x0f) });
    const { kind, body } = parts(frame);
    const lent = Buffer.from(body);
    const message = decodePeerMessage(kind, lent);
    lent.fill(0);
    expect(message).toEqual({ kind: "opened", channel: 1, bits: Uint8Array.of(0xa0, 0x0f) });
  });

  test("a grant is ASCII: whatever else would be other bytes when it is sent on", () => {
    for (const kind of ["open", "renew"] as const) {
      const message = {
        channel: 1,
        gid: "a".repeat(32) as Gid,
        fileId: "b".repeat(64) as FileId,
        grant: "abc",
      };
      const { kind: number, body } = parts(encodePeerMessage({ kind, ...message }));
      body[body.length - 1] = 0xe9;
      expect((decodePeerMessage(number, body) as Failure).message).toContain("a grant that is no text");
    }
  });
});

describe("hello", () => {
  test("the own one is accepted; another version or protocol is told apart", () => {
    const { kind, body } = parts(encodeHello());
    expect(refuseHello(kind, body)).toBeUndefined();
    expect(refuseHello(kind, Buffer.from("p2p peer 999"))?.message).toContain("another version");
    expect(refuseHello(kind, Buffer.from("GET / HTTP/1.1"))?.message).toContain("another protocol");
    expect(refuseHello(kind + 1, body)?.message).toContain("before its hello");
  });
});

describe("a bundle that is asked for", () => {
  const id = "ab".repeat(32) as FileId;
  const bundle = (pieces: readonly (readonly FileId[])[]): Failure | PeerMessage => {
    const gid = "cd".repeat(16) as Gid;
    const frame = encodePeerMessage({ kind: "open-bundle", channel: 1, gid, pieces, grant: "g" });
    return decodePeerMessage(frame[FRAME_HEADER_BYTES - 1] ?? 0, frame.subarray(FRAME_HEADER_BYTES));
  };

  test("has pieces, files in each of them, and no more than a bundle may have", () => {
    const full = Array<FileId>(BUNDLE_PIECE_FILES_MAX).fill(id);
    const most = Array<FileId[]>(BUNDLE_FILES_MAX / BUNDLE_PIECE_FILES_MAX).fill(full);
    expect(bundle(most)).not.toBeInstanceOf(Failure);
    for (const wrong of [[], [[]], [[id], []], [[...full, id]], [...most, [id]]])
      expect(bundle(wrong)).toBeInstanceOf(Failure);
  });

  test("that ends before its files do is refused", () => {
    const frame = encodePeerMessage({
      kind: "open-bundle",
      channel: 1,
      gid: "cd".repeat(16) as Gid,
      pieces: [[id, id]],
      grant: "",
    });
    const body = frame.subarray(FRAME_HEADER_BYTES);
    for (let length = 4; length < body.length; length++)
      expect(decodePeerMessage(frame[FRAME_HEADER_BYTES - 1] ?? 0, body.subarray(0, length))).toBeInstanceOf(
        Failure,
      );
  });
});
