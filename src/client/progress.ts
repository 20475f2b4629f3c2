/** Downloads as people see them: what the transfer says of one, its record, and what keeps it waiting. Pure. */
import { formatAddress } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import type { DownloadSnapshot, SourceSnapshot } from "../transfer/contract.ts";
import type { DownloadRecord } from "./library-rows.ts";
import type { DownloadState, DownloadView, SourceShare, WaitReason } from "./views.ts";

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
}

export function downloadView(
  record: DownloadRecord,
  situation: DownloadSituation,
  surroundings: Surroundings,
): DownloadView {
  const snapshot = situation.kind === "known" ? situation.snapshot : undefined;
  const { group, name, path, file, failure } = record;
  const complete = record.state === "complete";
  return {
    group,
    name,
    path,
    state: stateOf(record),
    size: file.size,
    doneBytes: complete ? file.size : doneBytes(record, snapshot),
    rate: record.state === "running" ? (snapshot?.rate ?? 0) : 0,
    sources: (snapshot?.sources ?? []).map(sourceShare),
    wastedBytes: snapshot?.wastedBytes ?? 0,
    waits: waitReason(record, situation, surroundings),
    failure: record.state === "failed" ? failure : undefined,
  };
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

function sourceShare({ source, state, verifiedBytes, wrongPieces }: SourceSnapshot): SourceShare {
  const address = formatAddress(source.address);
  return { user: source.user, address, bytes: verifiedBytes, wrongPieces, state };
}

/** What keeps a download from going on; undefined if nothing does, or if the user wants it so. */
export function waitReason(
  record: DownloadRecord,
  situation: DownloadSituation,
  surroundings: Surroundings,
): WaitReason | undefined {
  if (record.state === "paused" && record.failure !== undefined)
    return { kind: "refused", message: record.failure.message };
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
  const hopeful = (source: SourceSnapshot) =>
    source.state === "connected" || (source.state === "connecting" && source.trouble === undefined);
  if (sources.some(hopeful)) return undefined;
  if (!around.trackerUp) return { kind: "no-tracker" };
  const troubled = sources.filter((source) => source.state !== "dropped" && source.trouble !== undefined);
  if (troubled.length > 0)
    return { kind: "unreachable", addresses: troubled.map(({ source }) => formatAddress(source.address)) };
  const refused = sources.find((source) => source.state === "dropped" && source.trouble !== undefined);
  if (refused?.trouble !== undefined) return { kind: "refused", message: refused.trouble };
  return { kind: "no-source", lastSeenMs: around.lastSeenMs };
}

/** Whether it uses what the machine has: a download without sources leaves its place to the next in line. */
export function isBusy(snapshot: DownloadSnapshot): boolean {
  switch (snapshot.phase.kind) {
    case "opening":
    case "finishing":
    case "disk-wait":
      return true;
    case "fetching":
      return snapshot.sources.some((source) => source.state === "connected");
    case "paused":
    case "complete":
    case "failed":
      return false;
    default:
      return unreachable(snapshot.phase);
  }
}

/** Which reasons people are told of unasked: what they cannot see coming or must do something about. */
export function isTold(reason: WaitReason): boolean {
  return reason.kind !== "queued" && reason.kind !== "verifying";
}
