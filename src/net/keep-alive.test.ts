import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import {
  IDLE_CLOSE_MS,
  IDLE_PING_MS,
  KEEP_ALIVES_AT_ONCE_MAX,
  KEEP_ALIVES_PER_SECOND_MAX,
} from "../base/limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { PING_KIND, PONG_KIND } from "../wire/frame.ts";
import { KeepAlive, keepAliveStep } from "./keep-alive.ts";

function setUp() {
  const clock = new ManualClock();
  const sent: number[] = [];
  const closed: (Failure | undefined)[] = [];
  const connection = {
    send: (bytes: Uint8Array) => void sent.push(bytes[4] ?? -1),
    close: (reason?: Failure) => void closed.push(reason),
  };
  return { clock, sent, closed, keepAlive: new KeepAlive({ connection, clock }) };
}

describe("the decision", () => {
  test("before the first silence it waits for just as long as that takes", () => {
    expect(keepAliveStep(0, false)).toEqual({ kind: "wait", ms: IDLE_PING_MS });
    expect(keepAliveStep(IDLE_PING_MS - 1, false)).toEqual({ kind: "wait", ms: 1 });
  });
  test("one ping for each silence", () => {
    expect(keepAliveStep(IDLE_PING_MS, false)).toEqual({ kind: "ping", ms: IDLE_PING_MS });
    expect(keepAliveStep(IDLE_CLOSE_MS - 1, true)).toEqual({ kind: "wait", ms: 1 });
  });
  test("the end after the long silence, pinged or not", () => {
    expect(keepAliveStep(IDLE_CLOSE_MS, true).kind).toBe("close");
    expect(keepAliveStep(IDLE_CLOSE_MS * 10, false).kind).toBe("close");
  });
});

describe("a flood", () => {
  test("of pings or pongs is a breach, while as many as honest ones make are none", () => {
    for (const kind of [PING_KIND, PONG_KIND]) {
      const { clock, sent, keepAlive } = setUp();
      for (let second = 0; second < 100; second++) {
        for (let each = 0; each < KEEP_ALIVES_PER_SECOND_MAX; each++) keepAlive.frame(kind);
        clock.advance(1_000);
        keepAlive.heard();
      }
      sent.length = 0;
      const flood = () => {
        for (let each = 0; each <= KEEP_ALIVES_AT_ONCE_MAX; each++) keepAlive.frame(kind);
      };
      expect(flood).toThrow(Failure);
      expect(sent.length).toBe(kind === PING_KIND ? KEEP_ALIVES_AT_ONCE_MAX : 0);
    }
  });
});

describe("the timer", () => {
  test("silence is answered by one ping, then by the end", () => {
    const { clock, sent, closed } = setUp();
    clock.advance(IDLE_PING_MS - 1);
    expect(sent).toEqual([]);
    clock.advance(1);
    expect(sent).toEqual([PING_KIND]);
    clock.advance(IDLE_CLOSE_MS - IDLE_PING_MS - 1);
    expect(sent).toEqual([PING_KIND]);
    expect(closed).toEqual([]);
    clock.advance(1);
    expect(closed.map((reason) => reason?.code)).toEqual(["timeout"]);
    expect(clock.pending).toBe(0);
  });

  test("a connection with traffic is never pinged", () => {
    const { clock, sent, keepAlive } = setUp();
    for (let round = 0; round < 50; round++) {
      clock.advance(IDLE_PING_MS / 2);
      keepAlive.heard();
    }
    expect(sent).toEqual([]);
  });

  test("an answered ping starts the count anew", () => {
    const { clock, sent, closed, keepAlive } = setUp();
    for (let round = 0; round < 5; round++) {
      clock.advance(IDLE_PING_MS);
      keepAlive.heard();
      keepAlive.frame(PONG_KIND);
    }
    expect(sent).toEqual(new Array(5).fill(PING_KIND));
    expect(closed).toEqual([]);
  });

  test("a ping is answered, a pong is swallowed, other frames are left alone", () => {
    const { sent, keepAlive } = setUp();
    expect(keepAlive.frame(PING_KIND)).toBe(true);
    expect(sent).toEqual([PONG_KIND]);
    expect(keepAlive.frame(PONG_KIND)).toBe(true);
    expect(keepAlive.frame(1)).toBe(false);
    expect(sent).toEqual([PONG_KIND]);
  });

  test("stopped, it does nothing more and leaves no timer", () => {
    const { clock, sent, closed, keepAlive } = setUp();
    keepAlive.stop();
    expect(clock.pending).toBe(0);
    clock.advance(IDLE_CLOSE_MS * 2);
    expect(sent).toEqual([]);
    expect(closed).toEqual([]);
  });
});
