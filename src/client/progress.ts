/** Downloads as people see them: what the transfer says of one, its record, and what keeps it waiting. Pure. */
import { formatAddress } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import type { Fingerprint } from "../base/ids.ts";
import type { DownloadSnapshot, SourceSnapshot } from "../transfer/contract.ts";
import type { DownloadRecord } from "./library-rows.ts";
import type { DownloadState, DownloadView, SourceLimit, SourceShare, WaitReason } from "./views.ts";

/** Where a download is between the user's wish and the transfer. */
export type DownloadSituation =
  | { readonly kind: "queued" } // too many others run
  | { readonly kind: "preparing" } // its piece list is looked for
  | { readonly kind: "known"; readonly snapshot: DownloadSnapshot } // the transfer has or had it
  | { readonly kind: "resting" }; // paused, complete or failed before the transfer heard of it in this run

export interface Surroundings {
  readonly trackerUp: boolean;
  /** When somebody last shared the file; 0 if never known. */
  readonly lastSeenMs: number;
  /** Machines that share it now; undefined: the tracker has not been asked since the last one was connected. */
  readonly listed: ReadonlySet<Fingerprint> | undefined;
}

export function downloadView(
  record: DownloadRecord,
  situation: DownloadSituation,
  surroundings: Surroundings,
): DownloadView {
  const snapshot = situation.kind === "known" ? situation.snapshot : undefined;
  const { group, name, path, file, failure } = record;
  const complete = record.state === "complete";
  const waits = waitReason(record, situation, surroundings);
  return {
    group,
    name,
    path,
    state: stateOf(record),
    size: file.size,
    doneBytes: complete ? file.size : doneBytes(record, snapshot),
    rate: record.state === "running" && waits === undefined ? rateOf(snapshot) : 0,
    sources: (snapshot?.sources ?? []).map((source) => sourceShare(source, surroundings)),
    wastedBytes: snapshot?.wastedBytes ?? 0,
    waits,
    ...(record.state === "running" && waits === undefined ? limitOf(snapshot) : {}),
    failure,
  };
}

function limitOf(snapshot: DownloadSnapshot | undefined): Pick<DownloadView, "limit"> {
  if (snapshot?.diskBound) return { limit: "disk" };
  if (snapshot?.rateBound) return { limit: "rate" };
  const connected = snapshot?.sources.filter(isConnected) ?? [];
  const isBusy = connected.length > 0 && connected.every(({ limit }) => limit === "busy");
  return isBusy ? { limit: "sources-busy" } : {};
}

/** What is left of a rate when the last source has gone tells nothing. */
function rateOf(snapshot: DownloadSnapshot | undefined): number {
  return snapshot?.sources.some(isConnected) ? snapshot.rate : 0;
}

function isConnected({ state }: SourceSnapshot): boolean {
  return state === "connected";
}

/** Until the transfer has looked at what an earlier run left, what was recorded then is the best that is known. */
export function doneBytes(record: DownloadRecord, snapshot: DownloadSnapshot | undefined): number {
  if (snapshot === undefined) return record.doneBytes;
  return snapshot.phase.kind === "opening"
    ? Math.max(record.doneBytes, snapshot.doneBytes)
    : snapshot.doneBytes;
}

function stateOf({ state }: DownloadRecord): DownloadState {
  return state === "running" ? "downloading" : state;
}

function sourceShare(snapshot: SourceSnapshot, around: Surroundings): SourceShare {
  const { source, state, verifiedBytes, wrongPieces } = snapshot;
  const address = formatAddress(source.address);
  const shown = state === "unreachable" || state === "refused" ? "gone" : state;
  const limit = sourceLimit(snapshot, around);
  const share = { user: source.user, address, bytes: verifiedBytes, wrongPieces, state: shown } as const;
  return limit === undefined ? share : { ...share, limit };
}

/** One that is known to have gone is no trouble. */
function sourceLimit(snapshot: SourceSnapshot, { listed }: Surroundings): SourceLimit | undefined {
  const { source, state, trouble, limit } = snapshot;
  if (limit !== undefined && state === "connected") return { kind: limit };
  if (trouble === undefined || listed?.has(source.fingerprint) === false) return undefined;
  if (state === "unreachable" || state === "connecting") return { kind: "unreachable", message: trouble };
  return state === "refused" ? { kind: "refused", message: trouble } : undefined;
}

/** What keeps a download from going on; undefined if nothing does, or if the user wants it so. */
export function waitReason(
  record: DownloadRecord,
  situation: DownloadSituation,
  surroundings: Surroundings,
): WaitReason | undefined {
  if (record.state !== "running") return undefined;
  switch (situation.kind) {
    case "queued":
      return { kind: "queued" };
    case "preparing":
    case "resting":
      return surroundings.trackerUp ? undefined : { kind: "no-tracker" };
    case "known":
      return waitInTransfer(situation.snapshot, surroundings);
    default:
      return unreachable(situation);
  }
}

function waitInTransfer({ phase, sources }: DownloadSnapshot, around: Surroundings): WaitReason | undefined {
  switch (phase.kind) {
    case "opening":
    case "finishing":
      return { kind: "verifying" };
    case "disk-wait":
      return { kind: "disk", message: phase.failure.message };
    case "fetching":
      return waitForSources(sources, around);
    case "paused":
    case "complete":
    case "failed":
      return undefined;
    default:
      return unreachable(phase);
  }
}

function waitForSources(sources: readonly SourceSnapshot[], around: Surroundings): WaitReason | undefined {
  const { trackerUp, listed, lastSeenMs } = around;
  if (sources.some((source) => isConnected(source) || isFirstTry(source))) return undefined;
  if (!trackerUp) return { kind: "no-tracker" };
  if (listed === undefined) return undefined;
  const there = sources.filter(({ source }) => listed.has(source.fingerprint));
  if (there.length === 0) return { kind: "no-source", lastSeenMs };
  const out = there.filter(isOutOfReach);
  if (out.length > 0)
    return { kind: "unreachable", addresses: out.map(({ source }) => formatAddress(source.address)) };
  const refused = there.find(({ state }) => state === "refused" || state === "dropped");
  return refused?.trouble === undefined ? undefined : { kind: "refused", message: refused.trouble };
}

function isFirstTry({ state, trouble }: SourceSnapshot): boolean {
  return state === "connecting" && trouble === undefined;
}

/** Also while it is dialled again, or after a connection that did not last. */
function isOutOfReach({ state, trouble }: SourceSnapshot): boolean {
  return state === "unreachable" || ((state === "connecting" || state === "gone") && trouble !== undefined);
}

/** Whether it uses what the machine has: a download without sources leaves its place to the next in line. */
export function isBusy(snapshot: DownloadSnapshot): boolean {
  switch (snapshot.phase.kind) {
    case "opening":
    case "finishing":
    case "disk-wait":
      return true;
    case "fetching":
      return snapshot.sources.some(isConnected);
    case "paused":
    case "complete":
    case "failed":
      return false;
    default:
      return unreachable(snapshot.phase);
  }
}
