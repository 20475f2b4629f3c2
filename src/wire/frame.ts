/**
 * Frames: how a stream of bytes is cut into messages. Pure, no I/O.
 *
 * A frame is the length of its body (u32 big-endian), its kind (u8) and the body. The decoder is a cursor over the
 * chunks as they come: it is always inside exactly one of header, whole body, streamed head or streamed rest. A body
 * that lies in one chunk is handed on as a view of it; one that spans chunks is copied once, into memory that grows as
 * its bytes really arrive, so a header alone commits nothing. A streamed body is never gathered: its parts pass through
 * as views. Cost: O(bytes). What a body means is not known here.
 */
import { assert } from "../base/assert.ts";
import { Failure } from "../base/failure.ts";

/** Frame: u32 big-endian length of the body, u8 kind, body. */
export const FRAME_HEADER_BYTES = 5;

/** Sent by either side after silence, with an empty body; answered by a pong. */
export const PING_KIND = 2;
/** Answers a ping, with an empty body. */
export const PONG_KIND = 3;

const BODY_BYTES_MAX = 2 ** 32 - 1;
/** Memory set aside for a body that spans chunks before more of it has come. */
const FIRST_GATHER_BYTES = 16 * 1024;

export function frameHeader(kind: number, bodyBytes: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  writeHeader(header, kind, bodyBytes);
  return header;
}

export function encodeFrame(kind: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let bodyBytes = 0;
  for (const part of parts) bodyBytes += part.length;
  const frame = new Uint8Array(FRAME_HEADER_BYTES + bodyBytes);
  writeHeader(frame, kind, bodyBytes);
  let at = FRAME_HEADER_BYTES;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

function writeHeader(target: Uint8Array, kind: number, bodyBytes: number): void {
  assert(Number.isInteger(kind) && kind >= 0 && kind <= 255, `frame kind ${kind}`);
  assert(bodyBytes >= 0 && bodyBytes <= BODY_BYTES_MAX, `frame body of ${bodyBytes} bytes`);
  target[0] = bodyBytes >>> 24;
  target[1] = bodyBytes >>> 16;
  target[2] = bodyBytes >>> 8;
  target[3] = bodyBytes;
  target[4] = kind;
}

export interface FrameKindRule {
  readonly bodyBytesMax: number;
  /** Makes the kind a streamed one: how many first bytes of the body are its head, given whole to `begin`. */
  readonly streamedHeadBytes?: number;
}

/** What the decoder tells its owner. Every array is only lent: it may be reused after the call returns. */
export interface FrameSink {
  /** A whole frame of a kind that is not streamed. */
  frame(kind: number, body: Uint8Array): void;
  /** A streamed frame begins; `restBytes` follow through `part`, then comes `end`. */
  begin(kind: number, head: Uint8Array, restBytes: number): void;
  /** Never empty: a view of the incoming chunk, never a copy. */
  part(bytes: Uint8Array): void;
  end(): void;
}

/** Gathers a known number of bytes; memory follows what has come, up to exactly that number. */
class Gathering {
  readonly wantedBytes: number;
  #bytes: Uint8Array;
  #have = 0;

  constructor(wantedBytes: number) {
    this.wantedBytes = wantedBytes;
    this.#bytes = new Uint8Array(Math.min(wantedBytes, FIRST_GATHER_BYTES));
  }

  get missingBytes(): number {
    return this.wantedBytes - this.#have;
  }

  add(bytes: Uint8Array): void {
    const needed = this.#have + bytes.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.wantedBytes, Math.max(needed, this.#bytes.length * 2)));
      grown.set(this.#bytes.subarray(0, this.#have));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#have);
    this.#have = needed;
  }

  /** @returns all the wanted bytes; only once none is missing */
  take(): Uint8Array {
    assert(this.missingBytes === 0, `${this.missingBytes} bytes missing`);
    return this.#bytes;
  }
}

/** Where in the stream the next byte belongs. */
type Place =
  | { readonly at: "header" }
  | { readonly at: "body"; readonly kind: number; readonly bodyBytes: number }
  | { readonly at: "head"; readonly kind: number; readonly bodyBytes: number; readonly headBytes: number }
  | { readonly at: "rest"; missingBytes: number };

const AT_HEADER: Place = { at: "header" };

export class FrameDecoder {
  readonly #sink: FrameSink;
  readonly #rules: ReadonlyMap<number, FrameKindRule>;
  #place: Place = AT_HEADER;
  /** The unit being put together across chunks (header, body or head); undefined while none is cut. */
  #gathering: Gathering | undefined;
  #stopped = false;

  constructor(sink: FrameSink, rules: ReadonlyMap<number, FrameKindRule>) {
    this.#sink = sink;
    this.#rules = rules;
  }

  /** Ignores the rest of this chunk and all later ones; may be called from within the sink. */
  stop(): void {
    this.#stopped = true;
    this.#gathering = undefined;
  }

  /** @throws Failure "protocol" naming what was wrong; the decoder is stopped then, as after a throw of the sink */
  push(chunk: Uint8Array): void {
    try {
      let at = 0;
      while (!this.#stopped) {
        const next = this.#step(chunk, at);
        if (next === undefined) return;
        at = next;
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** Takes one unit from `at` on. @returns where the next one begins; undefined if the chunk is used up */
  #step(chunk: Uint8Array, at: number): number | undefined {
    const place = this.#place;
    if (place.at === "rest") return this.#passOn(place, chunk, at);
    const wantedBytes = this.#gathering?.missingBytes ?? unitBytes(place);
    if (chunk.length - at < wantedBytes) {
      this.#keep(chunk.subarray(at), place);
      return undefined;
    }
    const next = at + wantedBytes;
    const unit = this.#completed(chunk.subarray(at, next));
    if (place.at === "header") this.#place = this.#readHeader(unit);
    else if (place.at === "body") this.#finishBody(place.kind, unit);
    else this.#beginStream(place.kind, unit, place.bodyBytes - place.headBytes);
    return next;
  }

  #keep(bytes: Uint8Array, place: Exclude<Place, { at: "rest" }>): void {
    if (bytes.length === 0) return;
    this.#gathering ??= new Gathering(unitBytes(place));
    this.#gathering.add(bytes);
  }

  /** The unit whose last bytes these are: the view itself where nothing came before. */
  #completed(last: Uint8Array): Uint8Array {
    if (this.#gathering === undefined) return last;
    this.#gathering.add(last);
    const unit = this.#gathering.take();
    this.#gathering = undefined;
    return unit;
  }

  #readHeader(header: Uint8Array): Place {
    const [b0 = 0, b1 = 0, b2 = 0, b3 = 0, kind = 0] = header;
    const bodyBytes = ((b0 << 24) | (b1 << 16) | (b2 << 8) | b3) >>> 0;
    const rule = this.#rules.get(kind);
    if (rule === undefined) throw new Failure("protocol", `a frame of unknown kind ${kind}`);
    const { bodyBytesMax, streamedHeadBytes } = rule;
    if (bodyBytes > bodyBytesMax)
      throw new Failure(
        "protocol",
        `a frame of kind ${kind} of ${bodyBytes} bytes, more than ${bodyBytesMax}`,
      );
    if (streamedHeadBytes === undefined) return { at: "body", kind, bodyBytes };
    if (bodyBytes < streamedHeadBytes)
      throw new Failure(
        "protocol",
        `a frame of kind ${kind} of ${bodyBytes} bytes, shorter than its head of ${streamedHeadBytes}`,
      );
    return { at: "head", kind, bodyBytes, headBytes: streamedHeadBytes };
  }

  #finishBody(kind: number, body: Uint8Array): void {
    this.#place = AT_HEADER;
    this.#sink.frame(kind, body);
  }

  #beginStream(kind: number, head: Uint8Array, restBytes: number): void {
    this.#place = restBytes === 0 ? AT_HEADER : { at: "rest", missingBytes: restBytes };
    this.#sink.begin(kind, head, restBytes);
    if (restBytes === 0 && !this.#stopped) this.#sink.end();
  }

  #passOn(place: { missingBytes: number }, chunk: Uint8Array, at: number): number | undefined {
    const next = Math.min(chunk.length, at + place.missingBytes);
    if (next === at) return undefined;
    place.missingBytes -= next - at;
    const ended = place.missingBytes === 0;
    if (ended) this.#place = AT_HEADER;
    this.#sink.part(chunk.subarray(at, next));
    if (ended && !this.#stopped) this.#sink.end();
    return next;
  }
}

function unitBytes(place: Exclude<Place, { at: "rest" }>): number {
  switch (place.at) {
    case "header":
      return FRAME_HEADER_BYTES;
    case "body":
      return place.bodyBytes;
    case "head":
      return place.headBytes;
  }
}
