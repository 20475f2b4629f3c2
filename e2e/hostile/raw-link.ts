/**
 * A link of client and tracker without any of the program's own care: whatever JSON one likes, either way.
 *
 * For programs that mean harm; they live in the test's own process and use the wire format of `src/` alone.
 */
import type { Failure } from "../../src/base/failure.ts";
import type { Connection } from "../../src/net/connection.ts";
import { KEEP_ALIVE_RULES } from "../../src/net/keep-alive.ts";
import {
  decodeMessage,
  type Envelope,
  encodeMessage,
  MESSAGE_KIND,
  MESSAGE_RULES,
} from "../../src/wire/envelope.ts";
import { encodeFrame, FrameDecoder, PING_KIND, PONG_KIND } from "../../src/wire/frame.ts";

type Request = Extract<Envelope, { kind: "request" }>;

export class RawLink {
  readonly #connection: Connection;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #answer: (request: Request) => unknown;
  #next = 1;

  /** @param answer of a side that is asked: what is sent back as the result */
  constructor(connection: Connection, answer: (request: Request) => unknown = () => ({})) {
    this.#connection = connection;
    this.#answer = answer;
    const decoder = new FrameDecoder(
      {
        frame: (kind, body) => this.#frame(kind, body),
        begin() {},
        part() {},
        end() {},
      },
      new Map([...MESSAGE_RULES, ...KEEP_ALIVE_RULES]),
    );
    connection.attach({
      data: (bytes) => decoder.push(bytes),
      drained() {},
      closed: (reason) => this.#ended(reason),
    });
  }

  /** @returns the result as it came @throws Failure what the other side answered */
  call(method: string, params: unknown, tail?: Uint8Array): Promise<unknown> {
    const n = this.#next++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(n, waiting);
    this.#connection.send(encodeMessage({ kind: "request", n, method, params }, tail));
    return waiting.promise;
  }

  close(): void {
    this.#connection.close();
  }

  #frame(kind: number, body: Uint8Array): void {
    if (kind === PING_KIND) this.#connection.send(encodeFrame(PONG_KIND));
    if (kind !== MESSAGE_KIND) return;
    const message = decodeMessage(body);
    if (message instanceof Error) throw message;
    const { envelope } = message;
    if (envelope.kind === "request")
      this.#connection.send(encodeMessage({ kind: "answer", n: envelope.n, result: this.#answer(envelope) }));
    else if (envelope.kind === "answer") this.#waiting.get(envelope.n)?.resolve(envelope.result);
    else if (envelope.kind === "refusal") this.#waiting.get(envelope.n)?.reject(envelope.failure);
  }

  #ended(reason: Failure | undefined): void {
    for (const { reject } of this.#waiting.values()) reject(reason ?? new Error("the link has ended"));
  }
}
