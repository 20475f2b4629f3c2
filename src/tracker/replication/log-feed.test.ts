import { beforeEach, describe, expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import { PUSH_CHARS_MAX, PUSH_ENTRIES_MAX, PUSHES_AT_ONCE_MAX } from "../../base/limits.ts";
import { settle } from "../../testing/manual-clock.ts";
import { originOf } from "../../testing/test-tracker.ts";
import type { Origin } from "../../wire/entry.ts";
import type { VersionVector } from "../core/version-vector.ts";
import { type FeedSource, LogFeed } from "./log-feed.ts";

const [a, b] = [originOf(1), originOf(2)];

/** A log of made-up entries: `"<origin> <seq>"`. */
class Log implements FeedSource {
  readonly held = new Map<Origin, number>();
  readonly floor = new Map<Origin, number>();
  rows: string[] = [];
  /** Appended to each text, to make it long. */
  padding = "";

  entryTexts(origin: Origin, after: number, limit: number): string[] {
    const amount = Math.min(limit, (this.held.get(origin) ?? 0) - after);
    return Array.from({ length: amount }, (_, at) =>
      JSON.stringify(`${origin} ${after + 1 + at}${this.padding}`),
    );
  }

  rowTexts(): Iterable<string> {
    return this.rows.map((row) => JSON.stringify(row));
  }
}

/** The other end: answers when the test says so. */
class Other {
  readonly got: string[] = [];
  readonly asked: { readonly what: string; answer(vector: VersionVector | Failure): void }[] = [];

  push = (tail: Uint8Array) => this.#ask("push", tail);
  rows = async (tail: Uint8Array) => void (await this.#ask("rows", tail));
  adopt = (vector: VersionVector) => this.#ask("adopt", Buffer.from(JSON.stringify([[...vector]])));

  #ask(what: string, tail: Uint8Array): Promise<VersionVector> {
    this.got.push(...(JSON.parse(Buffer.from(tail).toString()) as unknown[]).map((each) => String(each)));
    const { promise, resolve, reject } = Promise.withResolvers<VersionVector>();
    this.asked.push({
      what,
      answer: (vector) => (vector instanceof Failure ? reject(vector) : resolve(vector)),
    });
    return promise;
  }

  async answer(vector: VersionVector | Failure): Promise<void> {
    this.asked.shift()?.answer(vector);
    await settle();
  }
}

let log: Log;
let other: Other;
let failures: Failure[];

beforeEach(() => {
  log = new Log();
  other = new Other();
  failures = [];
});

function feed(theirs: VersionVector = new Map()): LogFeed {
  const events = { acked: () => {}, failed: (failure: Failure) => void failures.push(failure) };
  return new LogFeed(log, other, events, theirs);
}

describe("entries", () => {
  test("above what the other holds go out once, in sequence", async () => {
    log.held.set(a, 3).set(b, 1);
    const fed = feed(new Map([[a, 1]]));
    fed.offer(log.held);
    fed.offer(log.held);
    expect(other.got).toEqual([`${a} 2`, `${a} 3`, `${b} 1`]);
    await other.answer(new Map([[a, 3]]));
    await other.answer(new Map([[b, 1]]));
    expect(other.asked).toEqual([]);
    expect(fed.acked).toEqual(new Map([[a, 3]]).set(b, 1));
  });

  test("wait while enough are on their way, and then go together", async () => {
    const fed = feed();
    for (let seq = 1; seq <= 10; seq++) fed.offer(log.held.set(a, seq));
    expect(other.asked).toHaveLength(PUSHES_AT_ONCE_MAX);
    await other.answer(new Map([[a, 1]]));
    expect(other.got).toHaveLength(10);
    expect(other.asked).toHaveLength(PUSHES_AT_ONCE_MAX);
  });

  test("go in messages of bounded length, whatever there is to give", () => {
    log.held.set(a, PUSH_ENTRIES_MAX + 1);
    feed().offer(log.held);
    expect(other.asked).toHaveLength(2);
    expect(other.got).toHaveLength(PUSH_ENTRIES_MAX + 1);

    other = new Other();
    log.padding = "x".repeat(PUSH_CHARS_MAX / 2);
    feed().offer(log.held);
    expect(other.got).toHaveLength(PUSHES_AT_ONCE_MAX);
  });

  test("that the other has got elsewhere meanwhile are not sent", () => {
    log.held.set(a, 3);
    const fed = feed();
    fed.heard(new Map([[a, 2]]));
    fed.offer(log.held);
    expect(other.got).toEqual([`${a} 3`]);
  });

  test("a refusal ends it: nothing more is sent, and it is told once", async () => {
    log.held.set(a, 1);
    const fed = feed();
    fed.offer(log.held);
    fed.offer(log.held.set(a, 2));
    await other.answer(new Failure("protocol", "a hole"));
    await other.answer(new Failure("protocol", "another"));
    fed.offer(log.held.set(a, 3));
    fed.mend();
    expect(other.asked).toEqual([]);
    expect(failures.map(({ message }) => message)).toEqual(["a hole"]);
  });
});

describe("the state", () => {
  test("goes where entries that the other lacks are gone from the log, then the entries since", async () => {
    log.held.set(a, 5);
    log.floor.set(a, 5);
    log.rows = ["row 1", "row 2"];
    const fed = feed(new Map([[a, 4]]));
    fed.offer(log.held);
    expect(other.got).toEqual(["row 1", "row 2"]);
    log.held.set(a, 7);
    fed.offer(log.held);
    await other.answer(new Map());
    // Entries that came while rows were read may be in them or not: they are sent.
    expect(other.got.slice(2)).toEqual([`${a},5`]);
    await other.answer(new Map([[a, 5]]));
    expect(other.got.slice(3)).toEqual([`${a} 6`, `${a} 7`]);
  });

  test("goes once, in messages of bounded length", async () => {
    log.held.set(a, 1);
    log.floor.set(a, 1);
    log.rows = Array.from({ length: PUSH_ENTRIES_MAX + 1 }, (_, at) => `row ${at}`);
    const fed = feed();
    fed.offer(log.held);
    fed.mend();
    const asked: string[] = [];
    while (other.asked.length > 0) {
      asked.push(...other.asked.map(({ what }) => what));
      await other.answer(new Map([[a, 1]]));
    }
    expect(asked).toEqual(["rows", "rows", "adopt"]);
  });
});
