/**
 * A member of the group who shares the very file, and means harm with what it serves.
 *
 * It has a key of its own, logs in to the tracker as any client does, announces the file, takes every channel and claims
 * to have all of it. What it does when it is asked for a piece is its `Malice`.
 */
import { randomBytes } from "node:crypto";
import { Failure } from "../../src/base/failure.ts";
import { PIECE_BYTES } from "../../src/base/limits.ts";
import type { Connection, Listener } from "../../src/net/connection.ts";
import { KEEP_ALIVE_RULES } from "../../src/net/keep-alive.ts";
import {
  decodePeerMessage,
  encodeDataHead,
  encodeHello,
  encodePeerMessage,
  PEER_FRAME_RULES,
  type PieceRange,
} from "../../src/wire/client-peer.ts";
import { encodeFrame, FrameDecoder, PING_KIND, PONG_KIND } from "../../src/wire/frame.ts";
import { LOOPBACK, Machine } from "./machine.ts";
import { RawLink } from "./raw-link.ts";

/**
 * `wrong-pieces` answers with other bytes of the right length; `stalls` takes requests and sends nothing; `oversized`
 * announces a frame of 4 GiB; `garbage` sends what is no frame at all; `silent` does not even say hello. `trickles` sends
 * a few bytes a second of what it is asked for; `has-nothing` claims all and then refuses each piece; `extra-bits` and
 * `long-bitfield` answer with a bitfield that no such file has; `unasked` answers with another piece, `twice` with wrong
 * bytes two times, `misplaced` with bytes of the middle of a piece; `have-flood` tells of the same pieces without end;
 * `repents` answers its first request wrong and all others right.
 */
export type Malice =
  | "wrong-pieces"
  | "stalls"
  | "oversized"
  | "garbage"
  | "silent"
  | "trickles"
  | "has-nothing"
  | "extra-bits"
  | "long-bitfield"
  | "unasked"
  | "twice"
  | "misplaced"
  | "have-flood"
  | "repents";

/** A frame header with the greatest length that it can hold, of the kind that carries pieces. */
const OVERSIZED_HEADER = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 25);
const GARBAGE_BYTES = 100_000;
const HAVES = 2_000;
const TRICKLE_MS = 300;

export interface HostileOrder {
  readonly trackerPort: number;
  readonly user: string;
  readonly password: string;
  readonly group: string;
  readonly file: string;
  readonly malice: Malice;
  /** The file's own bytes, for one that serves some of them right. */
  readonly content?: Uint8Array;
}

export class HostileSource {
  /** How often it was asked for something. */
  requestsSeen = 0;
  /** How often a channel was opened at it. */
  channelsSeen = 0;
  #pieces = 0;
  readonly #timers = new Set<ReturnType<typeof setInterval>>();
  readonly #malice: Malice;
  readonly #content: Uint8Array;
  readonly #connections = new Set<Connection>();
  #listener: Listener | undefined;
  #tracker: RawLink | undefined;

  private constructor({ malice, content = new Uint8Array() }: HostileOrder) {
    this.#malice = malice;
    this.#content = content;
  }

  /** Resolves when the tracker counts it among the file's sources. The account and its membership must be there. */
  static async start(order: HostileOrder): Promise<HostileSource> {
    const source = new HostileSource(order);
    await source.#announce(await Machine.make(), order);
    return source;
  }

  async #announce(
    machine: Machine,
    { trackerPort, user, password, group, file }: HostileOrder,
  ): Promise<void> {
    this.#listener = await machine.listen(0, (connection) => this.#serve(connection));
    this.#tracker = new RawLink(await machine.dial(trackerPort));
    await this.#tracker.call("hello", { version: 1, program: "hostile" });
    const listening = { host: LOOPBACK, port: this.#listener.address.port };
    await this.#tracker.call("login", { name: user, password, listening });
    const found = (await this.#tracker.call("find_file", { group, name: file })) as {
      file: { size: number };
    };
    this.#pieces = Math.ceil(found.file.size / PIECE_BYTES);
    const id = randomBytes(16).toString("hex");
    await this.#tracker.call("share", { id, group, name: file, file: found.file, counter: 1 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#tracker?.close();
    this.#listener?.close();
    for (const connection of this.#connections) connection.close();
  }

  #serve(connection: Connection): void {
    this.#connections.add(connection);
    const decoder = new FrameDecoder(
      {
        frame: (kind, body) => this.#frame(connection, kind, body),
        begin() {},
        part() {},
        end() {},
      },
      new Map([...PEER_FRAME_RULES, ...KEEP_ALIVE_RULES]),
    );
    connection.attach({
      data: (bytes) => decoder.push(bytes),
      drained() {},
      closed: () => this.#connections.delete(connection),
    });
    if (this.#malice === "garbage") connection.send(randomBytes(GARBAGE_BYTES));
    else if (this.#malice !== "silent") connection.send(encodeHello());
  }

  #frame(connection: Connection, kind: number, body: Uint8Array): void {
    if (kind === PING_KIND) connection.send(encodeFrame(PONG_KIND));
    const message = decodePeerMessage(kind, body);
    if (message instanceof Failure || this.#malice === "silent") return;
    if (message.kind === "open") this.#opened(connection, message.channel);
    if (message.kind !== "request") return;
    this.requestsSeen++;
    this.#answer(connection, message.channel, message.range);
  }

  #opened(connection: Connection, channel: number): void {
    this.channelsSeen++;
    const bytes = Math.ceil(this.#pieces / 8);
    const bits = {
      // The file of the tests has a number of pieces that leaves bits over at the end.
      "extra-bits": new Uint8Array(bytes).fill(0xff),
      "long-bitfield": new Uint8Array(bytes + 1_000),
    };
    const lie =
      this.#malice === "extra-bits" || this.#malice === "long-bitfield" ? bits[this.#malice] : undefined;
    connection.send(encodePeerMessage({ kind: "opened", channel, bits: lie }));
    if (this.#malice !== "have-flood") return;
    const have = encodePeerMessage({ kind: "have", channel, pieces: new Array(this.#pieces).fill(0) });
    for (let count = 0; count < HAVES; count++) connection.send(have);
  }

  #answer(connection: Connection, channel: number, range: PieceRange): void {
    const { piece, begin, length } = range;
    const wrong = (of = piece, from = begin, bytes = length) => {
      connection.send(encodeDataHead({ channel, piece: of, begin: from }, bytes));
      connection.send(new Uint8Array(bytes).fill(of));
    };
    switch (this.#malice) {
      case "oversized":
        connection.send(OVERSIZED_HEADER);
        break;
      case "wrong-pieces":
      case "have-flood":
        wrong();
        break;
      case "repents":
        if (this.requestsSeen === 1) wrong();
        else this.#right(connection, channel, range);
        break;
      case "twice":
        wrong();
        wrong();
        break;
      case "unasked":
        wrong((piece + 1) % (this.#pieces - 1), 0, PIECE_BYTES);
        break;
      case "misplaced":
        wrong(piece, Math.floor(length / 2), Math.floor(length / 2));
        break;
      case "has-nothing":
        connection.send(encodePeerMessage({ kind: "reject", channel, range, reason: "not-have" }));
        break;
      case "trickles":
        if (this.#timers.size > 0) break;
        connection.send(encodeDataHead({ channel, piece, begin }, length));
        this.#timers.add(setInterval(() => connection.send(Uint8Array.of(0)), TRICKLE_MS));
        break;
    }
  }
  #right(connection: Connection, channel: number, { piece, begin, length }: PieceRange): void {
    const at = piece * PIECE_BYTES + begin;
    connection.send(encodeDataHead({ channel, piece, begin }, length));
    connection.send(this.#content.slice(at, at + length));
  }
}
