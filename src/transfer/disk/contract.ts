/**
 * What the transfer needs of the disk, as an interface: `hash-pool.ts` does it with worker threads, tests in memory.
 *
 * A *slot* is one buffer of PIECE_BYTES in a pool that is shared with the workers, so that a piece is never copied on
 * its way between socket, hash and disk. Whoever acquires a slot releases it exactly once.
 */
import type { Failure } from "../../base/failure.ts";
import type { PieceIndex, Sha1 } from "../../base/ids.ts";
import type { Manifest } from "../../base/manifest.ts";

export interface Slot {
  readonly index: number;
  /** PIECE_BYTES of shared memory. */
  readonly bytes: Uint8Array;
}

export interface SlotPool {
  readonly capacity: number;
  readonly free: number;
  /** @returns undefined if all are in use: ask again after `whenFree` */
  acquire(): Slot | undefined;
  release(slot: Slot): void;
  /** Calls back once, in order of asking, when a slot is free again. @returns a function that withdraws */
  whenFree(run: () => void): () => void;
}

/** What became of a received piece. */
export type StoreOutcome =
  | { readonly kind: "written" }
  | { readonly kind: "rejected" } // a hash is wrong; nothing was written
  | { readonly kind: "disk-failed"; readonly failure: Failure };

export type HashProgressSink = (doneBytes: number) => void;

/** Hashing and positioned disk access off the event loop. */
export interface PieceWorkers {
  readonly slots: SlotPool;
  /**
   * Verifies the piece in the slot against both hashes, then writes it at its place. `verified` is called between the
   * two. The slot stays the caller's.
   */
  store(
    file: number,
    manifest: Manifest,
    piece: PieceIndex,
    slot: Slot,
    verified: () => void,
  ): Promise<StoreOutcome>;
  /**
   * Reads a piece into the slot; with `verify` holds it against both hashes.
   * @returns false if the file does not hold that piece (short, or wrong hash)
   * @throws Failure "disk-error"
   */
  load(file: number, manifest: Manifest, piece: PieceIndex, slot: Slot, verify: boolean): Promise<boolean>;
  /** Whole-file SHA-1 that follows a growing file: each call hashes on to `bytes` from where the last one ended. */
  prefixHash(file: number): PrefixHash;
  /** Hashes an open file of `size` bytes: its piece list and its SHA-1. @throws Failure on read errors or abort */
  hashFile(file: number, size: number, progress: HashProgressSink, signal: AbortSignal): Promise<Manifest>;
  close(): Promise<void>;
}

export interface PrefixHash {
  readonly hashedBytes: number;
  /** Goes on to the first `bytes` of the file; calls queue up. */
  advance(bytes: number): Promise<void>;
  finish(): Promise<Sha1>;
  dispose(): void;
}
