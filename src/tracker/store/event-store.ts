/**
 * What a tracker keeps on disk: its log, the piece lists, a few small values. An interface; `sqlite-store.ts` is the
 * embedded engine, `memory-store.ts` its twin for tests, `event-store.contract.ts` what both must keep.
 *
 * Synchronous on purpose: decide, append and apply are one step that no other command comes between. An engine across a
 * network would sit behind a queue of commands. After a disk error nothing more is written: every later call that
 * writes throws the same Failure, because after a failed sync nobody knows what the disk holds.
 */
import type { Digest } from "../../base/ids.ts";
import type { Entry, Origin } from "../../wire/entry.ts";

export type BlobProgress = "unfinished" | "whole";

export interface EventStore {
  /**
   * Adds entries in one durable transaction: when this returns, they outlive a power cut. One that is held already is
   * passed over.
   * @throws Failure "disk-error"; "corrupt" for another content under a key that is held; "protocol" for a hole in the
   * sequence of an origin. Nothing of the batch is kept then.
   */
  append(entries: readonly Entry[]): void;
  /** Every entry, those of one origin in sequence; read page by page. @throws Failure "corrupt" */
  replay(): Iterable<Entry>;
  /** The entries of `origin` above `seq`, rising, at most `limit` (and LOG_PAGE_ENTRIES_MAX). */
  entriesAfter(origin: Origin, seq: number, limit: number): readonly Entry[];
  /** The last sequence held of each origin. */
  vector(): ReadonlyMap<Origin, number>;

  /**
   * Keeps one part of a piece list. Parts come in order, each but the last of BLOB_PART_BYTES; a part that is held
   * already is passed over, another first part begins anew. Invisible until whole and of the right SHA-256.
   * @throws Failure "invalid-input" for a part that does not fit; "corrupt" when the whole is not `digest`, which
   * drops all its parts; "disk-error"
   */
  putBlob(digest: Digest, offset: number, bytes: Uint8Array, total: number): BlobProgress;
  hasBlob(digest: Digest): boolean;
  /** @returns its length, if it is whole */
  blobTotal(digest: Digest): number | undefined;
  /** @returns at most `length` bytes from `offset`, fewer at the end; undefined unless the blob is whole */
  getBlob(digest: Digest, offset: number, length: number): Uint8Array | undefined;

  getMeta(key: string): string | undefined;
  /** Durable when it returns. @throws Failure "disk-error" */
  setMeta(key: string, value: string): void;

  /** Harmless when repeated. */
  close(): void;
}
