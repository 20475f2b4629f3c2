import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, Fingerprint, Gid, GroupName, Uid, UserName } from "../base/ids.ts";
import { listingOf } from "../base/listing-id.ts";
import { manifestOf } from "../testing/service-clients.ts";
import { deviceOf, hexId } from "../testing/test-tracker.ts";
import type { DownloadPhase, DownloadSnapshot, SourceSnapshot } from "../transfer/contract.ts";
import type { DownloadRecord } from "./library-rows.ts";
import { downloadView, isBusy, type Surroundings, waitReason } from "./progress.ts";

const { summary } = manifestOf("film", 1_000);
const RECORD: DownloadRecord = {
  gid: hexId<Gid>("lab"),
  listingId: listingOf(summary),
  group: "lab" as GroupName,
  name: "film" as FileName,
  path: "/in/film",
  file: summary,
  base: "/in",
  journalPath: "/journals/1",
  order: 1,
  state: "running",
  failure: undefined,
  doneBytes: 0,
};
const listed: ReadonlySet<Fingerprint> = new Set([deviceOf("a"), deviceOf("b")]);
const UP = { trackerUp: true, lastSeenMs: 77, listed };
const DOWN = { ...UP, trackerUp: false };
const NONE_LISTED = { ...UP, listed: new Set<Fingerprint>() };
const NOT_ASKED = { ...UP, listed: undefined };

function source(name: string, state: SourceSnapshot["state"], trouble?: string): SourceSnapshot {
  const address = { host: "192.0.2.7", port: 7000 };
  const who = { user: name as UserName, uid: hexId<Uid>(name), fingerprint: deviceOf(name) };
  return { source: { ...who, address, complete: true }, state, verifiedBytes: 5, wrongPieces: 1, trouble };
}

function snapshot(phase: DownloadPhase, ...sources: SourceSnapshot[]): DownloadSnapshot {
  return { phase, doneBytes: 400, rate: 9, wastedBytes: 3, sources };
}

const fetching = (...sources: SourceSnapshot[]) => snapshot({ kind: "fetching" }, ...sources);
const waits = (shot: DownloadSnapshot, around: Surroundings = UP) =>
  waitReason(RECORD, { kind: "known", snapshot: shot }, around);

describe("what a download waits for", () => {
  test("nothing, while a source is connected or may soon be", () => {
    expect(waits(fetching(source("a", "connected"), source("b", "gone", "no route")))).toBeUndefined();
    expect(waits(fetching(source("a", "connecting")))).toBeUndefined();
    expect(waits(fetching(source("a", "connected")), DOWN)).toBeUndefined();
  });

  test("a source, when nobody shares it now", () => {
    const noSource = { kind: "no-source", lastSeenMs: 77 } as const;
    expect(waits(fetching(), NONE_LISTED)).toEqual(noSource);
    expect(waits(fetching(source("c", "unreachable", "no route")))).toEqual(noSource);
    const troubled = [source("a", "unreachable", "no route"), source("b", "refused", "no such file")];
    expect(waits(fetching(...troubled), NONE_LISTED)).toEqual(noSource);
  });

  test("nothing that can be said, until the tracker has told who is there or one has been tried", () => {
    const troubled = [source("a", "unreachable", "no route"), source("b", "refused", "no such file")];
    expect(waits(fetching(...troubled), NOT_ASKED)).toBeUndefined();
    expect(waits(fetching(source("a", "gone")))).toBeUndefined();
  });

  test("a tracker, when no source is left to try and none can be heard of", () => {
    expect(waits(fetching(), DOWN)).toEqual({ kind: "no-tracker" });
    expect(waitReason(RECORD, { kind: "preparing" }, DOWN)).toEqual({ kind: "no-tracker" });
    expect(waitReason(RECORD, { kind: "preparing" }, UP)).toBeUndefined();
  });

  test("machines that cannot be reached, by their addresses", () => {
    const out = [source("a", "unreachable", "refused"), source("b", "connecting", "no route")];
    expect(waits(fetching(...out, source("c", "unreachable", "no route")))).toEqual({
      kind: "unreachable",
      addresses: ["192.0.2.7:7000", "192.0.2.7:7000"],
    });
  });

  test("those who refuse, in their words", () => {
    for (const state of ["refused", "dropped"] as const) {
      const refused = waits(fetching(source("a", state, "not a member")));
      expect(refused).toEqual({ kind: "refused", message: "not a member" });
    }
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

  test("nothing, once it is paused", () => {
    const failure = new Failure("not-member", "you were removed");
    const paused = { ...RECORD, state: "paused", failure } as const;
    expect(waitReason(paused, { kind: "resting" }, UP)).toBeUndefined();
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

  test("of a failed one, or one that was paused unasked: why, and how far it was", () => {
    const failure = new Failure("not-member", "you were removed");
    for (const state of ["failed", "paused"] as const) {
      const record = { ...RECORD, state, failure, doneBytes: 390 };
      const view = downloadView(record, { kind: "resting" }, UP);
      expect(view).toMatchObject({ state, failure, doneBytes: 390, waits: undefined });
    }
  });

  test("of one without a connected source, or that waits: no rate", () => {
    const situation = { kind: "known", snapshot: fetching(source("a", "unreachable", "no route")) } as const;
    expect(downloadView(RECORD, situation, UP).rate).toBe(0);
    expect(downloadView(RECORD, situation, NOT_ASKED).rate).toBe(0);
    const full = { kind: "disk-wait", failure: new Failure("disk-full", "no room") } as const;
    const waiting = { kind: "known", snapshot: snapshot(full, source("a", "connected")) } as const;
    expect(downloadView(RECORD, waiting, UP).rate).toBe(0);
  });

  test("of each source what limits it, and of the download what limits all", () => {
    const see = (shot: DownloadSnapshot, around: Surroundings = UP) =>
      downloadView(RECORD, { kind: "known", snapshot: shot }, around);
    const busy = { ...source("a", "connected"), limit: "busy" } as const;
    const view = see(
      fetching(
        busy,
        source("b", "unreachable", "no route"),
        source("c", "unreachable", "gone"),
        source("d", "gone"),
      ),
    );
    const limits = view.sources.map(({ limit }) => limit);
    expect(limits).toEqual([
      { kind: "busy" },
      { kind: "unreachable", message: "no route" },
      undefined, // it is not listed any more: it has gone
      undefined,
    ]);
    expect(view.limit).toBe("sources-busy");
    expect(see(fetching(busy, source("b", "connected"))).limit).toBeUndefined();
    expect(see({ ...fetching(busy), diskBound: true }).limit).toBe("disk");
    expect(see({ ...fetching(busy), rateBound: true }).limit).toBe("rate");
    expect(see(snapshot({ kind: "finishing" }, busy)).limit).toBeUndefined();
    const refused = see(fetching(source("a", "connected"), source("b", "refused", "not a member")));
    expect(refused.sources[1]?.limit).toEqual({ kind: "refused", message: "not a member" });
  });

  test("of a source that is not connected: just that", () => {
    for (const state of ["unreachable", "refused", "gone"] as const) {
      const situation = { kind: "known", snapshot: fetching(source("a", state, "why")) } as const;
      expect(downloadView(RECORD, situation, UP).sources[0]?.state).toBe("gone");
    }
  });
});

test("only what uses disk or network takes a place among the running", () => {
  expect(isBusy(fetching(source("a", "connected")))).toBe(true);
  expect(isBusy(fetching(source("a", "gone")))).toBe(false);
  expect(isBusy(snapshot({ kind: "finishing" }))).toBe(true);
  expect(isBusy(snapshot({ kind: "paused" }))).toBe(false);
});
