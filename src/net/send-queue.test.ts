import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { COALESCED_BYTES_MAX, SEND_QUEUE_BYTES_MAX } from "../base/limits.ts";
import { type ByteSink, SendQueue } from "./send-queue.ts";

const turnEnd = () => Promise.resolve();
const text = (value: string) => Buffer.from(value);

/** Takes what `room` allows; remembers each write. */
class FakeSocket implements ByteSink {
  room = Number.POSITIVE_INFINITY;
  readonly writes: Uint8Array[] = [];
  readonly taken: number[] = [];
  answer: ((offered: Uint8Array) => number) | undefined;

  write(bytes: Uint8Array): number {
    const taken = this.answer?.(bytes) ?? Math.min(bytes.length, this.room);
    this.writes.push(bytes);
    if (taken > 0) {
      this.room -= taken;
      this.taken.push(...bytes.subarray(0, taken));
    }
    return taken;
  }

  get received(): string {
    return Buffer.from(this.taken).toString();
  }
}

function setUp() {
  const socket = new FakeSocket();
  const told: string[] = [];
  const queue = new SendQueue(socket, {
    drained: () => told.push("drained"),
    overflowed: () => {
      told.push("overflowed");
      queue.end();
    },
  });
  const send = (value: string) => queue.send(text(value), () => told.push(value));
  return { socket, told, queue, send };
}

describe("gathering", () => {
  test("small sends of one turn leave in one write, in order", async () => {
    const { socket, told, queue, send } = setUp();
    for (const value of ["a", "b", "c"]) send(value);
    expect(socket.writes).toHaveLength(0);
    expect(queue.queuedBytes).toBe(3);
    await turnEnd();
    expect(socket.writes).toHaveLength(1);
    expect(socket.received).toBe("abc");
    expect(queue.queuedBytes).toBe(0);
    expect(told).toEqual(["a", "b", "c", "drained"]);
  });

  test("a large buffer is written at once and as it is, after what was queued before it", () => {
    const { socket, queue } = setUp();
    const large = new Uint8Array(COALESCED_BYTES_MAX + 1);
    queue.send(text("head"));
    queue.send(large);
    expect(socket.writes).toHaveLength(2);
    expect(socket.writes[0]?.length).toBe(4);
    expect(socket.writes[1]).toBe(large);
  });

  test("a single small buffer is not copied either", async () => {
    const { socket, queue } = setUp();
    const small = text("only");
    queue.send(small);
    await turnEnd();
    expect(socket.writes[0]).toBe(small);
  });

  test("one write gathers no more than its bound", () => {
    const { socket, queue } = setUp();
    const third = new Uint8Array(Math.floor(COALESCED_BYTES_MAX / 3));
    for (let count = 0; count < 4; count++) queue.send(third);
    expect(socket.writes.map((bytes) => bytes.length)).toEqual([third.length * 3, third.length]);
  });

  test("a buffer over shared memory is passed on as it is", () => {
    const { socket, queue } = setUp();
    const shared = new Uint8Array(new SharedArrayBuffer(COALESCED_BYTES_MAX));
    queue.send(shared);
    expect(socket.writes[0]).toBe(shared);
  });
});

describe("short writes", () => {
  test("what was not taken waits for drain", async () => {
    const { socket, told, queue, send } = setUp();
    socket.room = 4;
    send("abc");
    send("def");
    await turnEnd();
    expect(socket.received).toBe("abcd");
    expect(told).toEqual(["abc"]);
    send("ghi");
    await turnEnd();
    expect(socket.writes).toHaveLength(1);
    socket.room = 100;
    queue.drain();
    expect(socket.received).toBe("abcdefghi");
    expect(told).toEqual(["abc", "def", "ghi", "drained"]);
  });

  for (const [name, taken] of [
    ["nothing", 0],
    ["minus one", -1],
  ] as const) {
    test(`a socket that takes ${name} is tried again only after drain`, async () => {
      const { socket, queue, send } = setUp();
      socket.answer = () => taken;
      send("abc");
      await turnEnd();
      send("d");
      await turnEnd();
      expect(socket.writes).toHaveLength(1);
      expect(queue.queuedBytes).toBe(4);
      socket.answer = undefined;
      queue.drain();
      expect(socket.received).toBe("abcd");
    });
  }

  test("a retry begins with the bytes of the write that fell short and is no shorter", async () => {
    const { socket, queue } = setUp();
    socket.room = 10;
    const part = (fill: number) => new Uint8Array(COALESCED_BYTES_MAX / 2 - 100).fill(fill);
    for (let fill = 1; fill <= 4; fill++) queue.send(part(fill));
    await turnEnd();
    const [first] = socket.writes;
    socket.room = 0;
    queue.drain();
    const retry = socket.writes[1];
    const missing = first?.subarray(10) ?? new Uint8Array();
    expect(Buffer.compare(retry?.subarray(0, missing.length) ?? new Uint8Array(), missing)).toBe(0);
  });

  test("drain without need writes nothing", () => {
    const { socket, told, queue } = setUp();
    queue.drain();
    expect(socket.writes).toHaveLength(0);
    expect(told).toEqual([]);
  });

  test("whatever is sent arrives whole and in order, however the socket takes it", async () => {
    const sizes = fc.array(fc.oneof(fc.nat(50), fc.integer({ min: 60_000, max: 70_000 })), { maxLength: 12 });
    const rooms = fc.array(fc.oneof(fc.nat(30), fc.nat(100_000)), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, rooms, async (sendSizes, drainRooms) => {
        const sent: number[] = [];
        const received: Uint8Array[] = [];
        let room = 0;
        let done = 0;
        const sink: ByteSink = {
          write: (bytes) => {
            const taken = Math.min(room, bytes.length);
            room -= taken;
            received.push(bytes.slice(0, taken));
            return taken;
          },
        };
        const queue = new SendQueue(sink, { drained() {}, overflowed() {} });
        for (const [index, size] of sendSizes.entries()) {
          queue.send(new Uint8Array(size).fill(index), () => done++);
          sent.push(size);
          room += drainRooms[index] ?? 0;
          if (index % 3 === 0) await turnEnd();
          if (index % 2 === 0) queue.drain();
        }
        room = Number.POSITIVE_INFINITY;
        await turnEnd();
        queue.drain();
        const expected = Buffer.concat(sent.map((size, index) => Buffer.alloc(size, index)));
        expect(Buffer.compare(Buffer.concat(received), expected)).toBe(0);
        expect(done).toBe(sendSizes.length);
        expect(queue.queuedBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe("telling the owner", () => {
  test("nothing is told from within send, even if the bytes have left", async () => {
    const { told, queue } = setUp();
    queue.send(new Uint8Array(COALESCED_BYTES_MAX), () => told.push("done"));
    expect(queue.queuedBytes).toBe(0);
    expect(told).toEqual([]);
    await turnEnd();
    expect(told).toEqual(["done"]);
  });

  test("drained comes when a larger send has taken along what stood queued", async () => {
    const { told, queue, send } = setUp();
    send("a");
    queue.send(new Uint8Array(COALESCED_BYTES_MAX));
    expect(queue.queuedBytes).toBe(0);
    await turnEnd();
    expect(told).toEqual(["a", "drained"]);
  });

  test("an empty buffer is done in its turn", async () => {
    const { told, send, socket } = setUp();
    send("a");
    send("");
    send("b");
    await turnEnd();
    expect(told).toEqual(["a", "", "b", "drained"]);
    send("");
    await turnEnd();
    expect(told).toEqual(["a", "", "b", "drained", ""]);
    expect(socket.writes).toHaveLength(1);
  });

  test("a chain of sends, each from the callback of the one before, does not grow the stack", async () => {
    const { queue } = setUp();
    const large = new Uint8Array(COALESCED_BYTES_MAX);
    const finished = Promise.withResolvers<void>();
    let left = 20_000;
    const again = () => (left-- > 0 ? queue.send(large.subarray(0, 0), again) : finished.resolve());
    again();
    await finished.promise;
    expect(left).toBe(-1);
  });
});

describe("ends", () => {
  test("more than the bound ends the queue; every callback still comes, once", async () => {
    const { socket, told, queue, send } = setUp();
    socket.room = 0;
    send("first");
    queue.send(new Uint8Array(SEND_QUEUE_BYTES_MAX), () => told.push("big"));
    expect(told).toEqual(["overflowed"]);
    expect(queue.queuedBytes).toBe(0);
    await turnEnd();
    expect(told).toEqual(["overflowed", "first", "big"]);
  });

  test("exactly the bound is accepted", () => {
    const { told, queue, socket } = setUp();
    socket.room = 0;
    queue.send(new Uint8Array(SEND_QUEUE_BYTES_MAX));
    expect(told).toEqual([]);
  });

  test("after the end nothing is written, and callbacks come at once", async () => {
    const { socket, told, queue, send } = setUp();
    send("a");
    queue.end();
    queue.end();
    send("b");
    queue.drain();
    await turnEnd();
    expect(socket.writes).toHaveLength(0);
    expect(told.sort()).toEqual(["a", "b"]);
  });

  test("a socket that ends the queue from within a write harms nothing", async () => {
    const { socket, told, queue, send } = setUp();
    socket.answer = () => {
      queue.end();
      return -1;
    };
    send("a");
    send("b");
    await turnEnd();
    await turnEnd();
    expect(socket.writes).toHaveLength(1);
    expect(told).toEqual(["a", "b"]);
  });

  test("a send from within a write is written after it", async () => {
    const { socket, queue } = setUp();
    let nested = false;
    socket.answer = (bytes) => {
      if (!nested) {
        nested = true;
        queue.send(new Uint8Array(COALESCED_BYTES_MAX).fill(2));
      }
      return bytes.length;
    };
    queue.send(new Uint8Array(COALESCED_BYTES_MAX).fill(1));
    await turnEnd();
    expect(socket.writes.map(([byte]) => byte)).toEqual([1, 2]);
  });
});
