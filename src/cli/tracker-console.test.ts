import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { settle } from "../testing/manual-clock.ts";
import { attendTracker, introduce, ownEntry, pinLine, type RunningTracker } from "./tracker-console.ts";
import { parseTrackerInfo } from "./tracker-info.ts";

const HINT = "status shows what it does, snapshot copies its database, quit ends it";
const fingerprint = "ab".repeat(32) as Fingerprint;
const address = { host: "127.0.0.1", port: 5000 };
const own = { no: 1, address, pin: undefined };
const tracker: RunningTracker = {
  address,
  fingerprint,
  failed: new Promise(() => {}),
  status: () => ["3 users", "1 group"],
  snapshot: async () => "/data/snapshots",
};

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

describe("the line that pins it", () => {
  const at = (no: number, port: number, host = "h") => ({ no, address: { host, port }, pin: undefined });

  test("is an entry of tracker_info.txt that means this tracker and its key, whatever the numbers and the host", () => {
    const files = [
      [own],
      [at(1, 1), at(2, 2)],
      [at(2, 2), at(1, 1)],
      [at(4, 8, "::1"), at(9, 8, "h.example")],
    ];
    for (const trackers of files) {
      const text = trackers.map((each) => pinLine(each, trackers, fingerprint)).join("\n");
      expect(parseTrackerInfo(text, "t")).toEqual(trackers.map((each) => ({ ...each, pin: fingerprint })));
    }
  });

  test("has no number where the place says it", () => {
    expect(pinLine(own, [own], fingerprint)).toBe(`127.0.0.1:5000 sha256:${fingerprint}`);
  });
});

describe("what it says at its start", () => {
  test("who it is, where its data is, the line that pins it, how to end it", () => {
    expect(introduce(own, [own], tracker, "/data")).toEqual([
      "Tracker 1 listening on 127.0.0.1:5000",
      "Data in /data",
      `For tracker_info.txt: 127.0.0.1:5000 sha256:${fingerprint}`,
      HINT,
    ]);
  });

  test("with which others it keeps in step", () => {
    const second = { no: 2, address: { host: "h", port: 1 }, pin: undefined };
    expect(introduce(own, [own, second], tracker, "/data")).toContain("Keeps in step with tracker 2 at h:1");
  });

  test("a warning if the file pins another key, none if it pins this one", () => {
    const other = "cd".repeat(32) as Fingerprint;
    expect(introduce({ ...own, pin: other }, [own], tracker, "/data").at(-1)).toBe(
      `Warning: clients will refuse this tracker: their tracker_info.txt pins sha256:${other}`,
    );
    expect(introduce({ ...own, pin: fingerprint }, [own], tracker, "/data")).toHaveLength(4);
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
    const { said, ended } = attend(
      typed("status", "", "stauts", "login ann secret", new Failure("usage", "too long"), "quit"),
    );
    await ended;
    expect(said).toEqual([
      "3 users",
      "1 group",
      `error: unknown command: stauts; ${HINT}`,
      `error: unknown command: login; ${HINT}`,
      `error: too long; ${HINT}`,
    ]);
  });

  test("snapshot says where the copy is, or why there is none", async () => {
    const { said, ended } = attend(typed("snapshot", "quit"));
    await ended;
    expect(said).toEqual(["Snapshot made in /data/snapshots"]);
    const full = {
      ...tracker,
      snapshot: () => Promise.reject(new Failure("disk-error", "the disk is full")),
    };
    const output = { reply: (line: string) => said.push(line), error: (line: string) => said.push(line) };
    await attendTracker(full, typed("snapshot", "quit"), output, new AbortController().signal);
    expect(said.at(-1)).toBe("error: the disk is full");
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

  test("its disk ends it when that fails, whether its input has ended or not", async () => {
    async function* never() {
      await new Promise(() => {});
      yield "";
    }
    for (const lines of [typed(), never()]) {
      const failed = Promise.withResolvers<Failure>();
      const output = { reply: () => {}, error: () => {} };
      const broken = { ...tracker, failed: failed.promise };
      const ended = attendTracker(broken, lines, output, new AbortController().signal);
      const failure = new Failure("disk-error", "no space left");
      failed.resolve(failure);
      expect(await ended.catch((error) => error)).toBe(failure);
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
