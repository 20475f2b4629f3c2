/**
 * What a tracker keeps on disk: its log, its state as rows, the piece lists, a few small values. An interface;
 * `sqlite-store.ts` is the embedded engine, `memory-store.ts` its twin for tests, `event-store.contract.ts` what both
 * must keep.
 *
 * The log is durable at once, rows follow behind it: what the state is made of are the rows and the entries above
 * `checkpointed()`. Rows may be ahead of the checkpoint, because entries join into them any number of times. Entries at
 * or below `floor()` are gone; invariant: floor <= checkpointed, floor <= vector, and the log holds exactly what lies
 * between floor and vector.
 *
 * Synchronous on purpose: decide, append and apply are one step that no other command comes between. An engine across a
 * network would sit behind a queue of commands. After a disk error nothing more is written: every later call that
 * writes throws the same Failure, because after a failed sync nobody knows what the disk holds.
 */
import type { Digest, Gid, Uid } from "../../base/ids.ts";
import type { Entry, Origin } from "../../wire/entry.ts";
import type { RowOf, SharedRow, StateRow } from "../../wire/state-row.ts";
import type { AccountName } from "../core/users.ts";
import type { VersionVector } from "../core/version-vector.ts";

export type BlobProgress = "unfinished" | "whole";

export interface EventStore {
  /**
   * Adds entries in one durable transaction: when this returns, they outlive a power cut. One that is held already, or
   * is at or below the floor, is passed over.
   * @throws Failure "disk-error"; "corrupt" for another content under a key that is held; "protocol" for a hole in the
   * sequence of an origin. Nothing of the batch is kept then.
   */
  append(entries: readonly Entry[]): void;
  /** The entries above `after`, those of one origin in sequence; read page by page. @throws Failure "corrupt" */
  replay(after?: VersionVector): Iterable<Entry>;
  /** The entries of `origin` above `seq`, rising, at most `limit` (and LOG_PAGE_ENTRIES_MAX). */
  entriesAfter(origin: Origin, seq: number, limit: number): readonly Entry[];
  /** As `entriesAfter`, each as its text (`encodeEntry`), ready to be sent. */
  entryTexts(origin: Origin, seq: number, limit: number): readonly string[];
  /** The last sequence of each origin that is in the log or was. */
  vector(): VersionVector;

  /** Keeps rows in place of those of the same keys. Durable when it returns. @throws Failure "disk-error" */
  saveRows(rows: readonly StateRow[]): void;
  /**
   * Forgets at most `limit` rows whose keys begin with `prefix`, the least keys first. Durable when it returns.
   * @returns how many it were. @throws Failure "disk-error"
   */
  dropRows(prefix: string, limit: number): number;
  /** The rows whose keys begin with `prefix`, or all, in order of keys; read page by page. @throws Failure "corrupt" */
  loadRows(prefix?: string): Iterable<StateRow>;
  /** All accounts by name, undefined for those that have none yet. */
  accountNames(): Iterable<AccountName>;
  /** As `loadRows`, of one account or of all. @throws Failure "corrupt" */
  loadAccounts(uid?: Uid): Iterable<RowOf<"account">>;
  /** As `loadRows`, of what the group shares, or all groups. @throws Failure "corrupt" */
  loadShared(gid?: Gid): Iterable<SharedRow>;
  hasShared(gid: Gid): boolean;
  /** How many of the rows are files. */
  fileCount(): number;
  /** The `RowSum` of all rows' texts: that of `stateHash` while the rows are those of the state. */
  rowSum(): string;
  /** All entries up to there are in the rows. It only rises. Durable when it returns. @throws Failure "disk-error" */
  checkpoint(vector: VersionVector): void;
  checkpointed(): VersionVector;
  /** Forgets the entries up to there, as far as they are in the rows. @throws Failure "disk-error" */
  trim(point: VersionVector): void;
  /** The last sequence of each origin that is gone from the log. */
  floor(): VersionVector;
  /**
   * The rows were taken from another tracker that had seen all of this vector: as `checkpoint`, and the log of an origin
   * that ends before it goes on above it. Durable when it returns. @throws Failure "disk-error"
   */
  adopt(vector: VersionVector): void;

  /**
   * Keeps one part of a piece list. Parts come in order, each but the last of BLOB_PART_BYTES; a part that is held
   * already is passed over, another first part begins anew. Invisible until whole and of the right SHA-256.
   * @throws Failure "invalid-input" for a part that does not fit; "corrupt" when the whole is not `digest`, which
   * drops all its parts; "disk-error"
   */
  putBlob(digest: Digest, offset: number, bytes: Uint8Array, total: number): BlobProgress;
  /**
   * Keeps whole piece lists of one part each, in one durable transaction. The caller has held each against its digest.
   * @throws Failure "disk-error"
   */
  putBlobs(lists: ReadonlyMap<Digest, Uint8Array>): void;
  hasBlob(digest: Digest): boolean;
  /** @returns its length, if it is whole */
  blobTotal(digest: Digest): number | undefined;
  /** @returns at most `length` bytes from `offset`, fewer at the end; undefined unless the blob is whole */
  getBlob(digest: Digest, offset: number, length: number): Uint8Array | undefined;
  /** The first `length` bytes at most of each that is whole, in one look. */
  getBlobs(digests: readonly Digest[], length: number): ReadonlyMap<Digest, Uint8Array>;

  getMeta(key: string): string | undefined;
  /** Durable when it returns. @throws Failure "disk-error" */
  setMeta(key: string, value: string): void;
  /** As `setMeta`, of several at once: all are kept or none. @throws Failure "disk-error" */
  setMetas(values: ReadonlyMap<string, string>): void;

  /** Harmless when repeated. */
  close(): void;
}
