/**
 * Frames without end over connections of machines with keys of their own; one that is ended is made anew at once.
 *
 * Two ways: a `stream` is sent as fast as the socket takes it; `requests` are sent 64 at a time, as many as may be unanswered,
 * and the next when those are answered.
 */
import { randomBytes } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { FileId, Gid } from "../../src/base/ids.ts";
import { RPC_PENDING_MAX } from "../../src/base/limits.ts";
import { type Identity, makeIdentity } from "../../src/net/certificate.ts";
import { KEEP_ALIVE_RULES } from "../../src/net/keep-alive.ts";
import { encodePeerMessage } from "../../src/wire/client-peer.ts";
import { encodeMessage, MESSAGE_KIND, MESSAGE_RULES } from "../../src/wire/envelope.ts";
import { encodeFrame, FrameDecoder, frameHeader, PING_KIND, PONG_KIND } from "../../src/wire/frame.ts";
import type { Flood, FloodOrder } from "./order.ts";
import { helloOf, ownAddress, tlsSocket } from "./stranger-socket.ts";
import type { TellTale } from "./tell-tale.ts";

const STREAM_BYTES = 65_536;
const GIANT_BYTES = 2 ** 32 - 1;
const UNKNOWN_KIND = 200;

const gid = "0".repeat(32) as Gid;
const fileId = "0".repeat(64) as FileId;
const grant = `${"A".repeat(400)}.${"A".repeat(86)}`;

/** One frame, sent again and again. */
const STREAMS: Partial<Record<Flood, (at: number) => Uint8Array>> = {
  pings: () => encodeFrame(PING_KIND),
  pongs: () => encodeFrame(PONG_KIND),
  giants: () => frameHeader(MESSAGE_KIND, GIANT_BYTES),
  "unknown-kinds": () => encodeFrame(UNKNOWN_KIND, new Uint8Array(10)),
  opens: (at) => encodePeerMessage({ kind: "open", channel: at, gid, fileId, grant }),
  strays: () => {
    const range = { piece: 0, begin: 0, length: 1 };
    return encodePeerMessage({ kind: "request", channel: 7, range });
  },
};

const newId = () => randomBytes(16).toString("hex");
const listening = { host: "127.0.0.1", port: 9 };

/** The parameters of a method, asked again and again. */
const REQUESTS: Partial<Record<Flood, (order: FloodOrder) => readonly [string, unknown]>> = {
  requests: () => ["ping", {}],
  "unknown-methods": () => ["no_such_method", { x: "y".repeat(100) }],
  searches: () => ["search", { text: "no such text" }],
  lists: () => ["list_groups", {}],
  accounts: () => ["create_user", { id: newId(), name: `x${newId().slice(0, 12)}`, password: "pw" }],
  logins: () => ["login", { name: `x${newId().slice(0, 12)}`, password: "pw", listening }],
  "join-requests": ({ login }) => ["join_group", { id: newId(), group: login?.group }],
  "new-groups": () => ["create_group", { id: newId(), group: `g${newId().slice(0, 12)}` }],
};

export async function flood(order: FloodOrder, tale: TellTale): Promise<void> {
  const keep = async (at: number) => {
    for (;;) await oneConnection(order, tale, { identity: await identityFor(order), at });
  };
  await Promise.all(Array.from({ length: order.connections }, (_, at) => keep(at)));
}

let shared: Promise<Identity> | undefined;

/** A session is that of one machine: the same one twice takes the place of itself. */
function identityFor({ login }: FloodOrder): Promise<Identity> {
  if (login !== undefined) return makeIdentity();
  shared ??= makeIdentity();
  return shared;
}

async function oneConnection(
  order: FloodOrder,
  tale: TellTale,
  { identity, at }: { identity: Identity; at: number },
): Promise<void> {
  const { addresses = 1, target } = order;
  const socket = tlsSocket(target, identity, ownAddress(at % addresses));
  tale.begun++;
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.on("secureConnect", () => {
    tale.open++;
    socket.on("close", () => tale.open--);
    if (order.isDeaf) socket.pause();
    void new Flooding(socket, order, tale).run();
  });
  await closed;
  tale.ended++;
}

class Flooding {
  readonly #socket: TLSSocket;
  readonly #order: FloodOrder;
  readonly #tale: TellTale;
  #answers = 0;
  #more = Promise.withResolvers<void>();

  constructor(socket: TLSSocket, order: FloodOrder, tale: TellTale) {
    this.#socket = socket;
    this.#order = order;
    this.#tale = tale;
    const decoder = new FrameDecoder(
      { frame: (kind) => this.#heard(kind), begin() {}, part() {}, end() {} },
      new Map([...MESSAGE_RULES, ...KEEP_ALIVE_RULES]),
    );
    socket.on("data", (bytes: Buffer) => {
      tale.heardBytes += bytes.length;
      if (order.target.listener === "tracker") decoder.push(bytes);
    });
    for (const event of ["close", "drain"]) socket.on(event, () => this.#more.resolve());
  }

  async run(): Promise<void> {
    const { flood: kind, login } = this.#order;
    this.#write(helloOf(this.#order.target));
    if (this.#order.target.listener === "tracker" && !this.#order.isDeaf) await this.#answered(1);
    if (login !== undefined) {
      const { user: name, password } = login;
      this.#request(1, "login", { name, password, listening });
      await this.#answered(2);
    }
    const stream = STREAMS[kind];
    if (stream !== undefined) await this.#stream(stream);
    else await this.#ask();
  }

  async #stream(frame: (at: number) => Uint8Array): Promise<void> {
    for (let at = 1; this.#socket.writable; ) {
      const frames: Uint8Array[] = [];
      for (let bytes = 0; bytes < STREAM_BYTES; bytes += frames.at(-1)?.length ?? 1) frames.push(frame(at++));
      this.#tale.sent += frames.length;
      if (!this.#socket.write(Buffer.concat(frames))) await this.#taken();
    }
  }

  async #ask(): Promise<void> {
    const params = REQUESTS[this.#order.flood];
    if (params === undefined) return;
    for (let n = 10, due = this.#answers; this.#socket.writable; due += RPC_PENDING_MAX) {
      for (let each = 0; each < RPC_PENDING_MAX; each++) this.#request(n++, ...params(this.#order));
      this.#tale.sent += RPC_PENDING_MAX;
      if (!this.#order.isDeaf) await this.#answered(due + RPC_PENDING_MAX);
      else await Bun.sleep(0);
    }
  }

  #heard(kind: number): void {
    if (kind === PING_KIND) this.#write(encodeFrame(PONG_KIND));
    if (kind !== MESSAGE_KIND) return;
    this.#answers++;
    this.#more.resolve();
  }

  async #answered(answers: number): Promise<void> {
    while (this.#answers < answers && this.#socket.writable) {
      this.#more = Promise.withResolvers();
      await this.#more.promise;
    }
  }

  /** The socket takes bytes again, or has ended. */
  async #taken(): Promise<void> {
    this.#more = Promise.withResolvers();
    await this.#more.promise;
  }

  #request(n: number, method: string, params: unknown): void {
    this.#write(encodeMessage({ kind: "request", n, method, params }));
  }

  #write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }
}
