import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, Gid, GroupName, Uid, UserName } from "../base/ids.ts";
import { manifestOf } from "../testing/service-clients.ts";
import { deviceOf, hexId } from "../testing/test-tracker.ts";
import type { DownloadPhase, DownloadSnapshot, SourceSnapshot } from "../transfer/contract.ts";
import type { DownloadRecord } from "./library-rows.ts";
import { downloadView, isBusy, waitReason } from "./progress.ts";

const { summary } = manifestOf("film", 1_000);
const RECORD: DownloadRecord = {
  gid: hexId<Gid>("lab"),
  group: "lab" as GroupName,
  name: "film" as FileName,
  path: "/in/film",
  file: summary,
  journalPath: "/journals/1",
  order: 1,
  state: "running",
  failure: undefined,
  doneBytes: 0,
};
const UP = { trackerUp: true, lastSeenMs: 77 };
const DOWN = { trackerUp: false, lastSeenMs: 77 };

function source(name: string, state: SourceSnapshot["state"], trouble?: string): SourceSnapshot {
  const address = { host: "192.0.2.7", port: 7000 };
  const who = { user: name as UserName, uid: hexId<Uid>(name), fingerprint: deviceOf(name) };
  return { source: { ...who, address, complete: true }, state, verifiedBytes: 5, wrongPieces: 1, trouble };
}

function snapshot(phase: DownloadPhase, ...sources: SourceSnapshot[]): DownloadSnapshot {
  return { phase, doneBytes: 400, rate: 9, wastedBytes: 3, sources };
}

const fetching = (...sources: SourceSnapshot[]) => snapshot({ kind: "fetching" }, ...sources);
const waits = (shot: DownloadSnapshot, around = UP) =>
  waitReason(RECORD, { kind: "known", snapshot: shot }, around);

describe("what a download waits for", () => {
  test("nothing, while a source is connected or may soon be", () => {
    expect(waits(fetching(source("a", "connected"), source("b", "gone", "no route")))).toBeUndefined();
    expect(waits(fetching(source("a", "connecting")))).toBeUndefined();
    expect(waits(fetching(source("a", "connected")), DOWN)).toBeUndefined();
  });

  test("a source, when nobody shares it now", () => {
    expect(waits(fetching())).toEqual({ kind: "no-source", lastSeenMs: 77 });
    expect(waits(fetching(source("a", "gone")))).toEqual({ kind: "no-source", lastSeenMs: 77 });
  });

  test("a tracker, when no source is left to try and none can be heard of", () => {
    expect(waits(fetching(), DOWN)).toEqual({ kind: "no-tracker" });
    expect(waitReason(RECORD, { kind: "preparing" }, DOWN)).toEqual({ kind: "no-tracker" });
    expect(waitReason(RECORD, { kind: "preparing" }, UP)).toBeUndefined();
  });

  test("machines that cannot be reached, by their addresses", () => {
    expect(waits(fetching(source("a", "gone", "refused"), source("b", "connecting", "no route")))).toEqual({
      kind: "unreachable",
      addresses: ["192.0.2.7:7000", "192.0.2.7:7000"],
    });
  });

  test("those who refuse, in their words", () => {
    const refused = waits(fetching(source("a", "dropped", "not a member")));
    expect(refused).toEqual({ kind: "refused", message: "not a member" });
  });

  test("the disk, the verifying, the others in line", () => {
    const full = new Failure("disk-full", "no room");
    expect(waits(snapshot({ kind: "disk-wait", failure: full }))).toEqual({
      kind: "disk",
      message: "no room",
    });
    expect(waits(snapshot({ kind: "opening" }))).toEqual({ kind: "verifying" });
    expect(waits(snapshot({ kind: "finishing" }))).toEqual({ kind: "verifying" });
    expect(waitReason(RECORD, { kind: "queued" }, UP)).toEqual({ kind: "queued" });
  });

  test("nothing, once it is paused, unless somebody else made it pause", () => {
    const paused = { ...RECORD, state: "paused" } as const;
    expect(waitReason(paused, { kind: "resting" }, UP)).toBeUndefined();
    const failure = new Failure("not-member", "you were removed");
    expect(waitReason({ ...paused, failure }, { kind: "resting" }, UP)).toEqual({
      kind: "refused",
      message: "you were removed",
    });
  });
});

describe("what people see", () => {
  test("of one that runs: what the transfer says", () => {
    const situation = { kind: "known", snapshot: fetching(source("a", "connected")) } as const;
    expect(downloadView(RECORD, situation, UP)).toEqual({
      group: RECORD.group,
      name: RECORD.name,
      path: "/in/film",
      state: "downloading",
      size: 1_000,
      doneBytes: 400,
      rate: 9,
      sources: [
        {
          user: "a" as UserName,
          address: "192.0.2.7:7000",
          bytes: 5,
          wrongPieces: 1,
          state: "connected",
        },
      ],
      wastedBytes: 3,
      waits: undefined,
      failure: undefined,
    });
  });

  test("of a complete one: all its bytes, and no rate", () => {
    const situation = { kind: "known", snapshot: fetching() } as const;
    const view = downloadView({ ...RECORD, state: "complete" }, situation, UP);
    expect(view).toMatchObject({ state: "complete", doneBytes: 1_000, rate: 0, waits: undefined });
  });

  test("of a failed one: why", () => {
    const failure = new Failure("corrupt", "wrong SHA-1");
    const view = downloadView({ ...RECORD, state: "failed", failure }, { kind: "resting" }, UP);
    expect(view.failure).toBe(failure);
  });
});

test("only what uses disk or network takes a place among the running", () => {
  expect(isBusy(fetching(source("a", "connected")))).toBe(true);
  expect(isBusy(fetching(source("a", "gone")))).toBe(false);
  expect(isBusy(snapshot({ kind: "finishing" }))).toBe(true);
  expect(isBusy(snapshot({ kind: "paused" }))).toBe(false);
});
