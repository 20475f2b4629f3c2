import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { settle } from "../testing/manual-clock.ts";
import { attendTracker, introduce, ownEntry } from "./tracker-console.ts";

const fingerprint = "ab".repeat(32) as Fingerprint;
const address = { host: "127.0.0.1", port: 5000 };
const own = { no: 1, address, pin: undefined };
const tracker = { address, fingerprint, status: () => ["3 users", "1 group"] };

describe("which tracker of the file it is", () => {
  const trackers = [own, { no: 7, address: { host: "h", port: 1 }, pin: undefined }];
  const choose = (text: string) => {
    const found = ownEntry(trackers, text, "tracker_info.txt");
    return found instanceof Failure ? found.message : found.no;
  };

  test("the one with the number given", () => {
    expect([choose("1"), choose("7"), choose("07")]).toEqual([1, 7, 7]);
  });

  test("none for any other text, and the message says which there are", () => {
    for (const text of ["0", "2", "one", "-1", "1.0", ""])
      expect(choose(text)).toBe(`no tracker ${text} in tracker_info.txt, which has 2 trackers: 1, 7`);
  });
});

describe("what it says at its start", () => {
  test("who it is, where its data is, the line that pins it, how to end it", () => {
    expect(introduce(own, tracker, "/data")).toEqual([
      "Tracker 1 listening on 127.0.0.1:5000",
      "Data in /data",
      `For tracker_info.txt: 127.0.0.1:5000 sha256:${fingerprint}`,
      "quit ends it, status shows what it does",
    ]);
  });

  test("a warning if the file pins another key, none if it pins this one", () => {
    const other = "cd".repeat(32) as Fingerprint;
    expect(introduce({ ...own, pin: other }, tracker, "/data").at(-1)).toBe(
      `Warning: clients will refuse this tracker: their tracker_info.txt pins sha256:${other}`,
    );
    expect(introduce({ ...own, pin: fingerprint }, tracker, "/data")).toHaveLength(4);
  });
});

describe("its console", () => {
  function attend(lines: AsyncIterable<string | Failure>, stop = new AbortController()) {
    const said: string[] = [];
    const output = { reply: (line: string) => said.push(line), error: (line: string) => said.push(line) };
    return { said, stop, ended: attendTracker(tracker, lines, output, stop.signal) };
  }

  async function* typed(...lines: readonly (string | Failure)[]) {
    yield* lines;
  }

  const isRunning = async (ended: Promise<void>) => {
    await settle();
    return (await Promise.race([ended, "running"])) === "running";
  };

  test("quit ends it, in any case and with blanks around; what follows is not read", async () => {
    for (const quit of ["quit", " QUIT ", "exit"]) {
      const { said, ended } = attend(typed(quit, "status"));
      await ended;
      expect(said).toEqual([]);
    }
  });

  test("status shows what it does; anything else gets one line", async () => {
    const { said, ended } = attend(typed("status", "", "stauts", new Failure("usage", "too long"), "quit"));
    await ended;
    const advice = "quit ends the tracker, status shows what it does";
    expect(said).toEqual([
      "3 users",
      "1 group",
      `error: unknown command: stauts; ${advice}`,
      `error: unknown command: too long; ${advice}`,
    ]);
  });

  test("the end of its input does not end it, nor does input that cannot be read; a stop does", async () => {
    async function* broken(): AsyncGenerator<string> {
      yield "";
      throw new Error("EIO");
    }
    for (const lines of [typed(), broken()]) {
      const { ended, stop } = attend(lines);
      expect(await isRunning(ended)).toBe(true);
      stop.abort();
      await ended;
    }
  });

  test("a stop ends it while it waits for a line, also one that came before", async () => {
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const stop = new AbortController();
    const { ended } = attend(never, stop);
    expect(await isRunning(ended)).toBe(true);
    stop.abort();
    await ended;
    await attend(never, stop).ended;
  });
});
