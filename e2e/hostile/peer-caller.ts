/** A connection to a client that serves, by somebody who says whatever it likes and keeps count of what comes. */
import { Failure } from "../../src/base/failure.ts";
import type { FileId, Gid } from "../../src/base/ids.ts";
import { PIECE_BYTES } from "../../src/base/limits.ts";
import type { Connection } from "../../src/net/connection.ts";
import { KEEP_ALIVE_RULES } from "../../src/net/keep-alive.ts";
import {
  decodeDataHead,
  decodePeerMessage,
  encodeHello,
  encodePeerMessage,
  PEER_FRAME_RULES,
  type PeerMessage,
} from "../../src/wire/client-peer.ts";
import { encodeFrame, FrameDecoder, PING_KIND, PONG_KIND } from "../../src/wire/frame.ts";
import type { Machine } from "./machine.ts";

const HEARD_MS_MAX = 20_000;

export class PeerCaller {
  /** All but data. */
  readonly heard: PeerMessage[] = [];
  /** Told of every piece that has come whole. */
  onPiece: (channel: number, piece: number) => void = () => {};
  dataBytes = 0;
  /** Of the last byte of a file, by `performance.now`. */
  lastDataMs = 0;
  ended = false;
  readonly #connection: Connection;
  readonly #waiting = new Set<() => void>();
  #head = { channel: 0, piece: 0 };
  #next = 1;

  private constructor(connection: Connection) {
    this.#connection = connection;
    const decoder = new FrameDecoder(
      {
        frame: (kind, body) => this.#frame(kind, body),
        begin: (_kind, head) => {
          this.#head = decodeDataHead(head);
        },
        part: (bytes) => this.#part(bytes.length),
        end: () => this.onPiece(this.#head.channel, this.#head.piece),
      },
      new Map([...PEER_FRAME_RULES, ...KEEP_ALIVE_RULES]),
    );
    connection.attach({
      data: (bytes) => decoder.push(bytes),
      drained() {},
      closed: () => {
        this.ended = true;
        this.#notify();
      },
    });
    connection.send(encodeHello());
  }

  static async dial(machine: Machine, port: number): Promise<PeerCaller> {
    return new PeerCaller(await machine.dial(port));
  }

  say(...messages: readonly PeerMessage[]): void {
    for (const message of messages) this.bytes(encodePeerMessage(message));
  }

  bytes(bytes: Uint8Array): void {
    this.#connection.send(bytes);
  }

  /** @returns the number of the new channel */
  open(gid: string, fileId: string, grant: string): number {
    const channel = this.#next++;
    this.say({ kind: "open", channel, gid: gid as Gid, fileId: fileId as FileId, grant });
    return channel;
  }

  request(channel: number, piece: number, begin = 0, length = PIECE_BYTES): void {
    this.say({ kind: "request", channel, range: { piece, begin, length } });
  }

  /** What was said of a channel, of that kind. */
  of<K extends PeerMessage["kind"]>(kind: K, channel: number): (PeerMessage & { kind: K }) | undefined {
    return this.heard.find(
      (message): message is PeerMessage & { kind: K } => message.kind === kind && message.channel === channel,
    );
  }

  /** Resolves with whether the channel was opened, or why not. */
  async answer(channel: number): Promise<"opened" | Failure> {
    await this.until(
      () => this.ended || (this.of("opened", channel) ?? this.of("closed", channel)) !== undefined,
    );
    if (this.of("opened", channel) !== undefined) return "opened";
    return this.of("closed", channel)?.failure ?? new Failure("peer-unreachable", "the connection has ended");
  }

  /** @throws if it is not so for long */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (act: () => void) => {
        clearTimeout(deadline);
        this.#waiting.delete(check);
        act();
      };
      const check = () => {
        if (isSo()) finish(resolve);
      };
      const deadline = setTimeout(
        () => finish(() => reject(new Error(`not within ${HEARD_MS_MAX} ms: ${isSo}`))),
        HEARD_MS_MAX,
      );
      this.#waiting.add(check);
      check();
    });
  }

  close(): void {
    this.#connection.close();
  }

  #part(bytes: number): void {
    this.dataBytes += bytes;
    this.lastDataMs = performance.now();
    this.#notify();
  }

  #frame(kind: number, body: Uint8Array): void {
    if (kind === PING_KIND) this.bytes(encodeFrame(PONG_KIND));
    const message = decodePeerMessage(kind, body.slice());
    if (!(message instanceof Failure)) this.heard.push(message);
    this.#notify();
  }

  #notify(): void {
    for (const check of [...this.#waiting]) check();
  }
}
