/**
 * What a tracker says to whoever started it, and what it understands: `quit`, `status` and `snapshot`.
 *
 * The end of the input does not end a tracker: it may have been started without a terminal.
 */
import { formatAddress } from "../base/address.ts";
import { Failure, toFailure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { cleanPasted, count, forTerminal, unknownName } from "../base/text.ts";
import type { TrackerEntry } from "../base/tracker-entry.ts";

const HINT = "status shows what it does, snapshot copies its database, quit ends it";

/** What of a running tracker is shown. */
export interface RunningTracker {
  readonly address: { readonly host: string; readonly port: number };
  readonly fingerprint: Fingerprint;
  /** Resolves if its disk fails: it serves nobody any more then. */
  readonly failed: Promise<Failure>;
  status(): readonly string[];
  /** @returns where the copy is. @throws Failure */
  snapshot(): Promise<string>;
}

export interface ConsoleOutput {
  reply(line: string): void;
  error(line: string): void;
}

/** @param text as it was typed, a tracker's number. @param fileName for messages */
export function ownEntry(
  trackers: readonly TrackerEntry[],
  text: string,
  fileName: string,
): TrackerEntry | Failure {
  const found = /^\d+$/.test(text) ? trackers.find(({ no }) => no === Number(text)) : undefined;
  if (found !== undefined) return found;
  const numbers = trackers.map(({ no }) => no).join(", ");
  return new Failure(
    "usage",
    `no tracker ${forTerminal(text.slice(0, 40))} in ${forTerminal(fileName)}, which has ${count(trackers.length, "tracker")}: ${numbers}`,
  );
}

/** The tracker as a line of its file, with the key that must be there; with its number where numbers are not places. */
export function pinLine(
  { no, address }: TrackerEntry,
  trackers: readonly TrackerEntry[],
  fingerprint: Fingerprint,
): string {
  const number = trackers.every((each, index) => each.no === index + 1) ? "" : `${no} `;
  return `${number}${formatAddress(address)} sha256:${fingerprint}`;
}

/** The first lines: who it is, where its data is, the line that pins its key, whom it keeps in step with. */
export function introduce(
  own: TrackerEntry,
  trackers: readonly TrackerEntry[],
  tracker: Pick<RunningTracker, "address" | "fingerprint">,
  dataFolder: string,
): string[] {
  const others = trackers
    .filter(({ no }) => no !== own.no)
    .map(({ no, address }) => `tracker ${no} at ${formatAddress(address)}`);
  const lines = [
    `Tracker ${own.no} listening on ${formatAddress(tracker.address)}`,
    `Data in ${dataFolder}`,
    `For tracker_info.txt: ${pinLine(own, trackers, tracker.fingerprint)}`,
    ...(others.length === 0 ? [] : [`Keeps in step with ${others.join(", ")}`]),
    HINT,
  ];
  if (own.pin !== undefined && own.pin !== tracker.fingerprint)
    lines.push(`Warning: clients will refuse this tracker: their tracker_info.txt pins sha256:${own.pin}`);
  return lines;
}

/**
 * Answers lines until `quit` or a stop.
 * @throws Failure when the tracker's disk has failed: whoever started it must see that it ended, to start it anew
 */
export async function attendTracker(
  tracker: RunningTracker,
  lines: AsyncIterable<string | Failure>,
  output: ConsoleOutput,
  stop: AbortSignal,
): Promise<void> {
  const stopped = new Promise<"quit">((resolve) => {
    if (stop.aborted) resolve("quit");
    else stop.addEventListener("abort", () => resolve("quit"), { once: true });
  });
  // Input that cannot be read any more, as of a terminal that is gone, is input that has ended.
  const read = answerAll(tracker, lines, output).catch(() => "end" as const);
  const ended = Promise.race([stopped, tracker.failed]);
  const first = await Promise.race([read, ended]);
  const last = first === "end" ? await ended : first;
  if (last instanceof Failure) throw last;
}

async function answerAll(
  tracker: RunningTracker,
  lines: AsyncIterable<string | Failure>,
  output: ConsoleOutput,
): Promise<"quit" | "end"> {
  for await (const line of lines) {
    if (line instanceof Failure) {
      output.error(`error: ${line.message}; ${HINT}`);
      continue;
    }
    const words = cleanPasted(line).trim();
    switch (words.toLowerCase()) {
      case "":
        break;
      case "quit":
      case "exit":
        return "quit";
      case "status":
        for (const row of tracker.status()) output.reply(row);
        break;
      case "snapshot":
        await copyDatabase(tracker, output);
        break;
      default:
        output.error(`error: unknown command: ${unknownName(words)}; ${HINT}`);
    }
  }
  return "end";
}

async function copyDatabase(tracker: RunningTracker, output: ConsoleOutput): Promise<void> {
  try {
    output.reply(`Snapshot made in ${await tracker.snapshot()}`);
  } catch (error) {
    output.error(`error: ${toFailure(error).message}`);
  }
}
