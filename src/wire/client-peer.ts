/**
 * What two clients say to each other: one table of binary messages. No I/O.
 *
 * Either side opens *channels* on the one connection between two machines: a channel is one file of one group, asked for
 * by the side that opened it and served by the other. Its number is chosen by the opener and means nothing in the other
 * direction, so requests run both ways at once. Numbers are big-endian; all but `data` are small control frames.
 *
 * Many small files go over one channel as a *bundle*: the opener lists the files of each of its pieces, which are whole
 * files of one piece at most, one behind the other. From there on it is spoken of as a file of those pieces.
 *
 *     both, once, first   hello: the protocol's name and version
 *     opener -> server    open, open-bundle, renew, request, cancel, arrived, leave
 *     server -> opener    opened, have, given, data, reject, closed
 */
import { Bitfield } from "../base/bitfield.ts";
import { Failure, type FailureCode } from "../base/failure.ts";
import { type FileId, type Gid, parseFileId, parseGid } from "../base/ids.ts";
import {
  BUNDLE_FILES_MAX,
  BUNDLE_PIECE_FILES_MAX,
  CONTROL_FRAME_BYTES_MAX,
  DATA_FRAME_BYTES_MAX,
  PIECE_BYTES,
} from "../base/limits.ts";
import { encodeFrame, type FrameKindRule, frameHeader } from "./frame.ts";
import { check, failure as failureSchema } from "./schema.ts";

const HELLO = 15;
const OPEN = 16;
const OPENED = 17;
const RENEW = 18;
const REQUEST = 19;
const CANCEL = 20;
const LEAVE = 21;
const HAVE = 22;
const REJECT = 23;
const CLOSED = 24;
const DATA = 25;
const GIVEN = 26;
const ARRIVED = 27;
const OPEN_BUNDLE = 28;

/** Raised when an older program could misread a newer one. */
const CLIENT_PEER_VERSION = 3;

/** Channel, piece, begin. */
const DATA_HEAD_BYTES = 12;
const GID_BYTES = 16;
const FILE_ID_BYTES = 32;
const GRANT_BYTES_MAX = 4_096;

/** A contiguous part of one piece. `begin` and `length` in bytes; a whole piece begins at 0. */
export interface PieceRange {
  readonly piece: number;
  readonly begin: number;
  readonly length: number;
}

/** Why a server does not serve a request that it understood. */
export const REJECT_REASONS = ["not-have", "busy", "unreadable"] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

export type PeerMessage =
  /** Asks for a file. Answered by `opened` or `closed`. */
  | {
      readonly kind: "open";
      readonly channel: number;
      readonly gid: Gid;
      readonly fileId: FileId;
      readonly grant: string;
    }
  /** Asks for many small files. Answered by `opened`, where a piece is had if all of its files are, or by `closed`. */
  | {
      readonly kind: "open-bundle";
      readonly channel: number;
      readonly gid: Gid;
      /** The files of each piece, in order; at least one in each. */
      readonly pieces: readonly (readonly FileId[])[];
      readonly grant: string;
    }
  /** The channel stands; here is what the server has: all (undefined), or these packed bits. */
  | { readonly kind: "opened"; readonly channel: number; readonly bits: Uint8Array | undefined }
  /** A newer grant for the channel, before the old one ends. Not answered. */
  | { readonly kind: "renew"; readonly channel: number; readonly grant: string }
  /** Answered by one or more `data` with the range's bytes in order, or by `reject`. */
  | { readonly kind: "request"; readonly channel: number; readonly range: PieceRange }
  /** Takes a request back; what is on its way still comes. Not answered. */
  | { readonly kind: "cancel"; readonly channel: number; readonly range: PieceRange }
  /** The whole piece is here: what the server sends next does not wait behind it any more. Not answered. */
  | { readonly kind: "arrived"; readonly channel: number; readonly piece: number }
  /** The opener wants nothing more. Not answered. */
  | { readonly kind: "leave"; readonly channel: number }
  /** The server has these pieces since now. Not answered. */
  | { readonly kind: "have"; readonly channel: number; readonly pieces: readonly number[] }
  /** A server with the whole file has begun to give these to somebody else, and to nobody before. Not answered. */
  | { readonly kind: "given"; readonly channel: number; readonly pieces: readonly number[] }
  | {
      readonly kind: "reject";
      readonly channel: number;
      readonly range: PieceRange;
      readonly reason: RejectReason;
    }
  /** The server refuses the channel or ends it. */
  | { readonly kind: "closed"; readonly channel: number; readonly failure: Failure };

/** The head of a `data` frame; its bytes follow as a stream. */
export interface DataHead {
  readonly channel: number;
  readonly piece: number;
  readonly begin: number;
}

const control = { bodyBytesMax: CONTROL_FRAME_BYTES_MAX };
const small = { bodyBytesMax: 64 };

/** For the frame decoder of a peer connection. */
export const PEER_FRAME_RULES: ReadonlyMap<number, FrameKindRule> = new Map<number, FrameKindRule>([
  [HELLO, small],
  [OPEN, { bodyBytesMax: GRANT_BYTES_MAX }],
  [OPEN_BUNDLE, { bodyBytesMax: GRANT_BYTES_MAX + BUNDLE_FILES_MAX * (FILE_ID_BYTES + 2) }],
  [OPENED, control],
  [RENEW, { bodyBytesMax: GRANT_BYTES_MAX }],
  [REQUEST, small],
  [CANCEL, small],
  [LEAVE, small],
  [HAVE, control],
  [REJECT, small],
  [CLOSED, { bodyBytesMax: 8_192 }],
  [GIVEN, control],
  [ARRIVED, small],
  [DATA, { bodyBytesMax: DATA_FRAME_BYTES_MAX, streamedHeadBytes: DATA_HEAD_BYTES }],
]);

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [at, value] of values.entries()) view.setUint32(at * 4, value);
  return bytes;
}

const text = (value: string) => new TextEncoder().encode(value);
const rangeWords = (channel: number, { piece, begin, length }: PieceRange) =>
  words(channel, piece, begin, length);

/** The first frame of either side. */
export function encodeHello(): Uint8Array {
  return encodeFrame(HELLO, text(`p2p peer ${CLIENT_PEER_VERSION}`));
}

/** @returns why the first frame of the other side is not a hello of this version */
export function refuseHello(kind: number, body: Uint8Array): Failure | undefined {
  if (kind !== HELLO) return malformed("something else before its hello");
  const said = ascii(body);
  if (said === `p2p peer ${CLIENT_PEER_VERSION}`) return undefined;
  if (/^p2p peer \d+$/.test(said))
    return malformed(`a hello of another version; run the same p2p on both machines`);
  return malformed("a hello of another protocol");
}

/** A whole frame, ready to send. */
export function encodePeerMessage(message: PeerMessage): Uint8Array {
  const channel = message.channel;
  switch (message.kind) {
    case "open":
      return encodeFrame(
        OPEN,
        words(channel),
        Buffer.from(message.gid, "hex"),
        Buffer.from(message.fileId, "hex"),
        text(message.grant),
      );
    case "open-bundle":
      return encodeFrame(
        OPEN_BUNDLE,
        words(channel),
        Buffer.from(message.gid, "hex"),
        Uint8Array.of(message.pieces.length),
        Uint8Array.from(message.pieces, (files) => files.length),
        Buffer.from(message.pieces.flat().join(""), "hex"),
        text(message.grant),
      );
    case "opened":
      return message.bits === undefined
        ? encodeFrame(OPENED, words(channel), Uint8Array.of(1))
        : encodeFrame(OPENED, words(channel), Uint8Array.of(0), message.bits);
    case "renew":
      return encodeFrame(RENEW, words(channel), text(message.grant));
    case "request":
      return encodeFrame(REQUEST, rangeWords(channel, message.range));
    case "cancel":
      return encodeFrame(CANCEL, rangeWords(channel, message.range));
    case "leave":
      return encodeFrame(LEAVE, words(channel));
    case "arrived":
      return encodeFrame(ARRIVED, words(channel, message.piece));
    case "have":
      return encodeFrame(HAVE, words(channel, ...message.pieces));
    case "given":
      return encodeFrame(GIVEN, words(channel, ...message.pieces));
    case "reject":
      return encodeFrame(
        REJECT,
        rangeWords(channel, message.range),
        Uint8Array.of(REJECT_REASONS.indexOf(message.reason)),
      );
    case "closed": {
      const { code, message: line } = message.failure;
      return encodeFrame(
        CLOSED,
        words(channel),
        text(JSON.stringify({ code, message: line.slice(0, 1_000) })),
      );
    }
  }
}

/** Header and head of a `data` frame; exactly `length` bytes of the piece must be sent behind it. */
export function encodeDataHead({ channel, piece, begin }: DataHead, length: number): Uint8Array {
  const header = frameHeader(DATA, DATA_HEAD_BYTES + length);
  const bytes = new Uint8Array(header.length + DATA_HEAD_BYTES);
  bytes.set(header);
  bytes.set(words(channel, piece, begin), header.length);
  return bytes;
}

export function decodeDataHead(head: Uint8Array): DataHead {
  const view = viewOf(head);
  return { channel: view.getUint32(0), piece: view.getUint32(4), begin: view.getUint32(8) };
}

/** @param body of a frame that passed PEER_FRAME_RULES; copied where it is kept */
export function decodePeerMessage(kind: number, body: Uint8Array): PeerMessage | Failure {
  if (body.length < 4) return malformed("a message without a channel");
  const view = viewOf(body);
  const channel = view.getUint32(0);
  const rest = body.subarray(4);
  switch (kind) {
    case OPEN:
      return decodeOpen(channel, rest);
    case OPEN_BUNDLE:
      return decodeOpenBundle(channel, rest);
    case OPENED:
      return decodeOpened(channel, rest);
    case RENEW: {
      const grant = decodeGrant(rest);
      return grant instanceof Failure ? grant : { kind: "renew", channel, grant };
    }
    case REQUEST:
    case CANCEL: {
      const range = decodeRange(view);
      if (range instanceof Failure || body.length !== 16) return malformed("a request of a wrong form");
      return { kind: kind === REQUEST ? "request" : "cancel", channel, range };
    }
    case LEAVE:
      return rest.length === 0 ? { kind: "leave", channel } : malformed("a leave with something behind it");
    case ARRIVED:
      if (rest.length !== 4) return malformed("an arrived of a wrong length");
      return { kind: "arrived", channel, piece: view.getUint32(4) };
    case HAVE:
    case GIVEN:
      if (rest.length === 0 || rest.length % 4 !== 0) return malformed("a list of pieces of a wrong length");
      return {
        kind: kind === HAVE ? "have" : "given",
        channel,
        pieces: Array.from({ length: rest.length / 4 }, (_, at) => view.getUint32(4 + at * 4)),
      };
    case REJECT: {
      const range = decodeRange(view);
      const reason = REJECT_REASONS[body[16] ?? -1];
      if (range instanceof Failure || reason === undefined || body.length !== 17)
        return malformed("a reject of a wrong form");
      return { kind: "reject", channel, range, reason };
    }
    case CLOSED:
      return decodeClosed(channel, rest);
    default:
      return malformed(`an unknown message of kind ${kind}`);
  }
}

function decodeOpen(channel: number, rest: Uint8Array): PeerMessage | Failure {
  if (rest.length < GID_BYTES + FILE_ID_BYTES) return malformed("an open that is too short");
  const gid = parseGid(hexOf(rest.subarray(0, GID_BYTES)));
  const fileId = parseFileId(hexOf(rest.subarray(GID_BYTES, GID_BYTES + FILE_ID_BYTES)));
  if (gid instanceof Failure) return gid;
  if (fileId instanceof Failure) return fileId;
  const grant = decodeGrant(rest.subarray(GID_BYTES + FILE_ID_BYTES));
  return grant instanceof Failure ? grant : { kind: "open", channel, gid, fileId, grant };
}

function decodeOpenBundle(channel: number, rest: Uint8Array): PeerMessage | Failure {
  const counts = rest.subarray(GID_BYTES + 1, GID_BYTES + 1 + (rest[GID_BYTES] ?? 0));
  const files = counts.reduce((sum, count) => sum + count, 0);
  const grantAt = GID_BYTES + 1 + counts.length + files * FILE_ID_BYTES;
  const isBounded = files <= BUNDLE_FILES_MAX && counts.every((count) => count <= BUNDLE_PIECE_FILES_MAX);
  if (counts.length === 0 || counts.includes(0) || !isBounded || rest.length < grantAt)
    return malformed("an open of a bundle of a wrong form");
  const gid = parseGid(hexOf(rest.subarray(0, GID_BYTES)));
  if (gid instanceof Failure) return gid;
  const pieces: FileId[][] = [];
  let at = GID_BYTES + 1 + counts.length;
  for (const count of counts) {
    const fileIds = decodeFileIds(rest.subarray(at, at + count * FILE_ID_BYTES));
    if (fileIds instanceof Failure) return fileIds;
    pieces.push(fileIds);
    at += count * FILE_ID_BYTES;
  }
  const grant = decodeGrant(rest.subarray(grantAt));
  return grant instanceof Failure ? grant : { kind: "open-bundle", channel, gid, pieces, grant };
}

function decodeFileIds(bytes: Uint8Array): FileId[] | Failure {
  const fileIds: FileId[] = [];
  for (let at = 0; at < bytes.length; at += FILE_ID_BYTES) {
    const fileId = parseFileId(hexOf(bytes.subarray(at, at + FILE_ID_BYTES)));
    if (fileId instanceof Failure) return fileId;
    fileIds.push(fileId);
  }
  return fileIds;
}

/** ASCII alone: other characters would be other bytes when they are sent on. */
function decodeGrant(bytes: Uint8Array): string | Failure {
  return bytes.every((byte) => byte < 0x80) ? ascii(bytes) : malformed("a grant that is no text");
}

function decodeOpened(channel: number, rest: Uint8Array): PeerMessage | Failure {
  if (rest[0] === 1 && rest.length === 1) return { kind: "opened", channel, bits: undefined };
  if (rest[0] === 0) return { kind: "opened", channel, bits: new Uint8Array(rest.subarray(1)) };
  return malformed("an opened of a wrong form");
}

function decodeRange(view: DataView): PieceRange | Failure {
  if (view.byteLength < 16) return malformed("a range that is too short");
  const range = { piece: view.getUint32(4), begin: view.getUint32(8), length: view.getUint32(12) };
  const inPiece = range.length > 0 && range.begin + range.length <= PIECE_BYTES;
  return inPiece ? range : malformed("a range beyond its piece");
}

function decodeClosed(channel: number, rest: Uint8Array): PeerMessage | Failure {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(rest));
  } catch {
    return malformed("a closed that is no JSON");
  }
  const told = check(failureSchema, value);
  if (told instanceof Failure) return told;
  return { kind: "closed", channel, failure: new Failure(told.code as FailureCode, told.message) };
}

/** The bits of an `opened`, held against the file's number of pieces. */
export function decodeBits(pieces: number, bits: Uint8Array | undefined): Bitfield | Failure {
  if (bits === undefined) return Bitfield.full(pieces);
  return Bitfield.fromBytes(pieces, bits) ?? malformed("a bitfield of a wrong length");
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const ascii = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function malformed(what: string): Failure {
  return new Failure("protocol", `the peer sent ${what}`);
}
