/**
 * The state as rows: which there are, which one an entry touches, and the hash of all. Reads the state, changes nothing.
 *
 * A row has one text (`encodeRow`) on every tracker that has seen the same entries, in whatever order: the keys of its
 * objects in the order of the schema, its sets sorted.
 */
import type { Fingerprint, Gid, ListingId, Uid } from "../../base/ids.ts";
import { listingOf } from "../../base/listing-id.ts";
import type { Entry, Stamp } from "../../wire/entry.ts";
import {
  accountKey,
  encodeRow,
  fileKey,
  groupKey,
  personKey,
  type StateRow,
  shareKey,
} from "../../wire/state-row.ts";
import { stampOf } from "./hybrid-time.ts";
import { RowSum } from "./row-sum.ts";
import type { State } from "./state.ts";

/** All rows, one after the other. The state may change between two of them: each is as it is when it is its turn. */
export function* rowsOf({ users, groups, shares }: State): Generator<StateRow> {
  yield* users.rows();
  yield* groups.rows();
  yield* shares.rows();
}

/** @returns undefined if there is no such row, or no more */
export function rowAt({ users, groups, shares }: State, key: string): StateRow | undefined {
  const [place, id, inGroup, uid, device] = key.split("/");
  if (place === "a") return users.rowOf(id as Uid);
  const gid = id as Gid;
  if (place === "g")
    return inGroup === undefined ? groups.rowOf(gid) : groups.personRowOf(gid, inGroup as Uid);
  const listingId = inGroup as ListingId;
  if (uid === undefined) return shares.fileRowOf(gid, listingId);
  return shares.shareRowOf(gid, listingId, { uid: uid as Uid, device: device as Fingerprint });
}

/**
 * The key of the one row that the entry bears on; undefined for one of a kind that is not known. The deletion of a group
 * also drops every row under its `groupPrefixes`.
 */
export function touchedRow(body: Entry["body"]): string | undefined {
  switch (body.kind) {
    case "account-created":
    case "password-changed":
      return accountKey(body.uid);
    case "group-created":
    case "group-deleted":
    case "owner-transferred":
      return groupKey(body.gid);
    case "join-requested":
    case "request-accepted":
    case "request-closed":
    case "member-removed":
      return personKey(body.gid, body.uid);
    case "file-added":
      return fileKey(body.gid, listingOf(body));
    case "share-set":
      return shareKey(body.gid, listingOf(body), body);
    case "opaque":
      return undefined;
  }
}

/** The stamps that later ones of this tracker must be above. */
export function stampsOf(row: StateRow): readonly Stamp[] {
  switch (row.kind) {
    case "account":
      return [row.password, row.creation ?? row.password].map(({ claim }) => stampOf(claim));
    case "group":
      return [...row.transfers, ...(row.creation === undefined ? [] : [row.creation])].map(({ claim }) =>
        stampOf(claim),
      );
    case "person":
      return [];
    case "file":
      return [stampOf(row.listing.claim)];
    case "share":
      return [row.stamp];
  }
}

/** Every row's text, in order: equal for equal states. */
export function dumpState(state: State): string[] {
  return Array.from(rowsOf(state), encodeRow).sort();
}

/** Equal for equal states. Costs a pass over everything; the store keeps the same sum of what it holds. */
export function stateHash(state: State): string {
  const sum = new RowSum();
  for (const row of rowsOf(state)) sum.add(encodeRow(row));
  return sum.toString();
}
