/**
 * A member of the group who shares the very file, and means harm with what it serves.
 *
 * It has a key of its own, logs in to the tracker as any client does, announces the file, takes every channel and claims
 * to have all of it. What it does when it is asked for a piece is its `Malice`.
 */
import { randomBytes } from "node:crypto";
import { Failure } from "../../src/base/failure.ts";
import type { Connection, Listener } from "../../src/net/connection.ts";
import { KEEP_ALIVE_RULES } from "../../src/net/keep-alive.ts";
import {
  decodePeerMessage,
  encodeDataHead,
  encodeHello,
  encodePeerMessage,
  PEER_FRAME_RULES,
} from "../../src/wire/client-peer.ts";
import { encodeFrame, FrameDecoder, PING_KIND, PONG_KIND } from "../../src/wire/frame.ts";
import { LOOPBACK, Machine } from "./machine.ts";
import { RawLink } from "./raw-link.ts";

/**
 * `wrong-pieces` answers with other bytes of the right length; `stalls` takes requests and sends nothing; `oversized`
 * announces a frame of 4 GiB; `garbage` sends what is no frame at all; `silent` does not even say hello.
 */
export type Malice = "wrong-pieces" | "stalls" | "oversized" | "garbage" | "silent";

/** A frame header with the greatest length that it can hold, of the kind that carries pieces. */
const OVERSIZED_HEADER = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 25);
const GARBAGE_BYTES = 100_000;

export interface HostileOrder {
  readonly trackerPort: number;
  readonly user: string;
  readonly password: string;
  readonly group: string;
  readonly file: string;
  readonly malice: Malice;
}

export class HostileSource {
  /** How often it was asked for something. */
  requestsSeen = 0;
  readonly #malice: Malice;
  readonly #connections = new Set<Connection>();
  #listener: Listener | undefined;
  #tracker: RawLink | undefined;

  private constructor(malice: Malice) {
    this.#malice = malice;
  }

  /** Resolves when the tracker counts it among the file's sources. The account and its membership must be there. */
  static async start(order: HostileOrder): Promise<HostileSource> {
    const source = new HostileSource(order.malice);
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
    const found = (await this.#tracker.call("find_file", { group, name: file })) as { file: unknown };
    const id = randomBytes(16).toString("hex");
    await this.#tracker.call("share", { id, group, name: file, file: found.file, counter: 1 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
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
    if (message.kind === "open")
      connection.send(encodePeerMessage({ kind: "opened", channel: message.channel, bits: undefined }));
    if (message.kind !== "request") return;
    this.requestsSeen++;
    const { channel, range } = message;
    if (this.#malice === "oversized") connection.send(OVERSIZED_HEADER);
    if (this.#malice !== "wrong-pieces") return;
    connection.send(encodeDataHead({ channel, piece: range.piece, begin: range.begin }, range.length));
    connection.send(new Uint8Array(range.length).fill(range.piece));
  }
}
