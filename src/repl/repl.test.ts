import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, GroupName } from "../base/ids.ts";
import type { ClientEvent, DownloadView } from "../client/views.ts";
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
    { client, terminal, clock, kindOf },
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

test("progress of hashing is shown four times a second at most", async () => {
  const client = new FakeClient();
  const clock = new ManualClock();
  const at = (doneBytes: number) => ({ name: "x", doneBytes, total: 100 });
  client.uploadFile = async (_path, _group, name, progress) => {
    for (let done = 0; done <= 100; done += 10) {
      progress(at(done));
      clock.advance(100);
    }
    return { name: name as FileName, path: "/x", kept: undefined, sha1: "" as never, size: 0 };
  };
  const terminal = new FakeTerminal(["upload_file x math"]);
  await start(terminal, { client, clock }).exitCode;
  expect(terminal.screen.slice(1)).toEqual([
    "bar: Hashing x: 0% of 100 B",
    "bar: Hashing x: 30% of 100 B",
    "bar: Hashing x: 60% of 100 B",
    "bar: Hashing x: 90% of 100 B",
    "out: File uploaded successfully",
  ]);
});
