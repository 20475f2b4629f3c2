/**
 * What one tracker says to another, over the connection that it has dialled: a table of methods. No I/O.
 *
 * The dialling side gives what the other lacks (log entries, rows of the state, who is online here) and asks how far it
 * is; the other only answers. Both sides of a pair dial, so each gives over its own connection. Lists travel in the tail
 * as one JSON text, which the sender takes from its disk as it lies there and the receiver holds against the schema.
 */
import * as v from "valibot";
import { Failure } from "../base/failure.ts";
import {
  BLOB_BYTES_MAX,
  ENTRY_ORIGINS_MAX,
  FOLLOWS_PER_DEVICE_MAX,
  PRESENCE_DEVICES_MAX,
  PUSH_ENTRIES_MAX,
} from "../base/limits.ts";
import { type Entry, entry, entryKey, origin } from "./entry.ts";
import * as s from "./schema.ts";
import { type StateRow, stateRow } from "./state-row.ts";

export const TRACKER_TRACKER_VERSION = 1;

const nothing = v.object({});
/** A version vector: of each origin the last sequence, as its key. */
export const vector = v.pipe(v.array(entryKey), v.maxLength(ENTRY_ORIGINS_MAX));
const trackerNo = v.pipe(s.whole, v.minValue(1));

/** Who a tracker is and how far it is. */
const introduction = v.object({
  no: trackerNo,
  /** Of this run. */
  origin,
  clockMs: s.whole,
  /** Ed25519 public key (SPKI DER, base64url): grants and sessions signed with it count everywhere. */
  key: s.shortText,
  /** What it holds durably. */
  vector,
});
export type Introduction = v.InferOutput<typeof introduction>;

const device = v.object({ uid: s.uid, fingerprint: s.fingerprint });
export const onlineDevice = v.object({
  ...device.entries,
  address: s.address,
  /** What it downloads. */
  follows: v.pipe(v.array(v.object({ gid: s.gid, fileId: s.fileId })), v.maxLength(FOLLOWS_PER_DEVICE_MAX)),
});
export type OnlineDevice = v.InferOutput<typeof onlineDevice>;

export const REPLICA_METHODS = {
  /** First on every connection. */
  greet: {
    params: v.object({ version: v.literal(TRACKER_TRACKER_VERSION), ...introduction.entries }),
    result: introduction,
  },
  /** Entries in the tail, those of one origin in sequence. Answered once they are durable: how far those origins are now. */
  push: { params: nothing, result: v.object({ held: vector }) },
  /** How far the other is; its state's hash if that belongs to the very vector and is known. */
  look: {
    params: nothing,
    result: v.object({ vector, clockMs: s.whole, hash: v.optional(s.shortText) }),
  },
  /** Rows of the state in the tail, to be joined with the other's. Answered once they are durable. */
  rows: { params: nothing, result: nothing },
  /** The rows given since the connection began hold every entry of the vector: the other need not see those. */
  adopt: { params: v.object({ vector }), result: v.object({ held: vector }) },
  /** Clients of this tracker: those online, each as it is now, and those that are gone. A lease, renewed before it ends. */
  presence: {
    params: v.object({
      here: v.pipe(v.array(onlineDevice), v.maxLength(PRESENCE_DEVICES_MAX)),
      gone: v.pipe(v.array(device), v.maxLength(PRESENCE_DEVICES_MAX)),
    }),
    result: nothing,
  },
  /** Asks the other to keep this piece list, which it fetches where it can. Answered when that has ended. */
  keep_blob: { params: v.object({ digest: s.digest }), result: v.object({ has: v.boolean() }) },
  /** One part of a piece list: comes back in the tail. */
  get_blob: {
    params: v.object({ digest: s.digest, offset: s.whole }),
    result: v.object({ total: v.pipe(s.whole, v.maxValue(BLOB_BYTES_MAX)) }),
  },
} as const;

export type ReplicaMethod = keyof typeof REPLICA_METHODS;
export type ReplicaParams<M extends ReplicaMethod> = v.InferOutput<(typeof REPLICA_METHODS)[M]["params"]>;
export type ReplicaResult<M extends ReplicaMethod> = v.InferOutput<(typeof REPLICA_METHODS)[M]["result"]>;

/** Nothing is said unasked. */
export const replicaNotice = v.never();

const utf8 = new TextDecoder("utf-8", { fatal: true });
const rows = v.pipe(v.array(stateRow), v.maxLength(PUSH_ENTRIES_MAX));
const entries = v.pipe(v.array(entry), v.maxLength(PUSH_ENTRIES_MAX));

/** @param texts of entries, each one JSON value */
export function encodeList(texts: readonly string[]): Uint8Array {
  return Buffer.from(`[${texts.join(",")}]`, "utf8");
}

/** The entries of a `push`. */
export function decodeEntries(tail: Uint8Array): Entry[] | Failure {
  return decodeList(entries, tail);
}

/** The rows of a `rows`. */
export function decodeRows(tail: Uint8Array): StateRow[] | Failure {
  return decodeList(rows, tail);
}

function decodeList<S extends v.GenericSchema>(schema: S, tail: Uint8Array): v.InferOutput<S> | Failure {
  try {
    return s.check(schema, JSON.parse(utf8.decode(tail)));
  } catch {
    return new Failure("protocol", "a list that is not JSON");
  }
}
