/** `docs/SCRIPTING.md` against the code: what it promises to programs is what they get, and nothing is kept from it. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { FAILURE_CODES, Failure, orThrow } from "../base/failure.ts";
import type { FileId, FileName, Gid, GroupName, ListingId, Sha1, UserName } from "../base/ids.ts";
import { jsonLine } from "../base/text.ts";
import type { ClientEvent, DownloadView, News, WaitReason } from "../client/views.ts";
import { FakeClient } from "../testing/fake-client.ts";
import { ScriptingPage } from "../testing/scripting-page.ts";
import { news } from "../wire/client-tracker.ts";
import type { CommandContext } from "./command.ts";
import { COMMANDS, findCommand } from "./commands.ts";
import { splitWords } from "./parser.ts";
import {
  type Said,
  saidDownloading,
  saidError,
  saidEvent,
  saidHashing,
  saidNotice,
  saidReply,
} from "./said.ts";

const page = new ScriptingPage();
const faultsOf = (said: Said) => page.faultsOfLine(jsonLine(said.record));

const group = "math" as GroupName;
const name = "lecture 1.mp4" as FileName;
const user = "bob" as UserName;
const gid = "00" as Gid;
const fileId = "ff" as FileId;
const sha1 = "0".repeat(40) as Sha1;
const size = 3_000_000;

function download(more: Partial<DownloadView> = {}): DownloadView {
  return {
    group,
    name,
    path: "/home/ann/lecture 1.mp4",
    state: "downloading",
    size,
    doneBytes: 1_048_576,
    rate: 123_456.7,
    sources: [{ user, address: "10.0.0.2:6000", bytes: 524_288, wrongPieces: 0, state: "connected" }],
    wastedBytes: 0,
    waits: undefined,
    failure: undefined,
    ...more,
  };
}

const WAITS: { readonly [K in WaitReason["kind"]]: Extract<WaitReason, { kind: K }> } = {
  queued: { kind: "queued" },
  "no-source": { kind: "no-source", lastSeenMs: 1_700_000_000_000 },
  unreachable: { kind: "unreachable", addresses: ["10.0.0.2:6000"] },
  refused: { kind: "refused", message: "not a member" },
  "no-tracker": { kind: "no-tracker" },
  disk: { kind: "disk", message: "no room" },
  verifying: { kind: "verifying" },
};

const broken = download({ state: "failed", failure: new Failure("corrupt", "another SHA-1") });

type EventKind = Exclude<ClientEvent["kind"], "news">;
const EVENTS: { readonly [K in EventKind]: Extract<ClientEvent, { kind: K }> } = {
  "download-complete": { kind: "download-complete", view: download({ state: "complete" }) },
  "download-failed": { kind: "download-failed", view: broken },
  "download-waits": { kind: "download-waits", view: download({ waits: WAITS["no-source"] }) },
  "download-paused": { kind: "download-paused", view: { ...broken, state: "paused" } },
  "share-broken": { kind: "share-broken", share: { group, name, path: "/x", size }, why: "it changed" },
  "follow-ended": { kind: "follow-ended", group, how: "left" },
  "follow-none-new": { kind: "follow-none-new", group, files: 603 },
  "tracker-changed": { kind: "tracker-changed", tracker: "h:1" },
  "tracker-lost": { kind: "tracker-lost", tried: "h:1 (refused)" },
  alone: { kind: "alone", others: 1 },
  together: { kind: "together" },
  "session-ended": { kind: "session-ended", message: "the password was changed" },
  warning: { kind: "warning", message: "something" },
};

const NEWS: { readonly [K in News["kind"]]: Extract<News, { kind: K }> } = {
  "join-request": { kind: "join-request", group, user },
  accepted: { kind: "accepted", group },
  rejected: { kind: "rejected", group },
  removed: { kind: "removed", group, gid },
  "accept-void": { kind: "accept-void", group, gid },
  ownership: { kind: "ownership", group, from: user },
  "ownership-lost": { kind: "ownership-lost", group, to: user },
  "group-deleted": { kind: "group-deleted", group, gid },
  "new-file": { kind: "new-file", group, name, user, size },
  "user-renamed": { kind: "user-renamed", from: user, name: "bob~abcde" as UserName },
  "group-renamed": { kind: "group-renamed", gid, from: group, group: "math~abcde" as GroupName },
  "file-renamed": {
    kind: "file-renamed",
    gid,
    listingId: "ee" as ListingId,
    group,
    from: name,
    name: "x" as FileName,
  },
  "password-lost": { kind: "password-lost" },
};

/** A client that has one of everything. */
function fullClient(): FakeClient {
  const client = new FakeClient();
  const file = { name, size, sources: 2, sha1, fileId, digest: "d" } as never;
  client.groups = [{ name: group, owner: user, members: 2, standing: "requested" }];
  client.requests = [user];
  client.members = [{ name: user, owner: true, online: false }];
  client.files = [file];
  client.hits = [{ group, file }];
  client.downloads = Object.values(WAITS).map((waits) => download({ waits }));
  client.downloads = [...client.downloads, download({ rate: 0 }), broken];
  client.me = { ...client.me, user, refusals: new Map([["revoked", 3] as const]) };
  client.uploaded = { name, path: "/x", kept: "path", sha1, size };
  client.uploadedFolder = {
    shared: 0,
    standing: 1,
    leftOut: 1,
    results: [{ ...client.uploaded, name: "runs/a" as FileName, kept: "same" }],
    remarks: [{ kind: "failed", name: "runs/b", failure: new Failure("file-refused", "unreadable") }],
  };
  return client;
}

async function runExample(example: string): Promise<{ readonly client: FakeClient; readonly said: Said }> {
  const client = fullClient();
  const context: CommandContext = {
    client,
    clock: { nowMs: () => 1_700_000_000_000 },
    kindOf: async (path) =>
      path === "/tmp/runs" ? "folder" : path.includes("/") && !path.includes("*") ? "file" : "nothing",
    note: () => {},
    hint: () => {},
    signal: new AbortController().signal,
    columns: undefined,
    fault: () => {},
    askHidden: undefined,
    progress: () => {},
    lastCopies: async () => {},
  };
  const words = orThrow(splitWords(example, { home: "/home/ann", windows: false }));
  const { command, args } = orThrow(findCommand(words));
  const reply = await command.run(context, args);
  const { result, isData } = reply === "leave" ? { result: {}, isData: true } : reply;
  return { client, said: saidReply(command.name, result, isData) };
}

describe("the example that help shows of a command works, and what it gives has the shape on the page", () => {
  for (const { name: command, example } of COMMANDS.values())
    test(example, async () => {
      const { said } = await runExample(example);
      expect(said.record["command"]).toBe(command);
      expect(faultsOf(said)).toEqual([]);
    });

  for (const line of [
    "upload_file /tmp/runs math",
    "upload_file 'data/*.csv' math",
    "download_file math runs/ /tmp",
    "stop_share math runs/",
    "pause_download math a b",
    "resume_download math a b",
    "cancel_download math a b",
  ])
    test(line, async () => {
      const { said } = await runExample(line);
      expect(faultsOf(said)).toEqual([]);
    });

  test("what failed of many files is told in the reply, which is then no mere confirmation", async () => {
    const { said } = await runExample("upload_file /tmp/runs math");
    const [file, failure] = [
      { name: "runs/a", kept: "same" },
      { name: "runs/b", code: "file-refused" },
    ];
    expect(said.record["result"]).toMatchObject({ leftOut: 1, files: [file], failed: [failure] });
    expect(said.isData).toBe(true);
    expect((await runExample("download_file math runs/ /tmp")).said.isData).toBe(false);
  });

  test("and the page has no other command", () => {
    expect([...page.results.keys()].sort()).toEqual([...COMMANDS.keys()].sort());
  });
});

describe("events", () => {
  for (const event of Object.values(EVENTS))
    test(event.kind, () => {
      expect(saidEvent(event).record["event"]).toBe(event.kind);
      expect(faultsOf(saidEvent(event))).toEqual([]);
    });
  for (const each of Object.values(NEWS))
    test(each.kind, () => {
      const said = saidEvent({ kind: "news", news: each });
      expect(said.record["event"]).toBe(each.kind);
      expect(faultsOf(said)).toEqual([]);
    });

  test("whatever is told without a shape of its own", () => expect(faultsOf(saidNotice("x"))).toEqual([]));

  test("and the page has no other", () => {
    const known = [...Object.keys(EVENTS), ...Object.keys(NEWS), "notice"];
    expect([...page.events.keys()].sort()).toEqual(known.sort());
    expect(Object.keys(NEWS).sort()).toEqual(news.options.map(({ entries }) => entries.kind.literal).sort());
  });
});

test("errors and progress", () => {
  const failure = new Failure("unknown-group", "no group named x");
  expect(faultsOf(saidError("join_group", failure))).toEqual([]);
  expect(faultsOf(saidError(undefined, failure))).toEqual([]);
  const hashing = { name: "x", doneBytes: 1, total: 2 };
  expect(faultsOf(saidHashing(hashing))).toEqual([]);
  expect(faultsOf(saidHashing({ ...hashing, file: { number: 2, of: 9 } }))).toEqual([]);
  expect(faultsOf(saidDownloading(download()))).toEqual([]);
  expect(faultsOf(saidDownloading(download({ rate: 0 })))).toEqual([]);
});

test("what the page does not say is noticed", () => {
  const wrong = (line: object) => page.faultsOfLine(JSON.stringify(line));
  const reply = { type: "reply", command: "create_group", ok: true };
  expect(wrong({ ...reply, result: {} })).toEqual([".group is missing"]);
  expect(wrong({ ...reply, result: { group: 5 } })).toEqual([".group is 5, not string"]);
  expect(wrong({ ...reply, result: { group: "g", gid: "1" } })).toEqual([".gid is not on the page"]);
  expect(wrong({ type: "event", event: "alone", others: 1.5 })).toEqual([".others is 1.5, not count"]);
  expect(wrong({ type: "error", code: "no-such-code", message: "x" })).toEqual([
    "the page has no code no-such-code",
  ]);
  expect(wrong({ type: "event", event: "download-waits", ...{ group: "g" } })).not.toEqual([]);
});

/** Sources of the program, or tests of it. */
async function sources(isTest: boolean): Promise<string> {
  const root = join(import.meta.dir, "..", "..");
  const texts: string[] = [];
  for await (const path of new Bun.Glob("{src,e2e}/**/*.ts").scan(root)) {
    const forTests =
      path.endsWith(".test.ts") || path.endsWith(".contract.ts") || /src\/testing|e2e\//.test(path);
    const isOfBoth = path.endsWith("base/failure.ts") || path.endsWith("scripting-page.test.ts");
    if (forTests === isTest && !isOfBoth) texts.push(await Bun.file(join(root, path)).text());
  }
  return texts.join("\n");
}

describe("codes of errors", () => {
  test("each has its line on the page, with what to do, and the page has no other", () => {
    expect([...page.codes.keys()]).toEqual([...FAILURE_CODES]);
    for (const what of page.codes.values()) expect(what.length).toBeGreaterThan(4);
  });

  test("each is made somewhere in the program", async () => {
    const text = await sources(false);
    expect(FAILURE_CODES.filter((code) => !text.includes(`"${code}"`))).toEqual([]);
  });

  test("each is expected by a test", async () => {
    const text = await sources(true);
    const unseen = FAILURE_CODES.filter((code) => !new RegExp(`["'\`]${code}["'\`: ]`).test(text));
    expect(unseen).toEqual([]);
  });
});
