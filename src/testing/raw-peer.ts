/**
 * The other end of a peer connection, in a test's hands: says any bytes, and keeps all that it hears.
 *
 * It follows no rule of the protocol by itself, not even the hello.
 */
import { Failure } from "../base/failure.ts";
import type { Connection } from "../net/connection.ts";
import { KEEP_ALIVE_RULES } from "../net/keep-alive.ts";
import {
  type DataHead,
  decodeDataHead,
  decodePeerMessage,
  encodeDataHead,
  encodeHello,
  encodePeerMessage,
  PEER_FRAME_RULES,
  type PeerMessage,
  refuseHello,
} from "../wire/client-peer.ts";
import { FrameDecoder, PING_KIND, PONG_KIND } from "../wire/frame.ts";

/** A data frame that came whole. */
export interface HeardData extends DataHead {
  readonly bytes: Uint8Array;
}

export class RawPeer {
  readonly heard: PeerMessage[] = [];
  readonly data: HeardData[] = [];
  /** Whether the first frame was a good hello. */
  greeted = false;
  pings = 0;
  /** Set once the connection has ended. */
  ended: { readonly reason: Failure | undefined } | undefined;
  readonly #connection: Connection;
  readonly #answer: ((message: PeerMessage) => void) | undefined;
  #head: DataHead | undefined;
  #parts: Uint8Array[] = [];

  /** @param answer is told of each message when it comes, and may speak at once */
  constructor(connection: Connection, answer?: (message: PeerMessage) => void) {
    this.#connection = connection;
    this.#answer = answer;
    const decoder = new FrameDecoder(
      {
        frame: (kind, body) => this.#frame(kind, body),
        begin: (_kind, head) => {
          this.#head = decodeDataHead(head);
        },
        part: (bytes) => this.#parts.push(bytes.slice()),
        end: () => this.#dataEnds(),
      },
      new Map([...PEER_FRAME_RULES, ...KEEP_ALIVE_RULES]),
    );
    connection.attach({
      data: (bytes) => decoder.push(bytes),
      drained: () => {},
      closed: (reason) => {
        this.ended = { reason };
      },
    });
  }

  hello(): void {
    this.bytes(encodeHello());
  }

  say(...messages: readonly PeerMessage[]): void {
    this.bytes(Buffer.concat(messages.map(encodePeerMessage)));
  }

  /** @param wholeBytes of the frame, where more is announced than is sent now */
  sayData(head: DataHead, bytes: Uint8Array, wholeBytes = bytes.length): void {
    this.bytes(Buffer.concat([encodeDataHead(head, wholeBytes), bytes]));
  }

  bytes(bytes: Uint8Array): void {
    this.#connection.send(bytes);
  }

  close(): void {
    this.#connection.close();
  }

  /** Of that kind, in order. */
  heardOf<K extends PeerMessage["kind"]>(kind: K): (PeerMessage & { kind: K })[] {
    return this.heard.filter((message): message is PeerMessage & { kind: K } => message.kind === kind);
  }

  #frame(kind: number, body: Uint8Array): void {
    if (kind === PONG_KIND) return;
    if (kind === PING_KIND) {
      this.pings++;
      return;
    }
    if (!this.greeted) {
      const refused = refuseHello(kind, body);
      if (refused !== undefined) throw refused;
      this.greeted = true;
      return;
    }
    const message = decodePeerMessage(kind, body.slice());
    if (message instanceof Failure) throw message;
    this.heard.push(message);
    this.#answer?.(message);
  }

  #dataEnds(): void {
    if (this.#head !== undefined) this.data.push({ ...this.#head, bytes: Buffer.concat(this.#parts) });
    this.#parts = [];
  }
}
