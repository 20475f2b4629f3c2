import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, GroupName, UserName } from "../base/ids.ts";
import {
  FOLD_MANY_QUIET_MS,
  FOLD_MS_MAX,
  FOLD_QUIET_MS,
  LOGIN_RETRY_MS,
  PROGRESS_AFTER_MS,
  PROGRESS_LINE_MS,
} from "../base/limits.ts";
import type { ClientEvent, DownloadView, ShareView } from "../client/views.ts";
import { FakeClient, refusal } from "../testing/fake-client.ts";
import { FakeTerminal } from "../testing/fake-terminal.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import type { PathKind } from "./command.ts";
import { Repl } from "./repl.ts";

const view: DownloadView = {
  group: "math" as GroupName,
  name: "x" as FileName,
  path: "/tmp/x",
  state: "complete",
  size: 5,
  doneBytes: 5,
  rate: 0,
  sources: [],
  wastedBytes: 0,
  waits: undefined,
  failure: undefined,
};
const downloading = (name: string): DownloadView => ({
  ...view,
  name: name as FileName,
  state: "downloading",
  doneBytes: 0,
});
const complete: ClientEvent = { kind: "download-complete", view };

function start(
  terminal: FakeTerminal,
  {
    client = new FakeClient(),
    stay = false,
    clock = new ManualClock(),
    kindOf = async (_path: string): Promise<PathKind> => "file",
  } = {},
) {
  const stop = new AbortController();
  const repl = new Repl(
    { client, terminal, clock, kindOf, listFolder: async () => [] },
    { home: "/home/ann", windows: false, stay, stop: stop.signal },
  );
  return { client, stop, clock, exitCode: repl.run() };
}

const isPending = async (promise: Promise<unknown>) => {
  await settle();
  return (await Promise.race([promise, "pending"])) === "pending";
};

describe("lines run strictly in order", () => {
  test("a line is read only after the reply to the one before", async () => {
    const terminal = new FakeTerminal(["login alice x", "create_group math", "# comment", "", "logout"]);
    const { client, exitCode } = start(terminal);
    const { promise, resolve } = Promise.withResolvers<void>();
    client.gate = promise;
    expect(await isPending(exitCode)).toBe(true);
    expect(client.calls).toEqual(["login alice x"]);
    expect(terminal.screen).toEqual(["127.0.0.1:6001> login alice x"]);
    resolve();
    expect(await exitCode).toBe(0);
    expect(terminal.screen).toEqual([
      "127.0.0.1:6001> login alice x",
      "out: Login successful",
      "alice@127.0.0.1:6001> create_group math",
      "out: Group created successfully",
      "alice@127.0.0.1:6001> # comment",
      "alice@127.0.0.1:6001> ",
      "alice@127.0.0.1:6001> logout",
      "out: Logged out successfully",
    ]);
  });

  test("that a command stands on one tracker only is said after its reply, and not as a part of it", async () => {
    const terminal = new FakeTerminal(["create_group math"]);
    const gate = Promise.withResolvers<void>();
    const client = new FakeClient();
    client.gate = gate.promise;
    const { exitCode } = start(terminal, { client });
    await settle();
    client.emit({ kind: "alone", others: 1 });
    gate.resolve();
    await exitCode;
    expect(terminal.screen.slice(1)).toEqual([
      "out: Group created successfully",
      "note: Warning: this, and what follows, stands on one tracker only: the other one does not answer",
    ]);
  });

  test("exit ends at once, and what follows is not read", async () => {
    const terminal = new FakeTerminal(["quit", "create_group math"]);
    const { client, exitCode } = start(terminal);
    expect(await exitCode).toBe(0);
    expect(client.calls).toEqual([]);
  });
});

describe("the exit code is 1 once something has failed, and the commands after it run", () => {
  const afterwards = async (first: string | Failure, client = new FakeClient()) => {
    const terminal = new FakeTerminal([first, "whoami"]);
    const exitCode = await start(terminal, { client }).exitCode;
    expect(terminal.screen.at(-1)).toStartWith("out: key");
    return [exitCode, terminal.screen[1]];
  };

  test("refused by the client", async () => {
    const client = new FakeClient();
    client.failNext = refusal("there is no group math");
    expect(await afterwards("join_group math", client)).toEqual([1, "err: there is no group math"]);
  });

  test("wrong usage, an unknown command, a broken line, one too long", async () => {
    expect(await afterwards("join_group")).toEqual([1, "err: join_group takes <group_id>; got 0, needs 1"]);
    expect(await afterwards("hlep")).toEqual([1, "err: unknown command: hlep; did you mean help?"]);
    expect((await afterwards("'"))[0]).toBe(1);
    expect(await afterwards(new Failure("usage", "too long"))).toEqual([1, "err: too long"]);
  });

  test("a bug of the program", async () => {
    const client = new FakeClient();
    client.failNext = new TypeError("x is not a function");
    expect(await afterwards("logout", client)).toEqual([
      1,
      "err: an error in p2p itself: x is not a function",
    ]);
  });

  test("a download that failed later", async () => {
    const client = new FakeClient();
    const { promise, resolve } = Promise.withResolvers<void>();
    client.idle = promise;
    const terminal = new FakeTerminal([]);
    const { exitCode } = start(terminal, { client });
    client.emit({ kind: "download-failed", view: { ...view, failure: refusal("wrong SHA-1") } });
    resolve();
    expect(await exitCode).toBe(1);
    expect(terminal.screen).toEqual(["err: download of x of group math failed: wrong SHA-1"]);
  });
});

test("a person's mistakes are no reason for an exit code", async () => {
  const terminal = new FakeTerminal(["hlep", "quit"], true);
  expect(await start(terminal).exitCode).toBe(0);
  expect(terminal.screen[1]).toStartWith("err: unknown command");
});

test("what is to be said of a command comes after its reply, or its error", async () => {
  const client = new FakeClient();
  client.uploadFile = async () => {
    throw refusal("the disk is broken");
  };
  const kindOf = async (path: string) => (path === "a b.txt" ? "file" : "nothing");
  for (const [each, reply] of [
    [new FakeClient(), "out: File uploaded successfully"],
    [client, "err: the disk is broken"],
  ] as const) {
    const terminal = new FakeTerminal(["upload_file math 'a b.txt'"]);
    await start(terminal, { client: each, kindOf }).exitCode;
    expect(terminal.screen.slice(1)).toEqual([reply, "note: taken as: upload_file 'a b.txt' math"]);
  }
});

describe("at the end of the input", () => {
  test("of a pipe, running downloads end first, and their completion is printed", async () => {
    const client = new FakeClient();
    const { promise, resolve } = Promise.withResolvers<void>();
    client.idle = promise;
    const terminal = new FakeTerminal(["download_file math x /tmp/"]);
    const { exitCode } = start(terminal, { client });
    expect(await isPending(exitCode)).toBe(true);
    client.emit(complete);
    resolve();
    expect(await exitCode).toBe(0);
    expect(terminal.screen.slice(1)).toEqual(["out: Download started", "out: Download complete: /tmp/x"]);
    expect(client.listeners).toBe(0);
  });

  test("of a pipe, told to stay, it goes on until it is stopped", async () => {
    const { client, stop, exitCode } = start(new FakeTerminal(["whoami"]), { stay: true });
    expect(await isPending(exitCode)).toBe(true);
    expect(client.calls).toEqual([]);
    stop.abort();
    expect(await exitCode).toBe(0);
  });

  test("of a person, it ends at once", async () => {
    const client = new FakeClient();
    client.idle = new Promise(() => {});
    expect(await start(new FakeTerminal([], true), { client }).exitCode).toBe(0);
    expect(client.calls).toEqual([]);
  });

  test("and by a stop or by leaving, whatever runs", async () => {
    for (const how of ["stop", "leave"]) {
      const client = new FakeClient();
      client.idle = new Promise(() => {});
      const terminal = new FakeTerminal(["wait", "whoami"], true);
      const { stop, exitCode } = start(terminal, { client });
      expect(await isPending(exitCode)).toBe(true);
      if (how === "stop") stop.abort();
      else terminal.leave();
      expect(await exitCode).toBe(0);
      expect(terminal.screen).toHaveLength(1);
    }
  });
});

test("a list may be long, and is read before the next line", async () => {
  const client = new FakeClient();
  client.files = [{ name: "x", size: 5, sources: 1, sha1: "5", fileId: "f" } as never];
  const terminal = new FakeTerminal(["list_files math", "whoami"], true);
  const read = Promise.withResolvers<void>();
  const { replyLong } = terminal;
  terminal.replyLong = async (lines) => {
    await replyLong.call(terminal, lines);
    await read.promise;
  };
  const { exitCode } = start(terminal, { client });
  expect(await isPending(exitCode)).toBe(true);
  expect(terminal.screen.slice(1)).toEqual([expect.stringMatching(/^long: x /)]);
  read.resolve();
  await exitCode;
  expect(terminal.screen.length).toBeGreaterThan(3);
});

describe("what happens meanwhile", () => {
  test("is shown as it happens, a completion as a reply, all else as a notice", async () => {
    const client = new FakeClient();
    client.idle = new Promise(() => {});
    const terminal = new FakeTerminal(["wait"]);
    const { stop, exitCode } = start(terminal, { client });
    await settle();
    client.emit(complete);
    client.emit({ kind: "tracker-lost", tried: "h:1 (refused)" });
    expect(terminal.screen.slice(1)).toEqual([
      "out: Download complete: /tmp/x",
      "note: No tracker answers: h:1 (refused); trying again",
    ]);
    stop.abort();
    await exitCode;
  });

  test("never comes before the reply that it follows from, nor is it lost if the command fails", async () => {
    for (const fails of [false, true]) {
      const client = new FakeClient();
      client.downloadFile = async (_group, _name, path) => {
        client.emit(complete);
        if (fails) throw refusal("no such file");
        return { path };
      };
      const terminal = new FakeTerminal(["download_file math x /tmp/"]);
      await start(terminal, { client }).exitCode;
      expect(terminal.screen.slice(1)).toEqual([
        fails ? "err: no such file" : "out: Download started",
        "out: Download complete: /tmp/x",
      ]);
    }
  });
});

describe("progress of hashing", () => {
  test("of many files shows a person how many of them, and which", async () => {
    const client = new FakeClient();
    const clock = new ManualClock();
    const terminal = new FakeTerminal(["upload_file /x math"], true);
    const seen: string[] = [];
    client.uploadFile = async (_path, _group, _name, progress) => {
      progress({ name: "runs/a", doneBytes: 0, total: 0, file: { number: 1, of: 4 } });
      clock.advance(PROGRESS_AFTER_MS);
      progress({ name: "runs/b", doneBytes: 5, total: 10, file: { number: 2, of: 4 } });
      clock.advance(PROGRESS_LINE_MS);
      seen.push(terminal.rows.join("|"));
      return client.uploaded;
    };
    await start(terminal, { client, clock }).exitCode;
    expect(seen).toEqual(["runs/b  [###############---------------]   50%  sharing  2 of 4 files"]);
  });

  const hashing = (client: FakeClient, clock: ManualClock, look: () => void) => {
    client.uploadFile = async (_path, _group, name, progress) => {
      for (let doneBytes = 0; doneBytes <= 1000; doneBytes += 100) {
        progress({ name: "x", doneBytes, total: 1000 });
        await settle();
        look();
        clock.advance(100);
      }
      return { name: name as FileName, path: "/x", kept: undefined, sha1: "" as never, size: 0 };
    };
  };

  test("is on a person's screen after half a second, anew four times a second, and goes with its end", async () => {
    const client = new FakeClient();
    const clock = new ManualClock();
    const terminal = new FakeTerminal(["upload_file x math"], true);
    const seen: string[] = [];
    hashing(client, clock, () => seen.push(terminal.rows.join("|")));
    await start(terminal, { client, clock }).exitCode;
    expect([...new Set(seen)]).toEqual([
      "",
      "x  [#########---------------]   40%  hashing  800 B/s  1s left  400 B of 1000 B",
      "x  [################--------]   70%  hashing  933 B/s  0s left  700 B of 1000 B",
      "x  [#####################---]   90%  hashing  900 B/s  0s left  900 B of 1000 B",
    ]);
    expect(terminal.rows).toEqual([]);
    expect(terminal.screen.slice(1)).toEqual(["out: File uploaded successfully"]);
  });

  test("is told a script once, if it takes over half a second", async () => {
    const client = new FakeClient();
    const clock = new ManualClock();
    hashing(client, clock, () => {});
    const terminal = new FakeTerminal(["upload_file x math"]);
    await start(terminal, { client, clock }).exitCode;
    expect(terminal.screen.slice(1)).toEqual(["note: Hashing x (1000 B)", "out: File uploaded successfully"]);
  });

  test("of a folder is told a script in two lines: that it is looked through, and that its files are shared", async () => {
    const client = new FakeClient();
    const clock = new ManualClock();
    client.uploadFolder = async (_folder, _group, _name, progress) => {
      for (let step = 0; step < 20; step++) {
        const number = step < 10 ? 0 : step - 9;
        progress({
          name: number === 0 ? "runs" : `runs/${number}`,
          doneBytes: 0,
          total: 0,
          file: { number, of: 10 },
        });
        clock.advance(100);
      }
      return client.uploadedFolder;
    };
    const terminal = new FakeTerminal(["upload_file runs math"]);
    await start(terminal, { client, clock, kindOf: async () => "folder" }).exitCode;
    expect(terminal.screen.slice(1, 3)).toEqual([
      "note: Looking through runs: 10 files so far",
      "note: Sharing 7 of 10 files: runs/7",
    ]);
  });
});

describe("downloads that run", () => {
  const running = {
    ...view,
    state: "downloading",
    size: 1000,
    doneBytes: 100,
    rate: 100,
    sources: [],
  } as const;

  test("are on a person's screen until they end; what ends soon never is", async () => {
    const client = new FakeClient();
    client.me = { ...client.me, user: "ann" as UserName };
    client.idle = new Promise(() => {});
    const terminal = new FakeTerminal(["wait"], true);
    const { stop, clock, exitCode } = start(terminal, { client });
    await settle();
    client.downloads = [running as unknown as DownloadView];
    client.emit({ kind: "tracker-changed", tracker: "h:1" });
    clock.advance(250);
    expect(terminal.rows).toEqual([]);
    clock.advance(250);
    expect(terminal.rows.join()).toStartWith("x  [");
    client.downloads = [{ ...running, doneBytes: 900 } as unknown as DownloadView];
    clock.advance(250);
    expect(terminal.rows.join()).toContain("  90%  ");
    client.downloads = [{ ...running, state: "complete" } as unknown as DownloadView];
    clock.advance(250);
    expect(terminal.rows).toEqual([]);
    stop.abort();
    await exitCode;
    expect(clock.pending).toBe(0);
  });
});

describe("a person is helped", () => {
  test("with an example where arguments are missing; a script is not", async () => {
    const error = "err: join_group takes <group_id>; got 0, needs 1";
    const person = new FakeTerminal(["join_group"], true);
    await start(person).exitCode;
    expect(person.screen.slice(1)).toEqual([error, "note: For example: join_group math"]);
    const script = new FakeTerminal(["join_group"]);
    await start(script).exitCode;
    expect(script.screen.slice(1)).toEqual([error]);
  });

  test("by being told which files go with them: at logout, exit, and the end of the terminal", async () => {
    const note = "note: Only you have x online: until you are back, nobody can fetch it";
    for (const [line, reply] of [
      ["logout", ["out: Logged out successfully"]],
      ["exit", []],
    ] as const) {
      const client = new FakeClient();
      client.me = { ...client.me, user: "ann" as UserName };
      client.logout = async () => {
        client.me = { ...client.me, user: undefined };
      };
      client.alone = [{ ...view, size: 1 } as ShareView];
      const terminal = new FakeTerminal([line], true);
      await start(terminal, { client }).exitCode;
      expect(terminal.screen.slice(1)).toEqual([...reply, note]);
    }
  });

  test("by being told which downloads wait for their next login", async () => {
    const note = "2 downloads are not complete: they go on when you log in here again";
    for (const line of ["logout", "exit"]) {
      const client = new FakeClient();
      client.me = { ...client.me, user: "ann" as UserName };
      client.downloads = [view, ...["a", "b"].map((name) => downloading(name))];
      const terminal = new FakeTerminal([line], true);
      await start(terminal, { client }).exitCode;
      expect(terminal.screen).toContain(`note: ${note}`);
    }
  });

  test("by a count where there are more downloads than a screen tells of", async () => {
    const client = new FakeClient();
    const queued: DownloadView = { ...downloading("q"), waits: { kind: "queued" } };
    client.downloads = [...Array(8).fill(view), downloading("a"), queued];
    const terminal = new FakeTerminal(["show_downloads"], true);
    await start(terminal, { client }).exitCode;
    expect(terminal.screen[1]).toBe("long: [C] [math] x");
    expect(terminal.screen.at(-1)).toBe("note: 10 downloads: 8 complete, 1 downloading, 1 waiting in line");
    client.downloads = client.downloads.slice(0, 8);
    const few = new FakeTerminal(["show_downloads"], true);
    await start(few, { client }).exitCode;
    expect(few.screen.at(-1)).toStartWith("long:   5 B");
  });

  test("by one row for all downloads where there are many, and a row only for those that take their time", async () => {
    const client = new FakeClient();
    const clock = new ManualClock();
    client.me = { ...client.me, user: "ann" as UserName };
    const queued = (name: string): DownloadView => ({ ...downloading(name), waits: { kind: "queued" } });
    client.downloads = Array.from({ length: 10 }, (_, at) => queued(`f${at}`));
    const terminal = new FakeTerminal(["list_follows", "wait"], true);
    client.idle = new Promise(() => {});
    const { stop, exitCode } = start(terminal, { client, clock });
    await settle();
    clock.advance(PROGRESS_AFTER_MS);
    client.downloads = [downloading("f0"), ...client.downloads.slice(1)];
    clock.advance(PROGRESS_LINE_MS);
    expect(terminal.rows.map((row) => row.split("  ")[0])).toEqual(["0 of 10 files"]);
    clock.advance(PROGRESS_AFTER_MS);
    expect(terminal.rows.map((row) => row.split("  ")[0])).toEqual(["0 of 10 files", "f0"]);
    client.downloads = [{ ...view, name: "f0" as FileName }, ...client.downloads.slice(1)];
    clock.advance(PROGRESS_LINE_MS);
    expect(terminal.rows.map((row) => row.split("  ")[0])).toEqual(["1 of 10 files"]);
    stop.abort();
    await exitCode;
  });

  test("a script is not asked to wait for that, nor is a stop held up by it", async () => {
    const client = new FakeClient();
    client.me = { ...client.me, user: "ann" as UserName };
    client.lastCopies = () => new Promise(() => {});
    expect(await start(new FakeTerminal(["exit"]), { client }).exitCode).toBe(0);
    const { stop, exitCode } = start(new FakeTerminal(["exit"], true), { client });
    await settle();
    stop.abort();
    expect(await exitCode).toBe(0);
  });
});

describe("told to stay, a script is a service", () => {
  const unreachable = () => new Failure("tracker-unreachable", "no tracker answers");

  test("its login waits for a tracker, which is said once, and what stands behind it comes after", async () => {
    const terminal = new FakeTerminal(["login alice x", "create_group math"]);
    const client = new FakeClient();
    client.failNext = unreachable();
    const { clock, stop, exitCode } = start(terminal, { client, stay: true });
    await settle();
    for (let tries = 0; tries < 3; tries++) {
      client.failNext = unreachable();
      clock.advance(LOGIN_RETRY_MS);
      await settle();
    }
    expect(terminal.screen).toEqual([
      "127.0.0.1:6001> login alice x",
      "note: Not logged in yet: no tracker answers; trying until one does",
    ]);
    client.failNext = undefined;
    clock.advance(LOGIN_RETRY_MS);
    await settle();
    expect(terminal.screen.filter((line) => line.startsWith("out"))).toEqual([
      "out: Login successful",
      "out: Group created successfully",
    ]);
    stop.abort();
    expect(await exitCode).toBe(0);
  });

  test("a login that is refused ends it at once, with exit code 1", async () => {
    const terminal = new FakeTerminal(["login alice x", "create_group math"]);
    const client = new FakeClient();
    client.failNext = new Failure("wrong-credentials", "wrong user id or password");
    const { exitCode } = start(terminal, { client, stay: true });
    expect(await exitCode).toBe(1);
    expect(client.calls).toEqual(["login alice x"]);
    expect(terminal.screen.at(-1)).toBe("err: wrong user id or password");
  });

  test("another command that fails ends nothing, nor does a second login", async () => {
    const terminal = new FakeTerminal(["login alice x", "login alice x", "create_group math"]);
    const client = new FakeClient();
    const { stop, exitCode } = start(terminal, { client, stay: true });
    const call = client.login;
    client.login = async (name, password) => {
      await call(name, password);
      client.failNext = new Failure("already-logged-in", "already logged in");
    };
    await settle();
    expect(client.calls.at(-1)).toBe("createGroup math");
    stop.abort();
    expect(await exitCode).toBe(1);
  });

  test("it can be stopped while it waits", async () => {
    const terminal = new FakeTerminal(["login alice x"]);
    const client = new FakeClient();
    client.failNext = unreachable();
    const { stop, exitCode } = start(terminal, { client, stay: true });
    await settle();
    stop.abort();
    expect(await exitCode).toBe(0);
  });

  test("without being told to stay, and where a person sits, a login fails when no tracker answers", async () => {
    for (const [stay, isPerson] of [
      [false, false],
      [true, true],
    ] as const) {
      const terminal = new FakeTerminal(["login alice x"], isPerson);
      const client = new FakeClient();
      client.failNext = unreachable();
      await start(terminal, { client, stay }).exitCode;
      expect(terminal.screen.at(-1)).toBe("err: no tracker answers");
    }
  });
});

describe("events that come in numbers", () => {
  const shared = (name: string, group = "math"): ClientEvent => ({
    kind: "news",
    news: {
      kind: "new-file",
      group: group as GroupName,
      name: name as FileName,
      user: "bob" as UserName,
      size: 5,
    },
  });
  const named = (name: string, more: Partial<DownloadView> = {}): DownloadView => ({
    ...view,
    name: name as FileName,
    path: `/tmp/${name}`,
    ...more,
  });
  const names = ["a", "b", "c", "d", "e"];

  /** A person who has not typed anything. */
  async function sitting(folds: FakeTerminal["folds"] = "everything") {
    const terminal = new FakeTerminal([], true);
    terminal.folds = folds;
    const lines = Promise.withResolvers<undefined>();
    terminal.nextLine = () => lines.promise;
    const { client, clock, exitCode } = start(terminal);
    await settle();
    const leave = () => {
      lines.resolve(undefined);
      return exitCode;
    };
    return { terminal, client, clock, leave };
  }

  test("are one notice where a person sits, once no more of them have come for a moment", async () => {
    const { terminal, client, clock, leave } = await sitting();
    for (const name of names) {
      client.emit(shared(name));
      clock.advance(FOLD_QUIET_MS - 1);
    }
    expect(terminal.screen).toEqual([]);
    clock.advance(FOLD_MANY_QUIET_MS - FOLD_QUIET_MS + 1);
    expect(terminal.screen).toEqual(["note: 5 new files in math: a, b, c and 2 more"]);
    await leave();
    expect(terminal.screen).toHaveLength(1);
  });

  test("a few are told one by one", async () => {
    const { terminal, client, clock } = await sitting();
    for (const name of names.slice(0, 3)) client.emit({ kind: "download-complete", view: named(name) });
    clock.advance(FOLD_QUIET_MS);
    expect(terminal.screen).toEqual(["a", "b", "c"].map((name) => `out: Download complete: /tmp/${name}`));
  });

  test("each kind and each group has its own line, and each reason", async () => {
    const { terminal, client, clock } = await sitting();
    const wrong = refusal("wrong SHA-1");
    for (const name of names) {
      client.emit({ kind: "download-complete", view: named(name) });
      client.emit(shared(name));
      client.emit(shared(name, "lab"));
      client.emit({ kind: "download-failed", view: named(name, { failure: wrong }) });
      client.emit({ kind: "download-paused", view: named(name, { failure: wrong }) });
      client.emit({ kind: "download-waits", view: named(name, { waits: { kind: "no-tracker" } }) });
      client.emit({ kind: "share-broken", share: named(name), why: "it changed" });
    }
    client.emit({ kind: "download-failed", view: named("f", { failure: refusal("disk full") }) });
    clock.advance(FOLD_MANY_QUIET_MS);
    const some = "a, b, c and 2 more";
    expect(terminal.screen).toEqual([
      `out: 5 downloads complete: ${some}`,
      `note: 5 new files in math: ${some}`,
      `note: 5 new files in lab: ${some}`,
      `err: 5 downloads of group math failed: wrong SHA-1: ${some}`,
      `note: 5 downloads of group math: paused: wrong SHA-1: ${some}`,
      `note: 5 downloads of group math: waiting for a tracker: ${some}`,
      `note: No longer shared: 5 files in group math that were changed or are gone: ${some}`,
      "err: download of f of group math failed: disk full",
    ]);
  });

  test("those that never cease are told now and then", async () => {
    const { terminal, client, clock } = await sitting();
    for (let at = 0; at * 100 <= 2 * FOLD_MS_MAX; at++) {
      client.emit(shared(`f${at}`));
      clock.advance(100);
    }
    expect(terminal.screen).toHaveLength(2);
    expect(terminal.screen[0]).toMatch(/^note: 1\d\d new files in math: f0, f1, f2 and \d+ more$/);
  });

  test("what stands alone overtakes nothing", async () => {
    const { terminal, client } = await sitting();
    client.emit(shared("a"));
    client.emit({ kind: "tracker-lost", tried: "x" });
    expect(terminal.screen).toEqual([
      "note: bob shares a (5 B) in group math",
      "note: No tracker answers: x; trying again",
    ]);
  });

  test("a pipe folds notices, never a reply or an error; for programs each is an event of its own", async () => {
    for (const folds of ["notices", "nothing"] as const) {
      const { terminal, client, clock } = await sitting(folds);
      for (const name of names) client.emit({ kind: "download-complete", view: named(name) });
      for (const name of names) client.emit({ kind: "download-failed", view: named(name) });
      for (const name of names) client.emit(shared(name));
      clock.advance(FOLD_MANY_QUIET_MS);
      const amount = (kind: string) => terminal.screen.filter((line) => line.startsWith(kind)).length;
      expect([amount("out"), amount("err")]).toEqual([5, 5]);
      expect(amount("note")).toBe(folds === "notices" ? 1 : 5);
    }
  });

  test("nothing is left untold when the program ends", async () => {
    const { terminal, client, leave } = await sitting();
    for (const name of names) client.emit(shared(name));
    await leave();
    expect(terminal.screen).toEqual(["note: 5 new files in math: a, b, c and 2 more"]);
  });
});

describe("Ctrl-C while a command runs", () => {
  test("gives a wait up, and the next line is read", async () => {
    const terminal = new FakeTerminal(["wait", "create_group math"], true);
    const client = new FakeClient();
    client.idle = new Promise(() => {});
    const { exitCode } = start(terminal, { client });
    await settle();
    terminal.interrupt();
    await exitCode;
    expect(terminal.screen.slice(1)).toEqual([
      "note: No longer waiting; the downloads go on",
      "127.0.0.1:6001> create_group math",
      "out: Group created successfully",
    ]);
  });

  test("stops an upload, of which nothing is heard any more", async () => {
    const terminal = new FakeTerminal(["upload_file /tmp/x math", "whoami"], true);
    const client = new FakeClient();
    const gate = Promise.withResolvers<void>();
    client.gate = gate.promise;
    client.failNext = refusal("stopped");
    const { exitCode } = start(terminal, { client });
    await settle();
    expect(client.givingUp?.aborted).toBe(false);
    terminal.interrupt();
    expect(client.givingUp?.aborted).toBe(true);
    gate.resolve();
    await exitCode;
    expect(terminal.screen[1]).toStartWith("note: Upload stopped: ");
    expect(terminal.screen.filter((line) => line.startsWith("err"))).toEqual([]);
  });

  test("lets any other command go on by itself, and harms none that comes later", async () => {
    const terminal = new FakeTerminal(["join_group math", "create_group lab"], true);
    const client = new FakeClient();
    client.gate = new Promise(() => {});
    const { exitCode } = start(terminal, { client });
    await settle();
    client.gate = Promise.resolve();
    terminal.interrupt();
    await exitCode;
    expect(terminal.screen.slice(1)).toEqual([
      "note: No longer waiting for join_group: it may be carried out all the same",
      "127.0.0.1:6001> create_group lab",
      "out: Group created successfully",
    ]);
  });

  test("what a log-out that was given up finds of last copies is told with no later command, and nobody is logged out", async () => {
    const terminal = new FakeTerminal(["logout", "create_group lab"], true);
    const client = new FakeClient();
    client.me = { ...client.me, user: "ann" as UserName };
    const found = Promise.withResolvers<readonly ShareView[]>();
    client.lastCopies = () => found.promise;
    const create = Promise.withResolvers<void>();
    const { exitCode } = start(terminal, { client });
    await settle();
    client.gate = create.promise;
    client.lastCopies = async () => [];
    terminal.interrupt();
    await settle();
    found.resolve([{ ...view, size: 1 } as ShareView]);
    await settle();
    create.resolve();
    await exitCode;
    expect(terminal.screen.filter((line) => line.includes("Only you have"))).toEqual([]);
    expect(client.calls).toEqual(["createGroup lab"]);
  });
});
