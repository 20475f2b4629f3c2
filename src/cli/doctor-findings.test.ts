import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import type { MetTracker } from "../client/probe.ts";
import { ScriptingPage } from "../testing/scripting-page.ts";
import {
  CHECKS,
  type DoctorFacts,
  type Finding,
  findingsOf,
  renderFinding,
  saidFinding,
} from "./doctor-findings.ts";
import type { FolderFacts } from "./folder-facts.ts";

const fingerprint = "ab".repeat(32) as Fingerprint;
const entry = { no: 1, address: { host: "10.0.0.1", port: 5000 }, pin: undefined };
const second = { no: 2, address: { host: "10.0.0.2", port: 5000 }, pin: undefined };
const inStep = { tracker: 2, reachable: true, lacks: 0, ahead: 0 };
const met: MetTracker = {
  tookMs: 3.4,
  fingerprint,
  verdict: "known",
  number: 1,
  clockAheadMs: -400,
  status: { program: "p2p 1.0.0", others: [] },
  reached: true,
};
const FOLDER: FolderFacts = {
  folder: "/data",
  exists: true,
  mode: 0o700,
  openFiles: [],
  isLocked: true,
  freeBytes: 5 * 1024 ** 3,
  trouble: undefined,
};
const GOOD: DoctorFacts = {
  program: "p2p 1.0.0",
  fileName: "t.txt",
  file: [{ entry, line: 1, shape: "10.0.0.1 5000" }],
  only: undefined,
  network: { trackers: [{ entry, met }], listening: undefined },
  listen: { host: "0.0.0.0", port: 6000 },
  folder: FOLDER,
};

const lines = (facts: DoctorFacts) => findingsOf(facts).flatMap((each) => renderFinding(each));
const withTracker = (more: Partial<MetTracker> | Failure, facts = GOOD): DoctorFacts => {
  const tracker = { entry, met: more instanceof Failure ? more : { ...met, ...more } };
  return { ...facts, network: { ...facts.network, trackers: [tracker] } };
};
const withFolder = (more: Partial<FolderFacts>): DoctorFacts => ({ ...GOOD, folder: { ...FOLDER, ...more } });
/** The lines that are not there when all is well. */
const worse = (facts: DoctorFacts) => {
  const good = new Set(lines(GOOD));
  return lines(facts).filter((line) => !good.has(line));
};

test("where all is well every line says so", () => {
  expect(lines(GOOD)).toEqual([
    "ok    p2p 1.0.0",
    "ok    t.txt line 1: 1 10.0.0.1:5000 (read from: 10.0.0.1 5000)",
    "ok    tracker 1 at 10.0.0.1:5000 answers in 3 ms",
    "ok    tracker 1 shows the key that was met before",
    "ok    tracker 1 runs p2p 1.0.0, as here",
    "ok    the clock of tracker 1 agrees with this one",
    "ok    the data folder /data is for its owner alone",
    "ok    5.0 GiB free at /data",
    "ok    a client runs with this data folder",
    "ok    tracker 1 reaches port 6000 of this machine",
  ]);
});

test("asked about trackers alone it says nothing of a client", () => {
  expect(lines({ ...GOOD, listen: undefined, folder: undefined })).toEqual(lines(GOOD).slice(0, 6));
});

test("no text from elsewhere steers a terminal", () => {
  const shape = "10.0.0.1 5000 # \u001b[2J";
  expect(lines({ ...GOOD, file: [{ entry, line: 1, shape }] })[1]).toEndWith("# \\u{1b}[2J)");
});

describe("of a tracker", () => {
  const cases: readonly (readonly [
    what: string,
    change: Partial<MetTracker> | Failure,
    lines: readonly string[],
  ])[] = [
    [
      "that does not answer",
      new Failure("peer-unreachable", "timed out: no answer"),
      [
        "fail  tracker 1 at 10.0.0.1:5000 does not answer: timed out: no answer; start it, or see whether a firewall or the address in the file is wrong",
      ],
    ],
    [
      "with another key",
      { verdict: new Failure("tracker-refused", "the tracker shows another key") },
      ["fail  the tracker shows another key"],
    ],
    [
      "met for the first time",
      { verdict: "first-use" },
      [
        `warn  tracker 1 was not met before, and the file holds no key of it; compare with the line that it printed at its start, and put that into the file: 10.0.0.1:5000 sha256:${fingerprint}`,
      ],
    ],
    [
      "of another version",
      { status: { program: "p2p 0.9.0", others: [] } },
      ["warn  tracker 1 runs p2p 0.9.0, here is p2p 1.0.0; use one version everywhere"],
    ],
    [
      "that is too old to say",
      { status: new Failure("protocol", "unknown method status") },
      ["warn  tracker 1 does not tell its version (unknown method status); it is older: update it"],
    ],
    [
      "whose clock is wrong",
      { clockAheadMs: 95_000 },
      ["warn  the clock of tracker 1 is 1m35s ahead of this one; set both by the network (NTP)"],
    ],
    [
      "with another number",
      { number: 2 },
      [
        "warn  tracker 1 at 10.0.0.1:5000 says that it is tracker 2; it was started with another number or another file",
      ],
    ],
    [
      "that does not reach this machine",
      { reached: false },
      [
        "fail  tracker 1 does not reach port 6000 of this machine; open it for incoming TCP in this machine's firewall, and forward it where a router is in between",
      ],
    ],
    [
      "that does not look",
      { reached: new Failure("try-later", "asked too often") },
      ["warn  tracker 1 did not look whether it reaches this machine: asked too often"],
    ],
  ];
  for (const [what, change, expected] of cases)
    test(what, () => expect(worse(withTracker(change))).toEqual([...expected]));

  test("whose key is pinned", () => {
    const pinned = { ...entry, pin: fingerprint };
    const facts = { ...GOOD, network: { ...GOOD.network, trackers: [{ entry: pinned, met }] } };
    expect(worse(facts)).toEqual(["ok    tracker 1 shows the key that is pinned"]);
  });
});

test("on a screen a finding is broken between words, behind its level", () => {
  const [finding] = findingsOf(GOOD);
  const rows = renderFinding({ ...finding, message: "as good as it gets" } as Finding, 16);
  expect(rows).toEqual(["ok    as good as", "      it gets"]);
});

describe("of trackers that keep in step", () => {
  const file = [...GOOD.file, { entry: second, line: 2, shape: "10.0.0.2:5000" }];
  const seen = (others: readonly (typeof inStep)[]) =>
    worse(withTracker({ status: { program: "p2p 1.0.0", others: [...others] } }, { ...GOOD, file })).slice(1);

  test("they are, or how far they are apart, or that they do not meet", () => {
    expect(seen([inStep])).toEqual(["ok    tracker 1 is in step with tracker 2"]);
    expect(seen([{ ...inStep, lacks: 1, ahead: 3 }])).toEqual([
      "warn  tracker 1 has 1 entry that tracker 2 lacks, and lacks 3 that it has; look again: under load they are some entries apart, and more and more only if something is wrong",
    ]);
    expect(seen([{ ...inStep, reachable: false, lacks: 2 }])).toEqual([
      "fail  tracker 1 does not reach tracker 2, which lacks 2 entries; start tracker 2, or see what is between them: until then changes stand on fewer trackers",
    ]);
  });

  test("one has another file", () => {
    expect(seen([])).toEqual([
      "warn  tracker 1 does not know tracker 2; give it the same file, and start it again",
    ]);
  });
});

test("asked about one tracker alone, another that is down fails nothing, and its line is not shown", () => {
  const file = [...GOOD.file, { entry: second, line: 2, shape: "10.0.0.2:5000" }];
  const status = { program: "p2p 1.0.0", others: [{ ...inStep, reachable: false, lacks: 2 }] };
  const levels = (more: Partial<MetTracker> | Failure) =>
    findingsOf(withTracker(more, { ...GOOD, file, only: 1 })).filter(({ level }) => level !== "ok");
  expect(levels({ status }).flatMap((each) => renderFinding(each))).toEqual([
    "warn  tracker 1 does not reach tracker 2, which lacks 2 entries; start tracker 2, or see what is between them: until then changes stand on fewer trackers",
  ]);
  expect(lines(withTracker({ status }, { ...GOOD, file, only: 1 })).join("\n")).not.toContain("10.0.0.2");
  expect(levels(new Failure("timeout", "no answer")).map(({ level }) => level)).toEqual(["fail"]);
});

describe("of the client", () => {
  test("that does not run", () => {
    expect(worse(withFolder({ isLocked: false }))).toEqual([
      "ok    no client runs; 0.0.0.0:6000 was listened on for this",
    ]);
  });

  test("whose port is taken, a tracker's, or none", () => {
    const stopped = withFolder({ isLocked: false });
    const taken = new Failure(
      "address-in-use",
      "cannot listen on 0.0.0.0:6000: another program listens there",
    );
    expect(worse({ ...stopped, network: { ...GOOD.network, listening: taken } })).toEqual([
      "fail  cannot listen on 0.0.0.0:6000: another program listens there",
    ]);
    expect(worse({ ...stopped, listen: entry.address })).toEqual([
      "warn  10.0.0.1:5000 is the address of tracker 1; give the client its own",
    ]);
    expect(worse({ ...stopped, listen: { host: "0.0.0.0", port: 0 } })).toEqual([
      "warn  port 0 is another one each time; give the client a port",
    ]);
  });

  test("that listens on this machine alone", () => {
    const alone = { ...withTracker({ reached: false }), listen: { host: "127.0.0.1", port: 6000 } };
    expect(worse(alone)).toEqual([
      "fail  tracker 1 does not reach port 6000 of this machine; 127.0.0.1 is this machine alone: start the client with an address that others reach, or with 0.0.0.0:6000",
    ]);
  });

  test("whose folder is not there, no folder, or open to others", () => {
    expect(worse(withFolder({ exists: false }))).toEqual([
      "ok    no data folder at /data yet: a client makes it",
    ]);
    expect(worse(withFolder({ trouble: "EACCES" }))).toEqual([
      "fail  cannot use the data folder /data: EACCES; see who owns it, or give another --data-dir",
    ]);
    expect(
      worse(withFolder({ mode: 0o755, openFiles: [{ path: "/data/identity.pem", mode: 0o644 }] })),
    ).toEqual([
      "warn  others on this machine may read /data (mode 755); chmod 700 /data",
      "warn  others on this machine may read /data/identity.pem (mode 644); chmod 600 /data/identity.pem",
    ]);
  });

  test("whose disk is full, or nearly", () => {
    expect(worse(withFolder({ freeBytes: 500 * 1024 ** 2 }))).toEqual([
      "warn  500 MiB free at /data; make room",
    ]);
    expect(worse(withFolder({ freeBytes: 1024 }))).toEqual(["fail  1.0 KiB free at /data; make room"]);
    expect(worse(withFolder({ freeBytes: undefined }))).toEqual([]);
  });
});

test("for programs a finding has a level, what was looked at, and the same words", () => {
  const [first] = findingsOf(withTracker(new Failure("timeout", "no answer"))).filter(
    ({ level }) => level === "fail",
  );
  expect(first && saidFinding(first)).toEqual({
    type: "finding",
    level: "fail",
    check: "tracker-answer",
    message: "tracker 1 at 10.0.0.1:5000 does not answer: no answer",
    advice: "start it, or see whether a firewall or the address in the file is wrong",
  });
  const page = new ScriptingPage();
  const faultsOf = (finding: Finding) => page.faultsOfLine(JSON.stringify(saidFinding(finding)));
  for (const check of CHECKS) expect(faultsOf({ level: "ok", check, message: "x" })).toEqual([]);
  expect(findingsOf(withTracker({ reached: false })).flatMap(faultsOf)).toEqual([]);
  expect(faultsOf({ level: "ok", check: "weather" as Finding["check"], message: "x" })).not.toEqual([]);
});
