import { describe, expect, test } from "bun:test";
import { Writable } from "node:stream";
import { Failure } from "../base/failure.ts";
import type { FolderUpload } from "../client/views.ts";
import { FakeClient, refusal } from "../testing/fake-client.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { JsonTerminal } from "./json-terminal.ts";
import { PipedTerminal } from "./piped-terminal.ts";
import { Repl } from "./repl.ts";

const VIEW = { group: "math", name: "x", path: "/tmp/x", state: "complete", size: 1, doneBytes: 1, rate: 0 };
const COMPLETE = { kind: "download-complete", view: { ...VIEW, sources: [], wastedBytes: 0 } } as never;

/** A stream that keeps what is written to it. */
class Paper extends Writable {
  #text = "";

  override _write(chunk: Uint8Array, _: string, done: () => void): void {
    this.#text += Buffer.from(chunk).toString();
    done();
  }

  get lines(): readonly string[] {
    return this.#text.split("\n").slice(0, -1);
  }
}

async function* typed(lines: readonly string[]): AsyncGenerator<Uint8Array> {
  yield Buffer.from(lines.join("\n"));
}

/** Runs the lines of a script against a client that knows nothing of groups. @returns what came out, in order */
async function script(
  lines: readonly string[],
  {
    json = true,
    quiet = false,
    files = [] as FakeClient["files"],
    upload = undefined as FolderUpload | undefined,
  } = {},
) {
  const [output, errors] = [new Paper(), new Paper()];
  const input = typed(lines);
  const terminal = json
    ? new JsonTerminal({ input, output }, { quiet })
    : new PipedTerminal({ input, output, errors }, { quiet });
  const client = new FakeClient();
  client.files = files;
  if (upload !== undefined) client.uploadedFolder = upload;
  client.hashing = [{ name: "x", doneBytes: 0, total: 5 }];
  client.joinGroup = async () => {
    client.emit({ kind: "tracker-lost", tried: "h:1" });
    throw refusal("no \u202e such \u0007 group");
  };
  client.downloadFile = async (_group, _name, path) => {
    client.emit(COMPLETE);
    return { path };
  };
  const repl = new Repl(
    {
      client,
      terminal,
      clock: new ManualClock(),
      kindOf: async (path) => (path === "/runs" ? "folder" : "file"),
      listFolder: async () => [],
    },
    { home: "/", windows: false, stay: false, stop: new AbortController().signal },
  );
  const exitCode = await repl.run();
  await terminal.close();
  await settle();
  return { exitCode, out: output.lines, err: errors.lines };
}

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));
const LINES = [
  "create_group math",
  "join_group x",
  "lits",
  "# none",
  "download_file math x /tmp/",
  "list_groups",
];

describe("a script that reads JSON", () => {
  test("gets one line for each reply, error and event, in order", async () => {
    const { exitCode, out, err } = await script(LINES);
    expect(exitCode).toBe(1);
    expect(err).toEqual([]);
    expect(parsed(out)).toEqual([
      { type: "reply", command: "create_group", ok: true, result: { group: "math" } },
      { type: "event", event: "tracker-lost", message: "h:1" },
      { type: "error", command: "join_group", code: "invalid-input", message: "no \u202e such \u0007 group" },
      { type: "error", code: "usage", message: expect.stringContaining("unknown command: lits") },
      {
        type: "reply",
        command: "download_file",
        ok: true,
        result: { group: "math", name: "x", path: "/tmp/" },
      },
      expect.objectContaining({ type: "event", event: "download-complete", path: "/tmp/x" }),
      { type: "reply", command: "list_groups", ok: true, result: { groups: [] } },
    ]);
  });

  test("gets lines that move no cursor, and are the same values still", async () => {
    const { out } = await script(["join_group x"]);
    expect(out[1]).toContain("no \\u202e such \\u0007 group");
  });

  test("is told that it left, and how far hashing is", async () => {
    const { out, exitCode } = await script(["upload_file /x math", "wait", "quit", "list_groups"]);
    expect(exitCode).toBe(0);
    expect(parsed(out).map(({ type, command }) => command ?? type)).toEqual([
      "progress",
      "upload_file",
      "wait",
      "quit",
    ]);
  });

  test("gets of a list what it chose, in its order, with when each came, quiet too", async () => {
    const named = (name: string, size: number) =>
      ({ name, size, sources: 1, sha1: "5", fileId: "f" }) as never;
    const files = [
      { ...(named("b.mp4", 1) as object), addedMs: 7 } as never,
      named("c.iso", 5),
      named("a.mp4", 3),
    ];
    for (const quiet of [false, true]) {
      const { out } = await script(["list_files math --sort size --match *.MP4"], { quiet, files });
      expect(parsed(out)[0].result.files).toEqual([
        { name: "a.mp4", size: 3, sources: 1, sha1: "5", fileId: "f" },
        { name: "b.mp4", size: 1, sources: 1, sha1: "5", fileId: "f", added: 7 },
      ]);
    }
  });

  test("has in one reply what failed of many files, and the exit code says so", async () => {
    const failure = new Failure("file-refused", "unreadable");
    const upload = {
      shared: 0,
      standing: 0,
      leftOut: 0,
      results: [],
      remarks: [{ kind: "failed", name: "runs/b", failure } as const],
    };
    const { out, exitCode } = await script(["upload_file /runs math"], { quiet: true, upload });
    expect(exitCode).toBe(1);
    expect(parsed(out)).toEqual([
      expect.objectContaining({
        command: "upload_file",
        result: expect.objectContaining({
          failed: [{ name: "runs/b", code: "file-refused", message: "unreadable" }],
        }),
      }),
    ]);
    const text = await script(["upload_file /runs math"], { json: false, upload });
    expect(text.err).toContain("error: runs/b: unreadable");
    expect(text.exitCode).toBe(1);
  });

  test("of a line that is too long hears an error, and the next one runs", async () => {
    const { out } = await script([`search ${"x".repeat(70_000)}`, "list_groups"]);
    expect(parsed(out).map(({ code, command }) => code ?? command)).toEqual(["usage", "list_groups"]);
  });

  test("quiet, gets errors and what it asked to be shown", async () => {
    const { out } = await script([...LINES, "wait"], { quiet: true });
    expect(parsed(out).map(({ type, command }) => `${type} ${command}`)).toEqual([
      "error join_group",
      "error undefined",
      "reply list_groups",
      "reply wait",
    ]);
  });
});

test("a script that reads text gets, quiet, errors and what it asked to be shown", async () => {
  const { out, err } = await script(LINES, { json: false, quiet: true });
  expect(out).toEqual(["No groups"]);
  expect(err).toEqual([
    expect.stringMatching(/^error: no /),
    expect.stringMatching(/^error: unknown command/),
  ]);
});

test("what is said before the client is there is a line too", async () => {
  const output = new Paper();
  const terminal = new JsonTerminal({ input: typed([]), output });
  terminal.notice("in use: listening elsewhere");
  terminal.error("x", {
    record: { type: "error", code: new Failure("usage", "x").code, message: "x" },
    isData: false,
  });
  await terminal.close();
  expect(output.lines).toEqual([
    '{"type":"event","event":"notice","message":"in use: listening elsewhere"}',
    '{"type":"error","code":"usage","message":"x"}',
  ]);
});
