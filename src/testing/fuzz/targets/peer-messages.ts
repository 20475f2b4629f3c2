/** Messages between clients: what decodes is encoded to the same bytes, and what was encoded decodes to the same. */

import { Bitfield } from "../../../base/bitfield.ts";
import { FAILURE_CODES, Failure } from "../../../base/failure.ts";
import type { FileId, Gid } from "../../../base/ids.ts";
import { BUNDLE_PIECE_FILES_MAX, PIECE_BYTES } from "../../../base/limits.ts";
import {
  decodeBits,
  decodeDataHead,
  decodePeerMessage,
  encodeDataHead,
  encodeHello,
  encodePeerMessage,
  PEER_FRAME_RULES,
  type PeerMessage,
  type PieceRange,
  REJECT_REASONS,
  refuseHello,
} from "../../../wire/client-peer.ts";
import { FRAME_HEADER_BYTES } from "../../../wire/frame.ts";
import type { Draw } from "../draw.ts";
import { type FuzzCase, type FuzzTarget, must, mustEqual } from "../fuzz-target.ts";
import { mutateBytes } from "../mutation.ts";

const PIECES_OF_FILE = [0, 1, 7, 8, 9, 64, 1_000];

function anyRange(draw: Draw): PieceRange {
  const begin = draw.whole(0, PIECE_BYTES - 1);
  return { piece: draw.uint32(), begin, length: draw.between(1, PIECE_BYTES - begin) };
}

function anyPieces(draw: Draw): readonly number[] {
  return Array.from({ length: draw.between(1, 50) }, () => draw.uint32());
}

function anyGrant(draw: Draw): string {
  return draw.letters(draw.size(600));
}

type Made<K extends PeerMessage["kind"]> = Omit<Extract<PeerMessage, { kind: K }>, "kind" | "channel">;

/** A kind without its maker does not compile. */
const MAKERS: { readonly [K in PeerMessage["kind"]]: (draw: Draw) => Made<K> } = {
  open: (draw) => ({ gid: draw.hex(32) as Gid, fileId: draw.hex(64) as FileId, grant: anyGrant(draw) }),
  "open-bundle": (draw) => ({
    gid: draw.hex(32) as Gid,
    pieces: Array.from({ length: draw.between(1, 8) }, () =>
      Array.from({ length: draw.between(1, BUNDLE_PIECE_FILES_MAX) }, () => draw.hex(64) as FileId),
    ),
    grant: anyGrant(draw),
  }),
  opened: (draw) => ({ bits: draw.once(3) ? undefined : draw.bytes(draw.size(100)) }),
  renew: (draw) => ({ grant: anyGrant(draw) }),
  request: (draw) => ({ range: anyRange(draw) }),
  cancel: (draw) => ({ range: anyRange(draw) }),
  arrived: (draw) => ({ piece: draw.uint32() }),
  leave: () => ({}),
  have: (draw) => ({ pieces: anyPieces(draw) }),
  given: (draw) => ({ pieces: anyPieces(draw) }),
  reject: (draw) => ({ range: anyRange(draw), reason: draw.pick(REJECT_REASONS) }),
  closed: (draw) => ({ failure: new Failure(draw.pick(FAILURE_CODES), draw.text(1_000).slice(0, 1_000)) }),
};
export const PEER_MESSAGE_KINDS = Object.keys(MAKERS) as PeerMessage["kind"][];

/** Kind and body, without the length. */
function encoded(draw: Draw, kind: PeerMessage["kind"]): Uint8Array {
  const message = { kind, channel: draw.uint32(), ...MAKERS[kind](draw) } as PeerMessage;
  return encodePeerMessage(message).subarray(FRAME_HEADER_BYTES - 1);
}

function messageCase(draw: Draw, kind: PeerMessage["kind"]): FuzzCase<Uint8Array> {
  const valid = encoded(draw, kind);
  const turn = draw.below(5);
  if (turn < 2) return { input: valid, isValid: true };
  if (turn === 4) return { input: Buffer.concat([valid.subarray(0, 1), draw.bytes(draw.size(100))]) };
  return { input: mutateBytes(draw, valid, encoded(draw, draw.pick(PEER_MESSAGE_KINDS))) };
}

function checkMessage(input: Uint8Array): boolean {
  const [kind = 0] = input;
  const body = input.subarray(1);
  const rule = PEER_FRAME_RULES.get(kind);
  // The frame decoder lets no more through.
  if (rule === undefined || body.length > rule.bodyBytesMax) return false;
  const message = decodeLent(kind, body);
  if (message instanceof Failure) {
    mustEqual(message.code, "protocol", "what is malformed is a breach of the protocol");
    return false;
  }
  const again = encodePeerMessage(message).subarray(FRAME_HEADER_BYTES - 1);
  must(again.length - 1 <= rule.bodyBytesMax, "what was decoded fits a frame of its kind");
  if (message.kind !== "closed") {
    must(Buffer.compare(again, input) === 0, "what decodes is encoded to the same bytes");
    return true;
  }
  const second = decodePeerMessage(kind, again.subarray(1));
  must(!(second instanceof Failure) && second.kind === "closed", "a closed that was encoded decodes");
  mustEqual(
    [second.failure.code, second.failure.message],
    [message.failure.code, message.failure.message],
    "a failure is the same after encoding and decoding",
  );
  return true;
}

/** The bytes are only lent: a socket's chunk, a Buffer, is used again when the handler has returned. */
function decodeLent(kind: number, body: Uint8Array): PeerMessage | Failure {
  const lent = Buffer.from(body);
  const message = decodePeerMessage(kind, lent);
  lent.fill(0xee);
  return message;
}

const dataHead: FuzzTarget<Uint8Array> = {
  name: "client-peer data head",
  generate: (draw) => ({ input: draw.bytes(draw.once(8) ? draw.below(12) : 12) }),
  check(input) {
    const { streamedHeadBytes } =
      [...PEER_FRAME_RULES.values()].find((rule) => rule.streamedHeadBytes !== undefined) ?? {};
    // The frame decoder gives a head whole, or nothing.
    if (input.length !== streamedHeadBytes) return false;
    const again = encodeDataHead(decodeDataHead(input), 0).subarray(FRAME_HEADER_BYTES);
    must(Buffer.compare(again, input) === 0, "what decodes is encoded to the same bytes");
    return true;
  },
};

const hello: FuzzTarget<Uint8Array> = {
  name: "client-peer hello",
  generate(draw) {
    const valid = encodeHello().subarray(FRAME_HEADER_BYTES - 1);
    if (draw.once(4)) return { input: valid, isValid: true };
    return { input: draw.once(4) ? draw.bytes(draw.size(64)) : mutateBytes(draw, valid) };
  },
  check(input) {
    const refused = refuseHello(input[0] ?? 0, input.subarray(1));
    const isOwn = Buffer.compare(input, encodeHello().subarray(FRAME_HEADER_BYTES - 1)) === 0;
    mustEqual(refused === undefined, isOwn, "one hello is accepted, and no other");
    return isOwn;
  },
};

/** The first byte chooses the number of pieces. */
const bits: FuzzTarget<Uint8Array> = {
  name: "client-peer bits",
  generate(draw) {
    const choice = draw.below(PIECES_OF_FILE.length);
    const pieces = PIECES_OF_FILE[choice] ?? 0;
    const field = new Bitfield(pieces);
    for (let at = 0; at < pieces; at++) if (draw.once(2)) field.set(at);
    const valid = Buffer.concat([Uint8Array.of(choice), field.toBytes()]);
    if (draw.once(2)) return { input: valid, isValid: true };
    return { input: draw.once(4) ? draw.bytes(draw.size(130)) : mutateBytes(draw, valid) };
  },
  check(input) {
    const pieces = PIECES_OF_FILE[(input[0] ?? 0) % PIECES_OF_FILE.length] ?? 0;
    const bytes = input.subarray(1);
    const field = decodeBits(pieces, bytes);
    if (field instanceof Failure) return false;
    must(Buffer.compare(field.toBytes(), bytes) === 0, "what decodes is encoded to the same bytes");
    const indices = [...field.indices()];
    mustEqual(field.count, indices.length, "the count is that of the bits");
    must(
      indices.every((index) => index < pieces),
      "no bit beyond the last piece",
    );
    return true;
  },
};

export const peerMessageFuzzTargets: readonly FuzzTarget<Uint8Array>[] = [
  ...PEER_MESSAGE_KINDS.map(
    (kind): FuzzTarget<Uint8Array> => ({
      name: `client-peer ${kind}`,
      generate: (draw) => messageCase(draw, kind),
      check: checkMessage,
    }),
  ),
  dataHead,
  hello,
  bits,
];
