/**
 * Requests, answers and notices over one connection, the same class at both ends.
 *
 * Owns the numbers of requests and which are unanswered, either way. Invariants: every call ends, by its answer, its
 * deadline or the end of the connection; every request accepted is answered once. A malformed message ends the
 * connection; a request that its method's schema refuses is answered with a failure. What a method means is not known.
 */
import type * as v from "valibot";
import type { Address } from "../base/address.ts";
import { defined, unreachable } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { RPC_MS_MAX, RPC_PENDING_MAX } from "../base/limits.ts";
import { forTerminal } from "../base/text.ts";
import { decodeMessage, type Envelope, encodeMessage, MESSAGE_RULES } from "../wire/envelope.ts";
import { FrameDecoder } from "../wire/frame.ts";
import { check, checkInput } from "../wire/schema.ts";
import type { Connection } from "./connection.ts";
import { KEEP_ALIVE_RULES, KeepAlive } from "./keep-alive.ts";

/** What two programs say to each other: their methods and what they say unasked. */
export interface RpcProtocol<T extends MethodTable, N extends v.GenericSchema> {
  readonly methods: T;
  readonly notice: N;
}
export interface MethodTable {
  readonly [method: string]: { readonly params: v.GenericSchema; readonly result: v.GenericSchema };
}
export type MethodOf<T extends MethodTable> = keyof T & string;
export type ParamsOf<T extends MethodTable, M extends MethodOf<T>> = v.InferOutput<T[M]["params"]>;
export type ResultOf<T extends MethodTable, M extends MethodOf<T>> = v.InferOutput<T[M]["result"]>;

export interface RpcAnswer<R> {
  readonly result: R;
  /** Raw bytes behind the result; empty for most methods. */
  readonly tail: Uint8Array;
}
/** As the one who answers gives it. */
export interface RpcReply<R> {
  readonly result: R;
  readonly tail?: Uint8Array | undefined;
}

/** What an end hears. One that does not serve leaves `request` out: being asked is then a breach of the protocol. */
export interface RpcHandler<T extends MethodTable, N extends v.GenericSchema> {
  /**
   * Answers a request; several may run at once. The tail is the handler's to keep.
   * @throws Failure that travels as it is; anything else is reported and travels as "internal" without details
   */
  request?<M extends MethodOf<T>>(
    method: M,
    params: ParamsOf<T, M>,
    tail: Uint8Array,
  ): Promise<RpcReply<ResultOf<T, M>>>;
  notice?(notice: v.InferOutput<N>): void;
  /** The end, once, whoever caused it. Unanswered calls have been rejected by then. */
  closed(reason: Failure | undefined): void;
}

export interface RpcDependencies<T extends MethodTable, N extends v.GenericSchema> {
  readonly connection: Connection;
  readonly protocol: RpcProtocol<T, N>;
  readonly handler: RpcHandler<T, N>;
  readonly clock: Clock;
  /** Told of exceptions that a request handler threw: bugs, for the log. */
  readonly report: (error: unknown) => void;
}

/** A call that has not ended, or has but whose answer may still come and is then thrown away. */
interface Call {
  readonly n: number;
  readonly method: string;
  readonly result: v.GenericSchema;
  readonly frame: Uint8Array;
  readonly settle: (outcome: RpcAnswer<unknown> | Failure) => void;
  isSettled: boolean;
}

const NO_TAIL = new Uint8Array();

export class RpcConnection<T extends MethodTable, N extends v.GenericSchema> {
  readonly #connection: Connection;
  readonly #protocol: RpcProtocol<T, N>;
  readonly #handler: RpcHandler<T, N>;
  readonly #clock: Clock;
  readonly #report: (error: unknown) => void;
  readonly #decoder: FrameDecoder;
  readonly #keepAlive: KeepAlive;
  #nextNumber = 0;
  /** Sent and unanswered, at most RPC_PENDING_MAX: the other side ends the connection at more. */
  readonly #asked = new Map<number, Call>();
  readonly #waiting: Call[] = [];
  #answering = 0;
  #end: { readonly reason: Failure | undefined } | undefined;

  /** Must be made in the turn of the event loop in which the connection was handed over. */
  constructor({ connection, protocol, handler, clock, report }: RpcDependencies<T, N>) {
    this.#connection = connection;
    this.#protocol = protocol;
    this.#handler = handler;
    this.#clock = clock;
    this.#report = report;
    this.#decoder = new FrameDecoder(
      { frame: (kind, body) => this.#frame(kind, body), begin() {}, part() {}, end() {} },
      new Map([...MESSAGE_RULES, ...KEEP_ALIVE_RULES]),
    );
    this.#keepAlive = new KeepAlive({ connection, clock });
    connection.attach({
      data: (bytes) => this.#data(bytes),
      drained: () => {},
      closed: (reason) => this.#closed(reason),
    });
  }

  get peer(): Fingerprint {
    return this.#connection.peer;
  }

  get remote(): Address {
    return this.#connection.remote;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  get queuedBytes(): number {
    return this.#connection.queuedBytes;
  }

  /** @throws Failure what the other side answered, "timeout", or why the connection has ended */
  async call<M extends MethodOf<T>>(
    method: M,
    params: ParamsOf<T, M>,
    tail?: Uint8Array,
  ): Promise<RpcAnswer<ResultOf<T, M>>> {
    const { result } = defined((this.#protocol.methods as MethodTable)[method], `method ${method}`);
    if (!this.isOpen) throw this.#whyEnded();
    const n = this.#nextNumber++;
    const frame = encodeMessage({ kind: "request", n, method, params }, tail);
    const outcome = Promise.withResolvers<RpcAnswer<unknown> | Failure>();
    const call: Call = { n, method, result, frame, settle: outcome.resolve, isSettled: false };
    this.#waiting.push(call);
    this.#sendWaiting();
    const cancelDeadline = this.#clock.after(RPC_MS_MAX, () =>
      settle(call, new Failure("timeout", `no answer to ${method} within ${RPC_MS_MAX / 1_000} s`)),
    );
    const answer = await outcome.promise;
    cancelDeadline();
    if (answer instanceof Failure) throw answer;
    // Held against the method's own schema when it came.
    return answer as RpcAnswer<ResultOf<T, M>>;
  }

  notify(notice: v.InferOutput<N>): void {
    if (this.isOpen) this.#connection.send(encodeMessage({ kind: "notice", notice }));
  }

  /** Ends at once; `reason` reaches the own handler only. */
  close(reason?: Failure): void {
    this.#connection.close(reason);
  }

  /** Sends what is queued, then ends; calls without answer are rejected. */
  finish(): void {
    this.#connection.finish();
  }

  #data(bytes: Uint8Array): void {
    this.#keepAlive.heard();
    try {
      this.#decoder.push(bytes);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#connection.close(error);
    }
  }

  #frame(kind: number, body: Uint8Array): void {
    if (this.#keepAlive.frame(kind)) return;
    const message = decodeMessage(body);
    if (message instanceof Failure) throw message;
    this.#take(message.envelope, message.tail);
    // What it led to may have ended the connection: the rest of this chunk is not for anybody then.
    if (!this.isOpen) this.#decoder.stop();
  }

  #take(envelope: Envelope, tail: Uint8Array): void {
    switch (envelope.kind) {
      case "request":
        this.#accept(envelope.n, envelope.method, envelope.params, tail);
        break;
      case "answer":
        this.#answered(envelope.n, (call) => readAnswer(call, envelope.result, tail));
        break;
      case "refusal":
        this.#answered(envelope.n, () => envelope.failure);
        break;
      case "notice":
        this.#noticed(envelope.notice);
        break;
      default:
        unreachable(envelope);
    }
  }

  // --- asking ---

  #sendWaiting(): void {
    while (this.#asked.size < RPC_PENDING_MAX) {
      const call = this.#waiting.shift();
      if (call === undefined) return;
      if (call.isSettled) continue;
      this.#asked.set(call.n, call);
      this.#connection.send(call.frame);
    }
  }

  #answered(n: number, read: (call: Call) => RpcAnswer<unknown> | Failure): void {
    const call = this.#asked.get(n);
    if (call === undefined) throw new Failure("protocol", `an answer to request ${n}, which was not asked`);
    this.#asked.delete(n);
    if (!call.isSettled) settle(call, read(call));
    this.#sendWaiting();
  }

  // --- answering ---

  #accept(n: number, method: string, params: unknown, tail: Uint8Array): void {
    if (this.#handler.request === undefined)
      throw new Failure("protocol", "a request to one who serves none");
    if (this.#answering >= RPC_PENDING_MAX)
      throw new Failure("too-many", `more than ${RPC_PENDING_MAX} requests at once`);
    this.#answering++;
    void this.#answer(n, method, params, kept(tail));
  }

  async #answer(n: number, method: string, params: unknown, tail: Uint8Array): Promise<void> {
    const reply = await this.#reply(n, method, params, tail);
    this.#answering--;
    this.#connection.send(reply);
  }

  /** Whatever happens, there is something to send. */
  async #reply(n: number, method: string, params: unknown, tail: Uint8Array): Promise<Uint8Array> {
    try {
      const reply = await this.#run(method, params, tail);
      return encodeMessage({ kind: "answer", n, result: reply.result }, reply.tail);
    } catch (error) {
      if (error instanceof Failure) return encodeMessage({ kind: "refusal", n, failure: error });
      this.#report(error);
      const failure = new Failure("internal", "the other side failed on this request");
      return encodeMessage({ kind: "refusal", n, failure });
    }
  }

  async #run(method: string, params: unknown, tail: Uint8Array): Promise<RpcReply<unknown>> {
    const { methods } = this.#protocol;
    const schema = Object.hasOwn(methods, method) ? methods[method]?.params : undefined;
    if (schema === undefined || this.#handler.request === undefined)
      throw new Failure("protocol", `unknown method ${forTerminal(method)}`);
    const checked = checkInput(schema, params);
    if (checked instanceof Failure) throw checked;
    return this.#handler.request(method as MethodOf<T>, checked as ParamsOf<T, MethodOf<T>>, tail);
  }

  #noticed(notice: unknown): void {
    if (this.#handler.notice === undefined) throw new Failure("protocol", "a notice to one who takes none");
    const checked = check(this.#protocol.notice, notice);
    if (checked instanceof Failure) throw checked;
    this.#handler.notice(checked as v.InferOutput<N>);
  }

  #closed(reason: Failure | undefined): void {
    this.#end = { reason };
    this.#decoder.stop();
    this.#keepAlive.stop();
    const unanswered = [...this.#asked.values(), ...this.#waiting];
    this.#asked.clear();
    this.#waiting.length = 0;
    for (const call of unanswered) settle(call, this.#whyEnded());
    this.#handler.closed(reason);
  }

  #whyEnded(): Failure {
    return this.#end?.reason ?? new Failure("peer-unreachable", "the connection has ended");
  }
}

function settle(call: Call, outcome: RpcAnswer<unknown> | Failure): void {
  call.isSettled = true;
  call.settle(outcome);
}

/** What is wrong with an answer is not what the asker typed: the line says whose it is. Only trackers are asked. */
function readAnswer({ method, result: schema }: Call, given: unknown, tail: Uint8Array) {
  const result = check(schema, given);
  if (!(result instanceof Failure)) return { result, tail: kept(tail) };
  return new Failure("protocol", `the tracker's answer to ${method} makes no sense (${result.message})`);
}

/** A copy that outlives the call in which the bytes were lent. */
function kept(tail: Uint8Array): Uint8Array {
  return tail.length === 0 ? NO_TAIL : new Uint8Array(tail);
}
