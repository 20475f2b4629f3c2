/**
 * What `p2p doctor` says of what it found: facts -> findings, and each as a line. Pure.
 *
 * `fail` is what keeps people from working, `warn` what may, or what somebody should know; each says what to do. The
 * order is that of a search: the file, the trackers one by one, the client's port, its folder.
 */
import { type Address, formatAddress } from "../base/address.ts";
import { Failure } from "../base/failure.ts";
import { CLOCK_APART_WARN_MS, DISK_RESERVE_BYTES, FREE_BYTES_LOW } from "../base/limits.ts";
import { count, formatBytes, formatDuration, forTerminal } from "../base/text.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";
import { besideOrBelow } from "../base/wrapped.ts";
import type { MetTracker, NetworkFacts, ProbedTracker } from "../client/probe.ts";
import type { FolderFacts } from "./folder-facts.ts";
import { pinLine } from "./tracker-console.ts";
import type { ReadTracker } from "./tracker-info.ts";

/** What was looked at: stable, for programs. */
export const CHECKS = [
  "program",
  "tracker-file",
  "tracker-answer",
  "tracker-key",
  "tracker-version",
  "tracker-clock",
  "trackers-in-step",
  "client-running",
  "client-port",
  "data-folder",
  "free-space",
] as const;

export interface Finding {
  readonly level: "ok" | "warn" | "fail";
  readonly check: (typeof CHECKS)[number];
  readonly message: string;
  /** What to do. */
  readonly advice?: string;
}

export interface DoctorFacts {
  /** Name and version. */
  readonly program: string;
  readonly fileName: string;
  readonly file: readonly ReadTracker[];
  /** The number of the one tracker that is asked about; undefined: all of the file. */
  readonly only: number | undefined;
  readonly network: NetworkFacts;
  /** Where the client listens that is asked about. */
  readonly listen: Address | undefined;
  readonly folder: FolderFacts | undefined;
}

export function findingsOf(facts: DoctorFacts): readonly Finding[] {
  const { program, network, folder } = facts;
  return [
    ok("program", program),
    ...facts.file.filter((read) => isAskedAbout(read, facts)).map((read) => ofFile(facts.fileName, read)),
    ...network.trackers.flatMap((tracker) => ofTracker(tracker, facts)),
    ...(folder === undefined ? [] : ofFolder(folder)),
    ...ofClient(facts),
  ];
}

/** @param columns of the screen; undefined: one line */
export function renderFinding({ level, message, advice }: Finding, columns?: number): string[] {
  const text = forTerminal(`${message}${advice === undefined ? "" : `; ${advice}`}`);
  return besideOrBelow(level, text, 4, columns);
}

export function saidFinding(finding: Finding): Readonly<Record<string, unknown>> {
  return { type: "finding", ...finding };
}

function ok(check: Finding["check"], message: string): Finding {
  return { level: "ok", check, message };
}

function warn(check: Finding["check"], message: string, advice?: string): Finding {
  return { level: "warn", check, message, ...(advice === undefined ? {} : { advice }) };
}

function fail(check: Finding["check"], message: string, advice?: string): Finding {
  return { ...warn(check, message, advice), level: "fail" };
}

// --- the file ---

function isAskedAbout({ entry }: ReadTracker, { only }: DoctorFacts): boolean {
  return only === undefined || entry.no === only;
}

function ofFile(fileName: string, { entry, line, shape }: ReadTracker): Finding {
  return ok("tracker-file", `${fileName} line ${line}: ${normalForm(entry)} (read from: ${shape})`);
}

function normalForm({ no, address, pin }: TrackerEntry): string {
  return `${no} ${formatAddress(address)}${pin === undefined ? "" : ` sha256:${pin}`}`;
}

// --- trackers ---

function ofTracker({ entry, met }: ProbedTracker, facts: DoctorFacts): readonly Finding[] {
  const name = `tracker ${entry.no}`;
  const place = `${name} at ${formatAddress(entry.address)}`;
  if (met instanceof Failure) {
    const advice = "start it, or see whether a firewall or the address in the file is wrong";
    return [fail("tracker-answer", `${place} does not answer: ${met.message}`, advice)];
  }
  return [
    ok("tracker-answer", `${place} answers in ${Math.round(met.tookMs)} ms`),
    ...ofNumber(place, entry, met),
    ofKey(name, entry, met, facts),
    ofVersion(name, met, facts.program),
    ofClock(name, met),
    ...inStep(name, entry, met, facts),
  ];
}

function ofNumber(place: string, { no }: TrackerEntry, { number }: MetTracker): readonly Finding[] {
  if (number === no) return [];
  const message = `${place} says that it is tracker ${number}`;
  return [warn("tracker-answer", message, "it was started with another number or another file")];
}

function ofKey(
  name: string,
  entry: TrackerEntry,
  { verdict, fingerprint }: MetTracker,
  { file }: DoctorFacts,
): Finding {
  if (verdict instanceof Failure) return fail("tracker-key", verdict.message);
  if (verdict === "known")
    return ok(
      "tracker-key",
      `${name} shows the key that ${entry.pin === undefined ? "was met before" : "is pinned"}`,
    );
  const all = file.map((read) => read.entry);
  const pinned = pinLine(entry, all, fingerprint);
  const advice = `compare with the line that it printed at its start, and put that into the file: ${pinned}`;
  return warn("tracker-key", `${name} was not met before, and the file holds no key of it`, advice);
}

function ofVersion(name: string, { status }: MetTracker, here: string): Finding {
  if (status instanceof Failure)
    return warn(
      "tracker-version",
      `${name} does not tell its version (${status.message})`,
      "it is older: update it",
    );
  if (status.program === here) return ok("tracker-version", `${name} runs ${status.program}, as here`);
  return warn(
    "tracker-version",
    `${name} runs ${status.program}, here is ${here}`,
    "use one version everywhere",
  );
}

function ofClock(name: string, { clockAheadMs }: MetTracker): Finding {
  const apartMs = Math.abs(clockAheadMs);
  const apart = `${formatDuration(apartMs / 1000)} ${clockAheadMs < 0 ? "behind" : "ahead of"} this one`;
  if (apartMs < 1_000) return ok("tracker-clock", `the clock of ${name} agrees with this one`);
  if (apartMs < CLOCK_APART_WARN_MS) return ok("tracker-clock", `the clock of ${name} is ${apart}`);
  return warn("tracker-clock", `the clock of ${name} is ${apart}`, "set both by the network (NTP)");
}

function inStep(
  name: string,
  own: TrackerEntry,
  { status }: MetTracker,
  facts: DoctorFacts,
): readonly Finding[] {
  if (status instanceof Failure) return [];
  const listed = facts.file.map(({ entry }) => entry.no).filter((no) => no !== own.no);
  const unlike = listed.filter((no) => !status.others.some(({ tracker }) => tracker === no));
  const unknown = unlike.map((no) =>
    warn(
      "trackers-in-step",
      `${name} does not know tracker ${no}`,
      "give it the same file, and start it again",
    ),
  );
  const each = status.others.map(({ tracker, reachable, lacks, ahead }) => {
    // Of one tracker alone that is no fault of its own.
    const report = facts.only === undefined ? fail : warn;
    if (!reachable)
      return report(
        "trackers-in-step",
        `${name} does not reach tracker ${tracker}${lacks === 0 ? "" : `, which lacks ${count(lacks, "entry", "entries")}`}`,
        `start tracker ${tracker}, or see what is between them: until then changes stand on fewer trackers`,
      );
    if (lacks + ahead === 0) return ok("trackers-in-step", `${name} is in step with tracker ${tracker}`);
    return warn(
      "trackers-in-step",
      `${name} has ${count(lacks, "entry", "entries")} that tracker ${tracker} lacks, and lacks ${ahead} that it has`,
      "look again: under load they are some entries apart, and more and more only if something is wrong",
    );
  });
  return [...unknown, ...each];
}

// --- the client ---

function ofClient({ listen, network, folder }: DoctorFacts): readonly Finding[] {
  if (listen === undefined) return [];
  const place = formatAddress(listen);
  const isRunning = folder?.isLocked ?? false;
  const tracker = network.trackers.find(({ entry }) => formatAddress(entry.address) === place);
  if (tracker !== undefined && !isRunning)
    return [
      warn(
        "client-port",
        `${place} is the address of tracker ${tracker.entry.no}`,
        "give the client its own",
      ),
    ];
  if (listen.port === 0)
    return [warn("client-port", "port 0 is another one each time", "give the client a port")];
  if (network.listening !== undefined) return [fail("client-port", network.listening.message)];
  const running = isRunning
    ? `a client runs with this data folder`
    : `no client runs; ${place} was listened on for this`;
  return [ok("client-running", running), ...network.trackers.flatMap((each) => ofPort(each, listen))];
}

function ofPort({ entry, met }: ProbedTracker, listen: Address): readonly Finding[] {
  if (met instanceof Failure || met.reached === undefined) return [];
  const { no, address } = entry;
  if (met.reached instanceof Failure)
    return [
      warn(
        "client-port",
        `tracker ${no} did not look whether it reaches this machine: ${met.reached.message}`,
      ),
    ];
  if (!met.reached) return [unreached(no, listen)];
  if (isLoopback(address.host) && !isLoopback(listen.host))
    return [ok("client-port", `tracker ${no}, on this machine, reaches port ${listen.port}: others may not`)];
  return [ok("client-port", `tracker ${no} reaches port ${listen.port} of this machine`)];
}

function unreached(no: number, { host, port }: Address): Finding {
  const advice = isLoopback(host)
    ? `${host} is this machine alone: start the client with an address that others reach, or with 0.0.0.0:${port}`
    : "open it for incoming TCP in this machine's firewall, and forward it where a router is in between";
  return fail("client-port", `tracker ${no} does not reach port ${port} of this machine`, advice);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

// --- its folder ---

function ofFolder(facts: FolderFacts): readonly Finding[] {
  const { folder, exists, mode, openFiles, trouble } = facts;
  if (trouble !== undefined)
    return [
      fail(
        "data-folder",
        `cannot use the data folder ${folder}: ${trouble}`,
        "see who owns it, or give another --data-dir",
      ),
    ];
  const space = ofSpace(facts);
  if (!exists) return [ok("data-folder", `no data folder at ${folder} yet: a client makes it`), ...space];
  const open = mode === undefined || (mode & 0o077) === 0 ? [] : [{ path: folder, mode, wanted: "700" }];
  const all = [...open, ...openFiles.map(({ path, mode: of }) => ({ path, mode: of, wanted: "600" }))];
  const faults = all.map(({ path, mode: of, wanted }) =>
    warn(
      "data-folder",
      `others on this machine may read ${path} (mode ${of.toString(8)})`,
      `chmod ${wanted} ${path}`,
    ),
  );
  return [
    ...(faults.length > 0 ? faults : [ok("data-folder", `the data folder ${folder} is for its owner alone`)]),
    ...space,
  ];
}

function ofSpace({ folder, freeBytes }: FolderFacts): readonly Finding[] {
  if (freeBytes === undefined) return [];
  const message = `${formatBytes(freeBytes)} free at ${folder}`;
  if (freeBytes >= FREE_BYTES_LOW) return [ok("free-space", message)];
  const advice = "make room";
  return [
    freeBytes < DISK_RESERVE_BYTES
      ? fail("free-space", message, advice)
      : warn("free-space", message, advice),
  ];
}
