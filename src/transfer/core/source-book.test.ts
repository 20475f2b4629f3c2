import { beforeEach, describe, expect, test } from "bun:test";
import type { Fingerprint, UserName } from "../../base/ids.ts";
import { SOURCE_RETRY_MS_MAX, SOURCE_RETRY_MS_MIN, SOURCES_KNOWN_MAX } from "../../base/limits.ts";
import { type KnownSource, SourceBook } from "./source-book.ts";

const source = (name: string, complete = true): KnownSource => ({
  fingerprint: name as Fingerprint,
  user: `user ${name}` as UserName,
  address: { host: name, port: 1 },
  complete,
});
const [a, b, c] = ["a", "b", "c"] as Fingerprint[] as [Fingerprint, Fingerprint, Fingerprint];

let book: SourceBook<KnownSource>;
beforeEach(() => {
  book = new SourceBook({ peersMax: 2 });
});

const names = (sources: readonly KnownSource[]) => sources.map(({ fingerprint }) => `${fingerprint}`);
const stateOf = (peer: Fingerprint) =>
  book.rows().find(({ source: { fingerprint } }) => fingerprint === peer)?.state;

/** Dials and fails. */
function fail(peer: Fingerprint, now: number): void {
  book.dialing(peer);
  book.failed(peer, now, "no answer");
}

describe("what is dialled next", () => {
  test("is no more than there is room for, those being dialled and those connected included", () => {
    for (const name of ["a", "b", "c"]) book.learned(source(name));
    expect(names(book.next(0))).toEqual(["a", "b"]);
    book.dialing(a);
    book.dialing(b);
    expect(book.next(0)).toEqual([]);
    expect(book.nextRetryMs()).toBeUndefined();
    book.connected(a, 0);
    book.failed(b, 0, "no answer");
    expect(names(book.next(0))).toEqual(["c"]);
  });

  test("is what failed least, and of those complete sources first", () => {
    book = new SourceBook({ peersMax: 9 });
    book.learned(source("a"));
    book.learned(source("b", false));
    book.learned(source("c"));
    fail(a, 0);
    expect(names(book.next(SOURCE_RETRY_MS_MIN))).toEqual(["c", "b", "a"]);
  });

  test("is never one that is busy, dropped or unknown", () => {
    book.learned(source("a"));
    book.dialing(a);
    expect(() => book.dialing(a)).toThrow();
    expect(() => book.dialing(b)).toThrow();
    book.dropped(a, "wrong pieces");
    expect(() => book.dialing(a)).toThrow();
  });
});

describe("back-off", () => {
  test("doubles with each failure up to its ceiling", () => {
    book.learned(source("a"));
    let now = 0;
    const waits = Array.from({ length: 9 }, () => {
      fail(a, now);
      const dueMs = book.nextRetryMs() ?? 0;
      expect(book.next(dueMs - 1)).toEqual([]);
      expect(names(book.next(dueMs))).toEqual(["a"]);
      const waitMs = dueMs - now;
      now = dueMs;
      return waitMs;
    });
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8].map((times) => times * SOURCE_RETRY_MS_MIN));
    expect(waits.at(-1)).toBe(SOURCE_RETRY_MS_MAX);
  });

  test("goes on doubling when connections break at once, and starts afresh after one that held", () => {
    book.learned(source("a"));
    fail(a, 0);
    book.dialing(a);
    book.connected(a, 1_000);
    book.lost(a, 1_001, "it went");
    expect((book.nextRetryMs() ?? 0) - 1_001).toBe(2 * SOURCE_RETRY_MS_MIN);
    book.dialing(a);
    book.connected(a, 10_000);
    book.lost(a, 99_000, "it went");
    expect((book.nextRetryMs() ?? 0) - 99_000).toBe(SOURCE_RETRY_MS_MIN);
  });

  test("ends at once when the source is heard of again, with its new address", () => {
    book.learned(source("a"));
    fail(a, 0);
    fail(a, 5_000);
    const moved = { ...source("a"), address: { host: "elsewhere", port: 2 } };
    book.learned(moved);
    expect(book.next(5_000)).toEqual([moved]);
    fail(a, 6_000);
    expect((book.nextRetryMs() ?? 0) - 6_000).toBe(SOURCE_RETRY_MS_MIN);
  });
});

describe("a source", () => {
  test("that is dropped stays out, whatever is heard of it", () => {
    book.learned(source("a"));
    book.dropped(a, "wrong pieces");
    book.learned(source("a"));
    book.connected(a, 0);
    book.lost(a, 0, "it went");
    book.refused(a, 0, "no");
    expect([stateOf(a), book.next(1e9).length]).toEqual(["dropped", 0]);
  });

  test("that came in by itself is connected; a stranger is ignored", () => {
    book.learned(source("a"));
    book.connected(a, 0);
    book.connected(b, 0);
    expect([stateOf(a), book.source(b), book.all().length]).toEqual(["connected", undefined, 1]);
    for (const forget of [
      () => book.failed(b, 0, "no answer"),
      () => book.lost(b, 0, "it went"),
      () => book.dropped(b, "wrong pieces"),
    ])
      forget();
    expect(book.rows().length).toBe(1);
  });

  test("that is heard of while it is connected stays connected", () => {
    book.learned(source("a", false));
    book.connected(a, 0);
    book.learned(source("a", true));
    expect(stateOf(a)).toBe("connected");
    expect(book.hasIncomplete).toBe(false);
  });
});

test("other downloaders are known as long as one is listed and not dropped", () => {
  book.learned(source("a"));
  expect(book.hasIncomplete).toBe(false);
  book.learned(source("b", false));
  expect(book.hasIncomplete).toBe(true);
  book.dropped(b, "wrong pieces");
  expect(book.hasIncomplete).toBe(false);
});

test("each source says why it is left alone, until it is connected or heard of again", () => {
  book = new SourceBook({ peersMax: 9 });
  for (const name of ["a", "b", "c"]) book.learned(source(name));
  book.failed(a, 0, "refused by the machine");
  book.refused(b, 0, "not a member");
  book.connected(c, 0);
  book.lost(c, 10, "it went");
  const said = () => book.rows().map(({ state, trouble }) => [state, trouble]);
  expect(said()).toEqual([
    ["unreachable", "refused by the machine"],
    ["refused", "not a member"],
    ["gone", "it went"],
  ]);
  book.dropped(c, "wrong pieces");
  for (const peer of [a, b, c]) book.connected(peer, 20);
  expect(said()).toEqual([
    ["connected", undefined],
    ["connected", undefined],
    ["dropped", "wrong pieces"],
  ]);
});

test("of too many sources those that failed most are forgotten, never connected or dropped ones", () => {
  book = new SourceBook({ peersMax: SOURCES_KNOWN_MAX });
  for (let index = 0; index < SOURCES_KNOWN_MAX; index++) book.learned(source(`${index}`));
  const [bad, good, out] = ["5", "6", "7"] as Fingerprint[] as [Fingerprint, Fingerprint, Fingerprint];
  fail(bad, 0);
  for (const now of [0, 5_000]) {
    book.refused(good, now, "no");
    book.refused(out, now, "no");
  }
  book.connected(good, 9_000);
  book.dropped(out, "wrong pieces");
  book.learned(source("one more"));
  expect([bad, good, out].map((peer) => book.source(peer) !== undefined)).toEqual([false, true, true]);
  expect(book.rows().length).toBe(SOURCES_KNOWN_MAX);
});
