/**
 * An entry as a store keeps it, and which entries of a batch are new. Pure; common to all stores.
 *
 * A row read back is held against the entry's schema: a store is outside the program, as a socket is.
 */
import { Failure, toFailure } from "../../base/failure.ts";
import { type Entry, encodeBody, type Origin, parseEntry } from "../../wire/entry.ts";

export interface LogRow {
  readonly origin: string;
  readonly seq: number;
  readonly stamp: string;
  readonly request: string;
  /** As `encodeBody` writes it. */
  readonly body: string;
}

export function toRow({ key, stamp, request, body }: Entry): LogRow {
  return { origin: key.origin, seq: key.seq, stamp, request, body: encodeBody(body) };
}

/** @throws Failure "corrupt" */
export function fromRow({ origin, seq, stamp, request, body }: LogRow): Entry {
  const entry = parseEntry({ key: { origin, seq }, stamp, request, body: parseJson(body) });
  if (!(entry instanceof Failure)) return entry;
  throw new Failure("corrupt", `entry ${seq} of ${origin} in the tracker's log is damaged: ${entry.message}`);
}

/** Where another entry or none is found. */
export function missingEntry(origin: string, seq: number): Failure {
  return new Failure("corrupt", `entry ${seq} of ${origin} is not in its place in the tracker's log`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return toFailure(error);
  }
}

/** What a batch is held against. */
export interface HeldLog {
  /** Entries up to there are gone; 0 for an origin that is not known. */
  floor(origin: Origin): number;
  /** At least the floor. */
  lastSeq(origin: Origin): number;
  row(origin: Origin, seq: number): LogRow | undefined;
}

/** The rows of a batch that are not held yet. @throws Failure "corrupt" or "protocol", see `EventStore.append` */
export function newRows(batch: readonly Entry[], held: HeldLog): LogRow[] {
  const fresh = new Map<Origin, LogRow[]>();
  for (const entry of batch) {
    const { origin, seq } = entry.key;
    if (seq <= held.floor(origin)) continue;
    const row = toRow(entry);
    const rows = fresh.get(origin) ?? [];
    fresh.set(origin, rows);
    const before = held.lastSeq(origin);
    const last = before + rows.length;
    if (seq === last + 1) rows.push(row);
    else if (seq > last)
      throw new Failure("protocol", `a hole in the log of ${origin}: entry ${seq} after entry ${last}`);
    else if (!sameRow(row, seq > before ? rows[seq - before - 1] : held.row(origin, seq)))
      throw new Failure("corrupt", `two different entries ${seq} of ${origin}`);
  }
  return [...fresh.values()].flat();
}

function sameRow(left: LogRow, right: LogRow | undefined): boolean {
  return left.stamp === right?.stamp && left.request === right.request && left.body === right.body;
}
