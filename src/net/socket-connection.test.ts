import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { COALESCED_BYTES_MAX, FINISH_MS_MAX, SEND_QUEUE_BYTES_MAX } from "../base/limits.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { type RawSocket, SocketConnection } from "./socket-connection.ts";

const peer = { peer: "a".repeat(64) as Fingerprint, remote: { host: "127.0.0.1", port: 1 } };

function setUp() {
  const clock = new ManualClock();
  const reported: unknown[] = [];
  const calls: string[] = [];
  const socket = {
    room: Number.POSITIVE_INFINITY,
    write(bytes: Uint8Array) {
      const taken = Math.min(this.room, bytes.length);
      this.room -= taken;
      calls.push(`write ${taken}`);
      return taken;
    },
    pause: () => void calls.push("pause"),
    resume: () => void calls.push("resume"),
    shutdown: () => void calls.push("shutdown"),
    terminate: () => void calls.push("terminate"),
  } satisfies RawSocket & { room: number };
  const connection = new SocketConnection(socket, peer, { clock, report: (error) => reported.push(error) });
  const heard: string[] = [];
  const attach = (data = (_: Uint8Array) => {}) =>
    connection.attach({
      data: (bytes) => {
        heard.push(`data ${Buffer.from(bytes)}`);
        data(bytes);
      },
      drained: () => heard.push("drained"),
      closed: (reason) => heard.push(`closed ${reason?.code}`),
    });
  return { clock, reported, calls, socket, connection, heard, attach };
}

describe("the handler", () => {
  test("hears data, then the end, once, and nothing after it", async () => {
    const { connection, heard, attach } = setUp();
    attach();
    connection.received(Buffer.from("a"));
    connection.ended(undefined);
    connection.received(Buffer.from("b"));
    connection.ended(new Failure("internal", ""));
    connection.close();
    await settle();
    expect(heard).toEqual(["data a", "closed undefined"]);
    expect(connection.isOpen).toBe(false);
  });

  test("hears its own close in a later microtask, never from within its own call", async () => {
    const { connection, heard, attach, calls } = setUp();
    attach(() => {
      connection.close(new Failure("protocol", "nonsense"));
      heard.push("still in data");
    });
    connection.received(Buffer.from("a"));
    connection.received(Buffer.from("b"));
    await settle();
    expect(heard).toEqual(["data a", "still in data", "closed protocol"]);
    expect(calls).toEqual(["terminate"]);
  });

  test("attached late, hears in order what came before, while reading stood still", async () => {
    const { connection, heard, attach, calls } = setUp();
    const chunk = Buffer.from("a");
    connection.received(chunk);
    chunk.write("x");
    expect(calls).toEqual(["pause"]);
    attach();
    connection.received(Buffer.from("b"));
    await settle();
    connection.received(Buffer.from("c"));
    expect(heard).toEqual(["data a", "data b", "data c"]);
    expect(calls.at(-1)).toBe("resume");
  });

  test("attached after the end, hears of the end once", async () => {
    const { connection, heard, attach } = setUp();
    connection.received(Buffer.from("a"));
    connection.ended(new Failure("peer-unreachable", "cut"));
    attach();
    await settle();
    expect(heard).toEqual(["closed peer-unreachable"]);
  });

  test("attached with early data and closed in the same turn, hears of the end once", async () => {
    const { connection, heard, attach } = setUp();
    connection.received(Buffer.from("a"));
    attach();
    connection.close();
    await settle();
    expect(heard).toEqual(["closed undefined"]);
  });

  test("an exception of it ends the connection and is reported", async () => {
    const { connection, heard, attach, reported, calls } = setUp();
    const bug = new Error("bug");
    attach(() => {
      throw bug;
    });
    connection.received(Buffer.from("a"));
    await settle();
    expect(reported).toEqual([bug]);
    expect(heard).toEqual(["data a", "closed internal"]);
    expect(calls).toEqual(["terminate"]);
  });

  test("an exception of a callback of sendThen ends the connection too", async () => {
    const { connection, heard, attach, reported } = setUp();
    attach();
    connection.sendThen(Buffer.from("a"), () => {
      throw new Error("bug");
    });
    await settle();
    expect(reported).toHaveLength(1);
    expect(heard).toContain("closed internal");
  });
});

describe("sending", () => {
  test("after the end is ignored, but whoever waits is told", async () => {
    const { connection, calls, attach } = setUp();
    attach();
    connection.close();
    let told = 0;
    connection.send(Buffer.from("a"));
    connection.sendThen(Buffer.from("a"), () => told++);
    await settle();
    expect(calls).toEqual(["terminate"]);
    expect(told).toBe(1);
  });

  test("whoever waits is told when the connection ends first", async () => {
    const { connection, socket, attach } = setUp();
    attach();
    socket.room = 0;
    let told = 0;
    connection.sendThen(Buffer.from("a"), () => told++);
    await settle();
    expect(told).toBe(0);
    connection.ended(undefined);
    await settle();
    expect(told).toBe(1);
  });

  test("to somebody who does not read ends at the bound", async () => {
    const { connection, socket, heard, attach, calls } = setUp();
    attach();
    socket.room = 0;
    const part = new Uint8Array(SEND_QUEUE_BYTES_MAX / 4);
    for (let count = 0; count < 4; count++) connection.send(part);
    expect(connection.isOpen).toBe(true);
    connection.send(Uint8Array.of(1));
    expect(connection.isOpen).toBe(false);
    expect(connection.queuedBytes).toBe(0);
    await settle();
    expect(heard).toEqual(["closed peer-unreachable"]);
    expect(calls.at(-1)).toBe("terminate");
  });
});

describe("finishing", () => {
  test("sends what is queued, says so, and ends when the other side does", async () => {
    const { connection, socket, calls, heard, attach, clock } = setUp();
    attach();
    socket.room = 10;
    connection.send(new Uint8Array(COALESCED_BYTES_MAX));
    connection.finish();
    connection.send(Buffer.from("too late"));
    expect(calls).not.toContain("shutdown");
    socket.room = Number.POSITIVE_INFINITY;
    connection.writable();
    expect(calls.slice(-2)).toEqual([`write ${COALESCED_BYTES_MAX - 10}`, "shutdown"]);
    connection.received(Buffer.from("ignored"));
    connection.ended(undefined);
    await settle();
    expect(heard).toEqual(["closed undefined"]);
    expect(clock.pending).toBe(0);
  });

  test("with nothing queued says so at once", () => {
    const { connection, calls } = setUp();
    connection.finish();
    connection.finish();
    expect(calls).toEqual(["resume", "shutdown"]);
  });

  test("a small send of the same turn still leaves first", async () => {
    const { connection, calls } = setUp();
    connection.send(Buffer.from("bye"));
    connection.finish();
    await settle();
    expect(calls).toEqual(["resume", "write 3", "shutdown"]);
  });

  test("ends by itself when nothing moves; any progress gives it more time", async () => {
    const { connection, socket, heard, attach, clock, calls } = setUp();
    attach();
    socket.room = 0;
    connection.send(new Uint8Array(COALESCED_BYTES_MAX));
    connection.finish();
    clock.advance(FINISH_MS_MAX - 1);
    socket.room = 1;
    connection.writable();
    clock.advance(FINISH_MS_MAX - 1);
    expect(calls).not.toContain("terminate");
    clock.advance(1);
    await settle();
    expect(heard).toEqual(["closed timeout"]);
  });

  test("a cut before everything had left is told, one after it is the expected end", async () => {
    for (const [room, outcome] of [
      [0, "closed peer-unreachable"],
      [Number.POSITIVE_INFINITY, "closed undefined"],
    ] as const) {
      const { connection, socket, heard, attach } = setUp();
      attach();
      socket.room = room;
      connection.send(new Uint8Array(COALESCED_BYTES_MAX));
      connection.finish();
      connection.ended(new Failure("peer-unreachable", "cut"));
      await settle();
      expect(heard).toEqual([outcome]);
    }
  });
});

describe("pausing", () => {
  test("is passed on to the socket while the connection stands", () => {
    const { connection, calls, attach } = setUp();
    attach();
    connection.pause();
    connection.resume();
    connection.close();
    connection.pause();
    connection.resume();
    expect(calls).toEqual(["pause", "resume", "terminate"]);
  });

  test("paused while early data waits, it stays paused", async () => {
    const { connection, calls, attach } = setUp();
    connection.received(Buffer.from("a"));
    connection.pause();
    attach();
    await settle();
    expect(calls).not.toContain("resume");
  });
});
