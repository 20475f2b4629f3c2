import { describe, expect, test } from "bun:test";
import type { Fingerprint } from "../base/ids.ts";
import { PACED_SLICE_BYTES, SEND_QUEUE_BYTES_MAX } from "../base/limits.ts";
import { Pacer } from "../base/pacer.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { type SimConnection, SimNetwork } from "../testing/sim-network.ts";
import { PacedConnection } from "./paced-connection.ts";

const fingerprint = (digit: string) => digit.repeat(64) as Fingerprint;
const [SENDER, NEAR, FAR] = ["1", "2", "3"].map(fingerprint) as [Fingerprint, Fingerprint, Fingerprint];

/** A connection to one reader, and what has come there. */
function line(world: ReturnType<typeof begin>, to: Fingerprint) {
  const [near, far] = world.network.pair(SENDER, to);
  const came: number[] = [];
  const heard: string[] = [];
  far.attach({ data: (bytes) => void came.push(...bytes), drained() {}, closed: () => heard.push("far") });
  const connection = new PacedConnection(near, world.pacer);
  connection.attach({
    data() {},
    drained: () => heard.push("drained"),
    closed: (reason) => heard.push(reason?.code ?? "closed"),
  });
  return { connection, near, far, came, heard };
}

function begin(bytesPerSecond: number | undefined) {
  const clock = new ManualClock();
  const pacer = new Pacer({ clock, sliceBytes: PACED_SLICE_BYTES });
  pacer.limit(bytesPerSecond);
  return { clock, pacer, network: new SimNetwork() };
}

const bytes = (count: number, first = 0) => Uint8Array.from({ length: count }, (_, at) => first + at);
const KIB = 1024;

describe("without a limit", () => {
  test("everything goes at once, as through the connection behind", async () => {
    const world = begin(undefined);
    const { connection, came, heard } = line(world, NEAR);
    let done = 0;
    connection.send(bytes(3));
    connection.sendThen(bytes(2, 9), () => done++);
    await settle();
    expect([came, done, heard, world.clock.pending]).toEqual([[0, 1, 2, 9, 10], 1, ["drained"], 0]);
  });
});

describe("a limited rate", () => {
  test("is kept within 5 % over ten seconds, by one sender and by several", async () => {
    for (const senders of [1, 3]) {
      const world = begin(100 * KIB);
      const lines = Array.from({ length: senders }, () => line(world, NEAR));
      for (const { connection } of lines)
        for (let piece = 0; piece < 40; piece++) connection.send(new Uint8Array(64 * KIB));
      await world.clock.advanceSlowly(10_000, 20);
      const sum = lines.reduce((total, { came }) => total + came.length, 0);
      expect(sum).toBeGreaterThan(0.95 * 1000 * KIB);
      expect(sum).toBeLessThan(1.05 * 1000 * KIB);
    }
  });

  test("is shared evenly by those who have something to send", async () => {
    const world = begin(160 * KIB);
    const lines = Array.from({ length: 4 }, () => line(world, NEAR));
    for (const { connection } of lines) connection.send(new Uint8Array(4_000 * KIB));
    await world.clock.advanceSlowly(8_000, 20);
    const shares = lines.map(({ came }) => came.length);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(PACED_SLICE_BYTES);
  });

  test("belongs to the others while one does not read", async () => {
    const world = begin(160 * KIB);
    const [stuck, other] = [line(world, NEAR), line(world, FAR)];
    stuck.near.freeze();
    for (const { connection } of [stuck, other]) connection.send(new Uint8Array(4_000 * KIB));
    await world.clock.advanceSlowly(10_000, 20);
    expect(other.came.length).toBeGreaterThan(1_400 * KIB);
    stuck.near.thaw();
    await world.clock.advanceSlowly(2_000, 20);
    expect(stuck.came.length).toBeGreaterThan(100 * KIB);
  });

  test("keeps bytes in order and calls back once each has left", async () => {
    const world = begin(50 * KIB);
    const { connection, came, heard } = line(world, NEAR);
    const sent = [...bytes(20 * KIB), ...bytes(3), ...bytes(30 * KIB, 7)].map((byte) => byte & 255);
    const left: string[] = [];
    connection.sendThen(bytes(20 * KIB), () => left.push(`first at ${world.clock.monotonicMs()}`));
    connection.send(bytes(3));
    connection.sendThen(bytes(30 * KIB, 7), () => left.push("last"));
    await settle();
    expect(connection.queuedBytes).toBe(34 * KIB + 3);
    await world.clock.advanceSlowly(1_000, 10);
    expect(left).toEqual(["first at 320", "last"]);
    expect(came).toEqual(sent);
    expect([connection.queuedBytes, heard.at(-1), world.clock.pending]).toEqual([0, "drained", 0]);
  });

  test("lets a message go ahead of what waits, in order with its like, and never between a head and what belongs to it", async () => {
    const world = begin(50 * KIB);
    const { connection, came } = line(world, NEAR);
    const left: string[] = [];
    const [data, next] = [new Uint8Array(20 * KIB).fill(7), new Uint8Array(20 * KIB).fill(8)];
    connection.sendThen(data, () => left.push("data"), bytes(2, 1));
    connection.sendThen(next, () => left.push("next"), bytes(2, 3));
    await settle();
    connection.sendAhead(bytes(1, 100));
    connection.sendAhead(bytes(1, 101));
    expect(connection.messageBytesWanted).toBe(PACED_SLICE_BYTES);
    await world.clock.advanceSlowly(2_000, 10);
    expect(came).toEqual([1, 2, ...data, 100, 101, 3, 4, ...next]);
    expect([left, connection.queuedBytes]).toEqual([["data", "next"], 0]);
    world.pacer.limit(undefined);
    expect(connection.messageBytesWanted).toBeUndefined();
    connection.sendAhead(bytes(1, 102));
    await settle();
    expect(came.at(-1)).toBe(102);
  });

  test("can be lifted, tightened and set again while things wait", async () => {
    const world = begin(10 * KIB);
    const { connection, came } = line(world, NEAR);
    connection.send(new Uint8Array(400 * KIB));
    await world.clock.advanceSlowly(4_000, 20);
    expect(came.length).toBeLessThan(60 * KIB);
    world.pacer.limit(100 * KIB);
    await world.clock.advanceSlowly(1_000, 20);
    expect(came.length).toBeGreaterThan(140 * KIB);
    world.pacer.limit(undefined);
    await settle();
    expect([came.length, world.clock.pending]).toEqual([400 * KIB, 0]);
  });
});

describe("the end", () => {
  test("of the connection drops what waits and calls back for each", async () => {
    for (const end of [
      ({ connection }: ReturnType<typeof line>) => connection.close(),
      ({ near }: { near: SimConnection }) => near.break(),
    ]) {
      const world = begin(10 * KIB);
      const one = line(world, NEAR);
      let done = 0;
      for (let times = 0; times < 3; times++) one.connection.sendThen(new Uint8Array(64 * KIB), () => done++);
      await settle();
      end(one);
      await settle();
      world.clock.advance(60_000);
      one.connection.sendThen(bytes(1), () => done++);
      await settle();
      expect([done, one.connection.isOpen, world.clock.pending]).toEqual([4, false, 0]);
      expect(one.came.length).toBe(PACED_SLICE_BYTES);
    }
  });

  test("in good order comes after all that waits, and nothing is taken any more", async () => {
    const world = begin(100 * KIB);
    const { connection, came, heard } = line(world, NEAR);
    connection.send(new Uint8Array(150 * KIB));
    connection.finish();
    connection.send(bytes(9));
    expect(connection.isOpen).toBe(false);
    await world.clock.advanceSlowly(2_000, 20);
    expect(came.length).toBe(150 * KIB);
    expect(heard).toContain("far");
  });

  test("comes to a reader for whom too much waits, in the midst of a message too: each is called back", async () => {
    const world = begin(1);
    const { connection, heard } = line(world, NEAR);
    let done = 0;
    connection.send(new Uint8Array(SEND_QUEUE_BYTES_MAX));
    connection.sendThen(bytes(1), () => done++, new Uint8Array(PACED_SLICE_BYTES + 1));
    await settle();
    expect(heard).toContain("peer-unreachable");
    expect([done, world.clock.pending]).toEqual([1, 0]);
  });

  test("comes to a reader for whom too much waits", async () => {
    const world = begin(1);
    const { connection, heard } = line(world, NEAR);
    const chunk = new Uint8Array(1024 * KIB);
    for (let sent = 0; sent <= SEND_QUEUE_BYTES_MAX; sent += chunk.length) connection.send(chunk);
    await settle();
    expect(heard).toContain("peer-unreachable");
  });
});
