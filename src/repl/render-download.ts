/**
 * A download as two lines: which one and its state, then, indented, everything else that is known of it. Pure.
 *
 * The first line is fixed: scripts read it. In the second come how far it is, then who gave how much, then, last because
 * it may hold anything, where it goes. Percentages of progress are rounded down, so that 100% is reached only by what is
 * complete; of sources they are told only where they cannot be taken for progress.
 */
import { DOWNLOADS_AT_ONCE_MAX } from "../base/limits.ts";
import { count, formatBytes, formatDuration, forTerminal } from "../base/text.ts";
import type { DownloadState, DownloadView, SourceLimit, SourceShare, WaitReason } from "../client/views.ts";

const MARKS: Readonly<Record<DownloadState, string>> = {
  downloading: "D",
  complete: "C",
  paused: "P",
  failed: "F",
};

/** @param nowMs wall clock, for "last seen" */
export function renderDownloads(downloads: readonly DownloadView[], nowMs: number): string[] {
  if (downloads.length === 0) return ["No downloads"];
  return downloads.flatMap((view) => [
    `[${MARKS[view.state]}] [${forTerminal(view.group)}] ${forTerminal(view.name)}`,
    `  ${forTerminal(details(view, nowMs))}`,
  ]);
}

/** How many of each state, for whoever cannot see them all at once. */
export function renderDownloadCounts(downloads: readonly DownloadView[]): string {
  const kinds = downloads.map(({ state, waits }) => (waits?.kind === "queued" ? "waiting in line" : state));
  const counts = [...new Set(kinds)].map((kind) => `${kinds.filter((each) => each === kind).length} ${kind}`);
  return `${count(downloads.length, "download")}: ${counts.join(", ")}`;
}

function details(view: DownloadView, nowMs: number): string {
  const parts = [status(view, nowMs), givers(view), troubles(view), `to ${view.path}`];
  return parts.filter((part) => part !== "").join("; ");
}

/** How far it is, and why it is not further. */
function status(view: DownloadView, nowMs: number): string {
  switch (view.state) {
    case "complete":
      return formatBytes(view.size);
    case "downloading":
      return join(progress(view), speed(view), waiting(view, nowMs), limit(view));
    case "paused":
    case "failed":
      return `${view.state} at ${progress(view)}${reason(view)}`;
  }
}

function reason({ state, failure }: DownloadView): string {
  if (failure !== undefined) return `: ${failure.message}`;
  return state === "failed" ? ": unknown reason" : "";
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(", ");
}

function progress({ doneBytes, size }: DownloadView): string {
  const percent = size === 0 ? 100 : Math.floor((100 * doneBytes) / size);
  return `${percent}% of ${formatBytes(size)}`;
}

function speed({ rate, size, doneBytes }: DownloadView): string {
  if (rate <= 0) return "";
  return `${formatBytes(rate)}/s, ${formatDuration((size - doneBytes) / rate)} left`;
}

function waiting({ waits }: DownloadView, nowMs: number): string {
  return waits === undefined ? "" : renderWait(waits, nowMs);
}

function limit({ limit }: DownloadView): string {
  return limit === undefined ? "" : LIMITS_OF_ALL[limit];
}

const LIMITS_OF_ALL = {
  disk: "limited by the disk",
  rate: "limited by set_limit down",
  "sources-busy": "all sources are busy with others",
} as const;

/** `154 MiB (60%) from bob@127.0.0.1:6001, 102 MiB (40%) from carol@...`: shares of what is on disk. */
function givers(view: DownloadView): string {
  const { state, sources, doneBytes } = view;
  const gave = sources.filter((source) => source.bytes > 0 || (state === "downloading" && isThere(source)));
  const fetched = gave.reduce((sum, { bytes }) => sum + bytes, 0);
  const earlierBytes = fetched > 0 ? Math.max(0, doneBytes - fetched) : 0;
  const whole = Math.max(fetched, doneBytes);
  const isShared = state === "complete" || gave.length > 1 || earlierBytes > 0;
  const share = (bytes: number) => (isShared && whole > 0 ? [`${Math.round((100 * bytes) / whole)}%`] : []);
  const part = (bytes: number, remarks: readonly string[], from: string) =>
    `${formatBytes(bytes)}${remarks.length === 0 ? "" : ` (${remarks.join(", ")})`} ${from}`;
  const parts = gave.map((source) =>
    part(source.bytes, [...share(source.bytes), ...remarks(source)], `from ${label(source)}`),
  );
  if (earlierBytes > 0) parts.push(part(earlierBytes, share(earlierBytes), "earlier"));
  return join(...parts, dropped(view), wasted(view));
}

function isThere({ state }: SourceShare): boolean {
  return state === "connected" || state === "connecting";
}

function label({ user, address }: SourceShare): string {
  return `${user}@${address}`;
}

function remarks({ state, wrongPieces, limit }: SourceShare): string[] {
  const wrong = wrongPieces > 0 && state !== "dropped" ? [count(wrongPieces, "wrong piece")] : [];
  if (state === "connecting") return [...wrong, "connecting"];
  return state === "connected" && limit !== undefined ? [...wrong, LIMITS[limit.kind]] : wrong;
}

const LIMITS: Readonly<Record<SourceLimit["kind"], string>> = {
  busy: "busy with others",
  slow: "does not answer in time",
  "nothing-missing": "has nothing that is missing here",
  unreachable: "cannot be reached",
  refused: "refuses",
};

const TROUBLES_SHOWN_MAX = 5;

/** Sources that give nothing, and why; what is the reason to wait for all of them stands there already. */
function troubles({ state, sources, waits }: DownloadView): string {
  if (state !== "downloading") return "";
  const said = sources.flatMap((source) => {
    const { limit } = source;
    if (limit?.kind === "unreachable" && waits?.kind !== "unreachable")
      return [`cannot reach ${label(source)}: ${limit.message} (a firewall?)`];
    return limit?.kind === "refused" && waits?.kind !== "refused"
      ? [`${label(source)} refuses: ${limit.message}`]
      : [];
  });
  const more = said.length - TROUBLES_SHOWN_MAX;
  return join(...said.slice(0, TROUBLES_SHOWN_MAX), more > 0 ? `and ${more} more such sources` : "");
}

function dropped({ sources }: DownloadView): string {
  return sources
    .filter(({ state }) => state === "dropped")
    .map((source) => `dropped ${label(source)} (${count(source.wrongPieces, "wrong piece")})`)
    .join(", ");
}

function wasted({ wastedBytes }: DownloadView): string {
  return wastedBytes === 0 ? "" : `wasted ${formatBytes(wastedBytes)}`;
}

/** Why a download does not run, in words. */
export function renderWait(waits: WaitReason, nowMs: number): string {
  switch (waits.kind) {
    case "queued":
      return `waiting in line: ${count(DOWNLOADS_AT_ONCE_MAX, "download")} run at once`;
    case "no-source":
      return `waiting for a source: ${lastSeen(waits.lastSeenMs, nowMs)}`;
    case "unreachable":
      return `waiting: cannot reach ${waits.addresses.join(", ")} (a firewall?)`;
    case "refused":
      return `waiting: refused: ${waits.message}`;
    case "no-tracker":
      return "waiting for a tracker";
    case "disk":
      return `waiting: ${waits.message}`;
    case "verifying":
      return "verifying";
  }
}

function lastSeen(lastSeenMs: number, nowMs: number): string {
  if (lastSeenMs === 0) return "nobody online shares it";
  return `nobody online shares it, last seen ${formatDuration((nowMs - lastSeenMs) / 1000)} ago`;
}
