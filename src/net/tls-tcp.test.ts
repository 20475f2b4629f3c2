/** On real loopback sockets: what only the runtime's sockets and TLS can show. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect as connectTcp, createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { DIAL_MS_MAX, HANDSHAKE_MS_MAX, SEND_QUEUE_BYTES_MAX } from "../base/limits.ts";
import { systemClock } from "../base/system-clock.ts";
import { failureOf } from "../testing/failure-of.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { type Identity, makeIdentity } from "./certificate.ts";
import type { Connection, ConnectionHandler, Listener } from "./connection.ts";
import { TlsTcpTransport } from "./tls-tcp.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const ROOMY = { connectionsMax: 100, perAddressMax: 100 };

let server: Identity;
let client: Identity;
beforeAll(async () => {
  [server, client] = await Promise.all([makeIdentity(), makeIdentity()]);
});

const reported: unknown[] = [];
const listeners: Listener[] = [];
const connections: Connection[] = [];
afterAll(() => {
  for (const connection of connections) connection.close();
  for (const listener of listeners) listener.close();
});

function transportOf(
  identity: Identity,
  options = ROOMY,
  clock: ManualClock | typeof systemClock = systemClock,
) {
  return new TlsTcpTransport({ identity, clock, report: (error) => reported.push(error) }, options);
}

/** Hears everything; promises for what tests wait for. */
class Ear implements ConnectionHandler {
  bytes = 0;
  readonly chunks: Uint8Array[] = [];
  readonly end = Promise.withResolvers<Failure | undefined>();
  readonly first = Promise.withResolvers<void>();
  #wanted: { bytes: number; reached: () => void } | undefined;

  constructor(readonly connection: Connection) {
    connections.push(connection);
    connection.attach(this);
  }
  data(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.chunks.push(new Uint8Array(bytes));
    this.first.resolve();
    if (this.#wanted && this.bytes >= this.#wanted.bytes) this.#wanted.reached();
  }
  drained(): void {}
  closed(reason: Failure | undefined): void {
    this.end.resolve(reason);
  }
  has(bytes: number): Promise<void> {
    if (this.bytes >= bytes) return Promise.resolve();
    return new Promise((reached) => {
      this.#wanted = { bytes, reached };
    });
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

async function listen(
  transport = transportOf(server),
  accepted: (connection: Connection) => void = () => {},
) {
  const next = Promise.withResolvers<Ear>();
  const listener = await transport.listen(LOOPBACK, (connection) => {
    accepted(connection);
    next.resolve(new Ear(connection));
  });
  listeners.push(listener);
  return { listener, accepted: next.promise };
}

async function pair() {
  const { listener, accepted } = await listen();
  const near = new Ear(await transportOf(client).dial(listener.address, server.fingerprint));
  return { near, far: await accepted, listener };
}

/** Lets the sockets work until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

describe("who is at the other end", () => {
  test("both ends know each other's key and talk", async () => {
    const { near, far, listener } = await pair();
    expect(near.connection.peer).toBe(server.fingerprint);
    expect(far.connection.peer).toBe(client.fingerprint);
    expect(near.connection.remote).toEqual(listener.address);
    expect(far.connection.remote.host).toBe("127.0.0.1");
    near.connection.send(Buffer.from("question"));
    await far.has(8);
    far.connection.send(Buffer.from("answer"));
    await near.has(6);
    expect([far.text, near.text]).toEqual(["question", "answer"]);
  });

  test("a first contact accepts any key and tells which it was; host names work", async () => {
    const { listener } = await listen();
    const address = { host: "localhost", port: listener.address.port };
    const { connection } = new Ear(await transportOf(client).dial(address, undefined));
    expect(connection.peer).toBe(server.fingerprint);
  });

  test("another key than expected is refused, and the message names both", async () => {
    const { listener } = await listen();
    const failure = await failureOf(transportOf(client).dial(listener.address, client.fingerprint));
    expect(failure.code).toBe("peer-refused");
    expect(failure.message).toContain(server.fingerprint);
    expect(failure.message).toContain(client.fingerprint);
  });

  test("a client without a certificate is refused", async () => {
    let accepted = 0;
    const { listener } = await listen(transportOf(server), () => accepted++);
    const socket = connectTls({ ...listener.address, rejectUnauthorized: false });
    socket.on("error", () => {});
    await new Promise((resolve) => socket.on("close", resolve));
    expect(accepted).toBe(0);
  });

  test("a client that speaks TLS 1.2 at most is refused", async () => {
    let accepted = 0;
    const { listener } = await listen(transportOf(server), () => accepted++);
    const { certPem: cert, keyPem: key } = client;
    const options = { rejectUnauthorized: false, cert, key, maxVersion: "TLSv1.2" } as const;
    const socket = connectTls({ ...listener.address, ...options });
    socket.on("error", () => {});
    await new Promise((resolve) => socket.on("close", resolve));
    expect(accepted).toBe(0);
  });
});

describe("strangers and bugs end one connection, and nothing else notices", () => {
  test("plain TCP garbage", async () => {
    const { near, far, listener } = await pair();
    const socket = connectTcp(listener.address.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.0\r\n\r\n");
    socket.resume();
    await new Promise((resolve) => socket.on("close", resolve));
    near.connection.send(Buffer.from("still here"));
    await far.has(10);
    expect(far.text).toBe("still here");
  });

  test("an exception of one connection's handler", async () => {
    const bug = new Error("bug in a handler");
    const { near, far, listener } = await pair();
    far.data = () => {
      throw bug;
    };
    const other = new Ear(await transportOf(client).dial(listener.address, server.fingerprint));
    near.connection.send(Buffer.from("x"));
    expect((await far.end.promise)?.code).toBe("internal");
    await near.end.promise;
    expect(reported).toContain(bug);
    expect(other.connection.isOpen).toBe(true);
  });

  test("an exception of the one who accepts", async () => {
    const bug = new Error("bug in accept");
    let isBroken = true;
    const { listener, accepted } = await listen(transportOf(server), () => {
      if (isBroken) throw bug;
    });
    const refused = new Ear(await transportOf(client).dial(listener.address, server.fingerprint));
    await refused.end.promise;
    expect(reported).toContain(bug);
    isBroken = false;
    new Ear(await transportOf(client).dial(listener.address, server.fingerprint));
    expect((await accepted).connection.isOpen).toBe(true);
  });

  test("somebody who connects and says nothing is dropped at the deadline", async () => {
    const clock = new ManualClock();
    const { listener } = await listen(transportOf(server, ROOMY, clock));
    const socket = connectTcp(listener.address.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    const closed = new Promise((resolve) => socket.on("close", resolve));
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(HANDSHAKE_MS_MAX);
    await closed;
    expect(clock.pending).toBe(0);
  });
});

describe("bounds", () => {
  test("an address beyond its share takes the place of its own oldest stranger, never that of one vouched for", async () => {
    const { listener } = await listen(transportOf(server, { connectionsMax: 10, perAddressMax: 2 }), (one) =>
      accepted.push(one),
    );
    const accepted: Connection[] = [];
    const dial = () => transportOf(client).dial(listener.address, server.fingerprint);
    const guest = new Ear(await dial());
    await until(() => accepted.length === 1);
    accepted[0]?.vouch(true);
    const stranger = new Ear(await dial());
    await until(() => accepted.length === 2);
    const newcomer = new Ear(await dial());
    await stranger.end.promise;
    await until(() => accepted.length === 3);
    accepted[2]?.vouch(true);
    expect((await failureOf(dial())).code).toBe("peer-unreachable");
    expect([guest.connection.isOpen, newcomer.connection.isOpen]).toEqual([true, true]);
    accepted[0]?.vouch(false);
    new Ear(await dial());
    await guest.end.promise;
  });

  test("a slow reader costs its queue and is dropped at the bound", async () => {
    const { near, far } = await pair();
    far.connection.pause();
    const part = new Uint8Array(1024 * 1024);
    let sent = 0;
    while (near.connection.isOpen && sent < 3 * SEND_QUEUE_BYTES_MAX) {
      near.connection.send(part);
      sent += part.length;
      expect(near.connection.queuedBytes).toBeLessThanOrEqual(SEND_QUEUE_BYTES_MAX);
    }
    expect((await near.end.promise)?.message).toContain("does not read");
    expect(sent).toBeGreaterThanOrEqual(SEND_QUEUE_BYTES_MAX);
  });

  test("a paused reader gets everything once it resumes, in order", async () => {
    const { near, far } = await pair();
    far.connection.pause();
    const total = 12_000_000;
    const whole = Buffer.alloc(total, "0123456789abcdefghijklmnopqrstuvwxyzABCDE");
    for (let at = 0, size = 1; at < total; at += size, size = (size * 7 + 13) % 90_000)
      near.connection.send(whole.subarray(at, at + size));
    expect(near.connection.queuedBytes).toBeGreaterThan(0);
    far.connection.resume();
    await far.has(total);
    expect(Buffer.compare(Buffer.concat(far.chunks), whole)).toBe(0);
  });
});

describe("endings", () => {
  test("finish delivers everything, then closes in good order, also while the other side sends", async () => {
    for (const isOtherSending of [false, true]) {
      const { near, far } = await pair();
      const whole = Buffer.alloc(20_000_000, "finish delivers everything; ");
      if (isOtherSending) far.connection.send(new Uint8Array(20_000_000));
      near.connection.send(whole);
      near.connection.finish();
      expect(await far.end.promise).toBeUndefined();
      expect(await near.end.promise).toBeUndefined();
      expect(Buffer.compare(Buffer.concat(far.chunks), whole)).toBe(0);
    }
  });

  test("close reaches both ends", async () => {
    const { near, far } = await pair();
    near.connection.close(new Failure("protocol", "own reason"));
    expect((await near.end.promise)?.message).toBe("own reason");
    await far.end.promise;
    expect(far.connection.isOpen).toBe(false);
  });

  test("bytes over shared memory are sent as they are", async () => {
    const { near, far } = await pair();
    const shared = new Uint8Array(new SharedArrayBuffer(300_000)).fill(7);
    const sent = Promise.withResolvers<void>();
    near.connection.sendThen(shared, sent.resolve);
    await Promise.all([sent.promise, far.has(300_000)]);
    expect(Buffer.concat(far.chunks).every((byte) => byte === 7)).toBe(true);
  });
});

describe("failures in plain words", () => {
  const dial = (host: string, port: number) =>
    failureOf(transportOf(client).dial({ host, port }, server.fingerprint as Fingerprint));

  test("nothing listens there", async () => {
    const { listener } = await listen();
    listener.close();
    const failure = await dial("127.0.0.1", listener.address.port);
    expect(failure.code).toBe("peer-unreachable");
    expect(failure.message).toContain(`127.0.0.1:${listener.address.port}`);
    expect(failure.message).toContain("refused");
  });

  test("a name that does not exist", async () => {
    const failure = await dial("no-such-host.invalid", 1);
    expect(failure.code).toBe("peer-unreachable");
    expect(failure.message).toContain("name not found");
  });

  test("something else listens there", async () => {
    const other = createServer((socket) => {
      socket.on("error", () => {});
      socket.end("220 mail.example ESMTP\r\n");
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const failure = await dial(
      "127.0.0.1",
      typeof address === "object" && address !== null ? address.port : 0,
    );
    expect(failure.code).toBe("peer-refused");
    expect(failure.message).toContain("does not speak this protocol");
    other.close();
  });

  test("a silent listener: the dial ends at the deadline", async () => {
    const clock = new ManualClock();
    const other = createServer(() => {});
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const greeted = new Promise((resolve) =>
      other.on("connection", (socket) => socket.once("data", resolve)),
    );
    const outcome = failureOf(transportOf(client, ROOMY, clock).dial({ host: "127.0.0.1", port }, undefined));
    await greeted;
    clock.advance(HANDSHAKE_MS_MAX);
    expect(await outcome).toMatchObject({
      code: "peer-unreachable",
      message: `cannot connect to 127.0.0.1:${port}: timed out: it did not finish the handshake`,
    });
    other.close();
  });

  test("a machine that does not answer: the dial ends at its own deadline", async () => {
    const clock = new ManualClock();
    const outcome = failureOf(
      transportOf(client, ROOMY, clock).dial({ host: "127.0.0.1", port: 9 }, undefined),
    );
    // Before the runtime has even begun to connect.
    clock.advance(DIAL_MS_MAX);
    expect(await outcome).toMatchObject({
      code: "peer-unreachable",
      message: "cannot connect to 127.0.0.1:9: timed out: no answer within 5 s",
    });
  });

  test("a port that is taken", async () => {
    const { listener } = await listen();
    const failure = await failureOf(transportOf(client).listen(listener.address, () => {}));
    expect(failure.code).toBe("address-in-use");
    expect(failure.message).toContain("another program listens there");
  });

  test("an address of another machine", async () => {
    const failure = await failureOf(transportOf(client).listen({ host: "192.0.2.1", port: 0 }, () => {}));
    expect(failure.code).toBe("usage");
  });
});
