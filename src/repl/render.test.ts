/** Every screen that is more than a table: downloads, events, prompt, progress. */
import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, Gid, GroupName, UserName } from "../base/ids.ts";
import type { ClientEvent, DownloadView, ShareView, SourceShare, WaitReason } from "../client/views.ts";
import { hexId } from "../testing/test-tracker.ts";
import { columns, renderHashing, renderLastCopies, renderPrompt } from "./render.ts";
import { renderDownloads } from "./render-download.ts";
import { renderEvent } from "./render-event.ts";

const MiB = 1024 * 1024;
const nowMs = 1_700_000_000_000;
const gid = hexId<Gid>("math");

function download(parts: Partial<DownloadView>): DownloadView {
  return {
    group: "math" as GroupName,
    name: "lecture 1.mp4" as FileName,
    path: "/tmp/lecture 1.mp4",
    state: "downloading",
    size: 256 * MiB,
    doneBytes: 0,
    rate: 0,
    sources: [],
    wastedBytes: 0,
    waits: undefined,
    failure: undefined,
    ...parts,
  };
}

function source(user: string, MiBs: number, parts: Partial<SourceShare> = {}): SourceShare {
  const port = 6000 + user.length;
  return {
    user: user as UserName,
    address: `127.0.0.1:${port}`,
    bytes: MiBs * MiB,
    wrongPieces: 0,
    state: "connected",
    ...parts,
  };
}

const screen = (parts: Partial<DownloadView>) => renderDownloads([download(parts)], nowMs);

describe("a download is shown as two lines", () => {
  test("running: percent, rate, time left, and each source's share", () => {
    const sources = [source("bob", 84), source("carol", 42), source("dave", 2, { state: "connecting" })];
    expect(screen({ doneBytes: 128 * MiB, rate: 12.5 * MiB, sources })).toEqual([
      "[D] [math] lecture 1.mp4",
      "  50% of 256 MiB, 12.5 MiB/s, 10s left; 84.0 MiB (66%) from bob@127.0.0.1:6003, " +
        "42.0 MiB (33%) from carol@127.0.0.1:6005, 2.0 MiB (2%, connecting) from dave@127.0.0.1:6004; " +
        "to /tmp/lecture 1.mp4",
    ]);
  });

  test("running from one source: no second percentage beside the progress", () => {
    expect(screen({ doneBytes: 64 * MiB, rate: MiB, sources: [source("bob", 64)] })[1]).toBe(
      "  25% of 256 MiB, 1.0 MiB/s, 3m12s left; 64.0 MiB from bob@127.0.0.1:6003; to /tmp/lecture 1.mp4",
    );
  });

  test("running, nothing yet: who is connected", () => {
    expect(screen({ sources: [source("bob", 0), source("carol", 0, { state: "gone" })] })[1]).toBe(
      "  0% of 256 MiB; 0 B from bob@127.0.0.1:6003; to /tmp/lecture 1.mp4",
    );
  });

  test("running after a restart: what came earlier", () => {
    expect(screen({ doneBytes: 100 * MiB, sources: [source("bob", 25)] })[1]).toBe(
      "  39% of 256 MiB; 25.0 MiB (25%) from bob@127.0.0.1:6003, 75.0 MiB (75%) earlier; to /tmp/lecture 1.mp4",
    );
  });

  test("running, with what keeps it from going faster: the disk, the limit, or those who serve others", () => {
    const sources = [source("bob", 64, { limit: { kind: "busy" } })];
    expect(screen({ doneBytes: 64 * MiB, rate: MiB, sources, limit: "sources-busy" })[1]).toBe(
      "  25% of 256 MiB, 1.0 MiB/s, 3m12s left, all sources are busy with others; " +
        "64.0 MiB (busy with others) from bob@127.0.0.1:6003; to /tmp/lecture 1.mp4",
    );
    expect(screen({ doneBytes: 64 * MiB, rate: MiB, limit: "disk" })[1]).toStartWith(
      "  25% of 256 MiB, 1.0 MiB/s, 3m12s left, limited by the disk; ",
    );
    expect(screen({ doneBytes: 64 * MiB, rate: MiB, limit: "rate" })[1]).toContain(
      " left, limited by set_limit down; ",
    );
  });

  test("running, with each source that gives less than it could, or nothing, and why", () => {
    const sources = [
      source("bob", 64, { limit: { kind: "slow" } }),
      source("carol", 0, { limit: { kind: "nothing-missing" } }),
      source("dave", 0, { state: "gone", limit: { kind: "unreachable", message: "timed out" } }),
      source("mallory", 0, { state: "gone", limit: { kind: "refused", message: "not a member" } }),
    ];
    expect(screen({ doneBytes: 64 * MiB, sources })[1]).toBe(
      "  25% of 256 MiB; 64.0 MiB (100%, does not answer in time) from bob@127.0.0.1:6003, " +
        "0 B (0%, has nothing that is missing here) from carol@127.0.0.1:6005; " +
        "cannot reach dave@127.0.0.1:6004: timed out (a firewall?), " +
        "mallory@127.0.0.1:6007 refuses: not a member; to /tmp/lecture 1.mp4",
    );
    const waits = { kind: "unreachable", addresses: ["127.0.0.1:6004"] } as const;
    expect(screen({ sources: sources.slice(2, 3), waits })[1]).toBe(
      "  0% of 256 MiB, waiting: cannot reach 127.0.0.1:6004 (a firewall?); to /tmp/lecture 1.mp4",
    );
  });

  test("many sources out of reach are counted", () => {
    const limit = { kind: "refused", message: "no" } as const;
    const sources = Array.from({ length: 9 }, (_, index) => source(`u${index}`, 0, { state: "gone", limit }));
    expect(screen({ sources })[1]).toEndWith(
      "u4@127.0.0.1:6002 refuses: no, and 4 more such sources; to /tmp/lecture 1.mp4",
    );
    expect(screen({ sources, state: "paused" })[1]).not.toContain("refuses");
  });

  test("never 100% before it is complete", () => {
    expect(screen({ doneBytes: 256 * MiB - 1, waits: { kind: "verifying" } })[1]).toBe(
      "  99% of 256 MiB, verifying; to /tmp/lecture 1.mp4",
    );
  });

  test("complete: each source's share of the bytes", () => {
    const sources = [source("bob", 154), source("carol", 102, { state: "gone" }), source("dave", 0)];
    expect(screen({ state: "complete", doneBytes: 256 * MiB, sources })).toEqual([
      "[C] [math] lecture 1.mp4",
      "  256 MiB; 154 MiB (60%) from bob@127.0.0.1:6003, 102 MiB (40%) from carol@127.0.0.1:6005; " +
        "to /tmp/lecture 1.mp4",
    ]);
  });

  test("complete in spite of a source that sent wrong pieces", () => {
    const sources = [
      source("bob", 256, { wrongPieces: 1 }),
      source("mallory", 0, { state: "dropped", wrongPieces: 2 }),
    ];
    expect(screen({ state: "complete", doneBytes: 256 * MiB, sources, wastedBytes: 1.5 * MiB })[1]).toBe(
      "  256 MiB; 256 MiB (100%, 1 wrong piece) from bob@127.0.0.1:6003, " +
        "dropped mallory@127.0.0.1:6007 (2 wrong pieces), wasted 1.5 MiB; to /tmp/lecture 1.mp4",
    );
  });

  test("complete without any source, and empty", () => {
    const to = "; to /tmp/lecture 1.mp4";
    expect(screen({ state: "complete", doneBytes: 256 * MiB })[1]).toBe(`  256 MiB${to}`);
    expect(screen({ state: "complete", size: 0 })[1]).toBe(`  0 B${to}`);
    expect(screen({ size: 0 })[1]).toBe(`  100% of 0 B${to}`);
  });

  test("paused and failed, with what is there", () => {
    const parts = { doneBytes: 64 * MiB, sources: [source("bob", 64, { state: "gone" })], rate: 5 };
    expect(screen({ state: "paused", ...parts })).toEqual([
      "[P] [math] lecture 1.mp4",
      "  paused at 25% of 256 MiB; 64.0 MiB from bob@127.0.0.1:6003; to /tmp/lecture 1.mp4",
    ]);
    const removed = new Failure("not-member", "you are no longer a member of group math");
    expect(screen({ state: "paused", ...parts, sources: [], failure: removed })[1]).toBe(
      "  paused at 25% of 256 MiB: you are no longer a member of group math; to /tmp/lecture 1.mp4",
    );
    const failure = new Failure("corrupt", "the file's SHA-1 is wrong");
    expect(screen({ state: "failed", ...parts, failure })).toEqual([
      "[F] [math] lecture 1.mp4",
      "  failed at 25% of 256 MiB: the file's SHA-1 is wrong; 64.0 MiB from bob@127.0.0.1:6003; " +
        "to /tmp/lecture 1.mp4",
    ]);
  });

  test("waiting, with the reason", () => {
    const reasons: readonly (readonly [waits: WaitReason, words: string])[] = [
      [{ kind: "queued" }, "waiting in line: 8 downloads run at once"],
      [{ kind: "no-source", lastSeenMs: 0 }, "waiting for a source: nobody online shares it"],
      [
        { kind: "no-source", lastSeenMs: nowMs - 7_380_000 },
        "waiting for a source: nobody online shares it, last seen 2h03m ago",
      ],
      [{ kind: "unreachable", addresses: ["h:1", "h:2"] }, "waiting: cannot reach h:1, h:2 (a firewall?)"],
      [{ kind: "refused", message: "no grant" }, "waiting: refused: no grant"],
      [{ kind: "no-tracker" }, "waiting for a tracker"],
      [{ kind: "disk", message: "the disk of /tmp is full" }, "waiting: the disk of /tmp is full"],
      [{ kind: "verifying" }, "verifying"],
    ];
    for (const [waits, words] of reasons)
      expect(screen({ waits })[1]).toBe(`  0% of 256 MiB, ${words}; to /tmp/lecture 1.mp4`);
  });

  test("names and messages from elsewhere move no cursor", () => {
    const lines = screen({
      group: "g\u001b[2J" as GroupName,
      name: "a\u202Eb" as FileName,
      sources: [source("\u009b1m", 1)],
      waits: { kind: "refused", message: "x\ny" },
    });
    expect(lines).toEqual([
      "[D] [g\\u{1b}[2J] a\\u{202e}b",
      "  0% of 256 MiB, waiting: refused: x\\u{a}y; 1.0 MiB from \\u{9b}1m@127.0.0.1:6003; to /tmp/lecture 1.mp4",
    ]);
  });
});

describe("what happens is told in one line", () => {
  const group = "math" as GroupName;
  const user = "bob" as UserName;
  const events: readonly (readonly [event: ClientEvent, kind: string, line: string])[] = [
    [{ kind: "download-complete", view: download({}) }, "reply", "Download complete: /tmp/lecture 1.mp4"],
    [
      { kind: "download-failed", view: download({ failure: new Failure("corrupt", "wrong SHA-1") }) },
      "error",
      "download of lecture 1.mp4 of group math failed: wrong SHA-1",
    ],
    [
      { kind: "download-waits", view: download({ waits: { kind: "no-tracker" } }) },
      "notice",
      "Download of lecture 1.mp4 of group math: waiting for a tracker",
    ],
    [
      { kind: "download-waits", view: download({}) },
      "notice",
      "Download of lecture 1.mp4 of group math: goes on",
    ],
    [
      {
        kind: "share-broken",
        share: { group, name: "o2.txt" as FileName, path: "/x", size: 1 },
        why: "/x was changed since it was shared",
      },
      "notice",
      "No longer shared: o2.txt in group math: /x was changed since it was shared",
    ],
    [
      {
        kind: "download-paused",
        view: download({ state: "paused", failure: new Failure("not-member", "you have left group math") }),
      },
      "notice",
      "Download of lecture 1.mp4 of group math: paused: you have left group math",
    ],
    [
      { kind: "follow-ended", group, how: "left" },
      "notice",
      "No longer following math: you have left the group",
    ],
    [
      { kind: "follow-ended", group, how: "removed" },
      "notice",
      "No longer following math: you are no longer a member of the group",
    ],
    [
      { kind: "follow-none-new", group, files: 603 },
      "notice",
      "Nothing new in math: its 603 files were fetched or shared here before",
    ],
    [
      { kind: "follow-none-new", group, files: 1 },
      "notice",
      "Nothing new in math: its file was fetched or shared here before",
    ],
    [
      { kind: "tracker-changed", tracker: "127.0.0.1:5001" },
      "notice",
      "Connected to tracker 127.0.0.1:5001 now: all goes on",
    ],
    [
      { kind: "tracker-lost", tried: "h:1 (refused), h:2 (no answer)" },
      "notice",
      "No tracker answers: h:1 (refused), h:2 (no answer); trying again",
    ],
    [
      { kind: "alone", others: 1 },
      "notice",
      "Warning: this, and what follows, stands on one tracker only: the other one does not answer",
    ],
    [
      { kind: "alone", others: 2 },
      "notice",
      "Warning: this, and what follows, stands on one tracker only: the other 2 do not answer",
    ],
    [{ kind: "together" }, "notice", "Commands stand on more than one tracker again"],
    [
      { kind: "session-ended", message: "the password was changed" },
      "notice",
      "Logged out: the password was changed",
    ],
    [{ kind: "warning", message: "clock\u001b" }, "notice", "Warning: clock\\u{1b}"],
    [
      { kind: "news", news: { kind: "join-request", group, user } },
      "notice",
      "bob asks to join group math: accept_request math bob",
    ],
    [
      { kind: "news", news: { kind: "join-request", group, user: "o'neil" as UserName } },
      "notice",
      `o'neil asks to join group math: accept_request math "o'neil"`,
    ],
    [{ kind: "news", news: { kind: "accepted", group } }, "notice", "You are now a member of group math"],
    [
      { kind: "news", news: { kind: "rejected", group } },
      "notice",
      "Your request to join group math was rejected",
    ],
    [
      { kind: "news", news: { kind: "removed", group, gid } },
      "notice",
      "You are no longer a member of group math",
    ],
    [
      { kind: "news", news: { kind: "ownership", group, from: user } },
      "notice",
      "bob made you the owner of group math",
    ],
    [{ kind: "news", news: { kind: "group-deleted", group, gid } }, "notice", "Group math was deleted"],
    [
      { kind: "news", news: { kind: "new-file", group, name: "x" as FileName, user, size: 2 * MiB } },
      "notice",
      "bob shares x (2.0 MiB) in group math",
    ],
    [
      { kind: "news", news: { kind: "accept-void", group, gid } },
      "notice",
      "You are no longer a member of group math: it has a new owner, whose answer your request waits for",
    ],
    [
      { kind: "news", news: { kind: "ownership-lost", group, to: user } },
      "notice",
      "You are no longer the owner of group math: it was handed over twice at once, and bob owns it",
    ],
    [
      { kind: "news", news: { kind: "user-renamed", from: user, name: "bob~abcde" as UserName } },
      "notice",
      "Your account is now called bob~abcde: another one had the name bob first",
    ],
    [
      { kind: "news", news: { kind: "user-renamed", from: "bob~abcde" as UserName, name: user } },
      "notice",
      "Your account is called bob again",
    ],
    [
      { kind: "news", news: { kind: "group-renamed", gid, from: group, group: "math~abcde" as GroupName } },
      "notice",
      "Group math is now called math~abcde",
    ],
    [
      {
        kind: "news",
        news: {
          kind: "file-renamed",
          gid,
          listingId: hexId("x", 64),
          group,
          from: "x" as FileName,
          name: "x~abcde" as FileName,
        },
      },
      "notice",
      "Your file x in group math is now called x~abcde",
    ],
    [
      { kind: "news", news: { kind: "password-lost" } },
      "notice",
      "Your password was changed twice while trackers were cut off from each other: the later change counts",
    ],
  ];
  for (const [event, kind, line] of events) {
    test(line, () => expect(renderEvent(event, nowMs)).toEqual({ kind, line } as never));
  }
});

test("columns are as wide as their widest cell on a screen, the last one as it is", () => {
  expect(
    columns([
      ["a", "b", "c"],
      ["long", "", ""],
      ["数", "x", "y"],
    ]),
  ).toEqual(["a     b  c", "long     ", "数    x  y"]);
  expect(columns([])).toEqual([]);
});

test("the prompt says who and where", () => {
  const me = {
    user: "alice" as UserName,
    listening: "127.0.0.1:6001",
    tracker: "t",
    dataFolder: "d",
    fingerprint: "f",
    refusals: new Map(),
    limits: { up: undefined, down: undefined },
  };
  expect(renderPrompt(me)).toBe("alice@127.0.0.1:6001> ");
  expect(renderPrompt({ ...me, user: undefined })).toBe("127.0.0.1:6001> ");
});

test("hashing that takes long says of what", () => {
  expect(renderHashing({ name: "a\n", doneBytes: MiB, total: 3 * MiB })).toBe("Hashing a\\u{a} (3.0 MiB)");
});

test("whoever leaves hears which files nobody else has online", () => {
  const files = ["a.mp4", "b\n", "c", "d", "e"].map((name) => ({ name }) as ShareView);
  expect(renderLastCopies(files)).toBe(
    "Only you have 5 of your files online (a.mp4, b\\u{a}, c and 2 more): until you are back, nobody can fetch them",
  );
  expect(renderLastCopies(files.slice(0, 1))).toBe(
    "Only you have a.mp4 online: until you are back, nobody can fetch it",
  );
});
