/**
 * The state of a tracker in rows: what the store keeps beside the log and what one tracker sends to another that is
 * behind the log. No I/O.
 *
 * A row is all that the entries about one thing have joined to, so rows join too, in any order, any number of times. Its
 * key names the thing; those of a group's things begin with one of `groupPrefixes`, the group's own does not. What is
 * shared comes last in order of keys, so that all else is read without it. Equal rows have equal texts on every tracker: `tracker/core/state-rows` makes them with the keys in the order of the schemas below
 * and with sorted sets. How rows join is for `tracker/core` to say.
 */
import * as v from "valibot";
import type { Failure } from "../base/failure.ts";
import type { Fingerprint, Gid, ListingId, Uid } from "../base/ids.ts";
import {
  ENTRY_IDS_MAX,
  ENTRY_ORIGINS_MAX,
  ROW_IDS_MAX,
  ROW_OPEN_REQUESTS_MAX,
  ROW_TRANSFERS_MAX,
} from "../base/limits.ts";
import { listingOf } from "../base/listing-id.ts";
import {
  acceptId,
  type Claim,
  entryKey,
  joinId,
  origin,
  passwordHash,
  positive,
  removalId,
  stamp,
} from "./entry.ts";
import * as s from "./schema.ts";

const claim = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{16} [1-9][0-9]{0,4}-[0-9a-f]{16}$/, "not a claim (time stamp, blank, origin)"),
  v.transform((value) => value as Claim),
);
const list = <S extends v.GenericSchema>(item: S, most: number) => v.pipe(v.array(item), v.maxLength(most));

const account = v.strictObject({
  kind: v.literal("account"),
  uid: s.uid,
  creation: v.exactOptional(v.strictObject({ claim, name: s.userName })),
  password: v.strictObject({ claim, hash: passwordHash }),
});

const group = v.strictObject({
  kind: v.literal("group"),
  gid: s.gid,
  deleted: v.boolean(),
  creation: v.exactOptional(v.strictObject({ claim, name: s.groupName, owner: s.uid })),
  /** By claim, then sequence: the key of the entry is (origin in the claim, seq). */
  transfers: list(
    v.strictObject({
      claim,
      seq: positive,
      epoch: positive,
      from: s.uid,
      to: s.uid,
      vector: list(entryKey, ENTRY_ORIGINS_MAX),
    }),
    ROW_TRANSFERS_MAX,
  ),
});

const person = v.strictObject({
  kind: v.literal("person"),
  gid: s.gid,
  uid: s.uid,
  open: list(
    v.strictObject({
      joinId,
      accepts: list(
        v.strictObject({
          origin,
          seq: positive,
          acceptId,
          epoch: s.whole,
          by: s.uid,
          removals: list(removalId, ENTRY_IDS_MAX),
        }),
        ROW_IDS_MAX,
      ),
    }),
    ROW_OPEN_REQUESTS_MAX,
  ),
  closed: list(joinId, ROW_IDS_MAX),
  removals: list(removalId, ROW_IDS_MAX),
});

const file = v.strictObject({
  kind: v.literal("file"),
  gid: s.gid,
  fileId: s.fileId,
  /** Absent where it is the file id. */
  listingId: v.exactOptional(s.listingId),
  listing: v.strictObject({
    claim,
    name: s.fileName,
    size: s.fileSize,
    sha1: s.sha1,
    digest: s.digest,
    attributes: v.exactOptional(s.attributes),
  }),
});

const share = v.strictObject({
  kind: v.literal("share"),
  gid: s.gid,
  fileId: s.fileId,
  /** Absent where it is the file id. */
  listingId: v.exactOptional(s.listingId),
  uid: s.uid,
  device: s.fingerprint,
  shared: v.boolean(),
  counter: s.whole,
  /** Of the change: when the device was there. */
  stamp,
});

export const stateRow = v.variant("kind", [account, group, person, file, share]);
export type StateRow = v.InferOutput<typeof stateRow>;
export type RowKind = StateRow["kind"];
export type RowOf<K extends RowKind> = Extract<StateRow, { kind: K }>;
/** Of what a group shares: most of all rows. */
export type SharedRow = RowOf<"file" | "share">;

/** Of the keys of all accounts; of all groups and their people; of all that is shared. */
export const ACCOUNTS_PREFIX = "a/";
export const GROUPS_PREFIX = "g/";
const SHARED_PREFIX = "s/";

export function parseStateRow(value: unknown): StateRow | Failure {
  return s.check(stateRow, value);
}

/** The one text of a row that `tracker/core/state-rows` has made. */
export function encodeRow(row: StateRow): string {
  return JSON.stringify(row);
}

export function rowKey(row: StateRow): string {
  switch (row.kind) {
    case "account":
      return accountKey(row.uid);
    case "group":
      return groupKey(row.gid);
    case "person":
      return personKey(row.gid, row.uid);
    case "file":
      return fileKey(row.gid, listingOf(row));
    case "share":
      return shareKey(row.gid, listingOf(row), row);
  }
}

export function accountKey(uid: Uid): string {
  return ACCOUNTS_PREFIX + uid;
}

export function groupKey(gid: Gid): string {
  return GROUPS_PREFIX + gid;
}

/** Of the keys of a group's people. */
export function peoplePrefix(gid: Gid): string {
  return `${GROUPS_PREFIX}${gid}/`;
}

/** Of the keys of a group's files and their shares, or those of all groups. */
export function sharedPrefix(gid?: Gid): string {
  return gid === undefined ? SHARED_PREFIX : `${SHARED_PREFIX}${gid}/`;
}

/** Of the keys of all that belongs to a group: what its deletion drops. */
export function groupPrefixes(gid: Gid): readonly string[] {
  return [peoplePrefix(gid), sharedPrefix(gid)];
}

export function isFileKey(key: string): boolean {
  return key.startsWith(SHARED_PREFIX) && key.split("/").length === 3;
}

export function personKey(gid: Gid, uid: Uid): string {
  return peoplePrefix(gid) + uid;
}

export function fileKey(gid: Gid, listingId: ListingId): string {
  return sharedPrefix(gid) + listingId;
}

export function shareKey(gid: Gid, listingId: ListingId, by: { uid: Uid; device: Fingerprint }): string {
  return `${fileKey(gid, listingId)}/${by.uid}/${by.device}`;
}
