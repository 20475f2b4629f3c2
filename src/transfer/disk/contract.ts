/**
 * What the transfer needs of the disk, as interfaces: `hash-pool.ts` and `download-file.ts` do it with worker threads and
 * files, `testing/sim-storage` in memory.
 *
 * A *slot* is one buffer of PIECE_BYTES in a pool that is shared with the workers, so that a piece is never copied on
 * its way between socket, hash and disk. Whoever acquires a slot releases it exactly once.
 */
import type { Bitfield } from "../../base/bitfield.ts";
import type { Failure } from "../../base/failure.ts";
import type { FileAttributes } from "../../base/file-attributes.ts";
import type { FileId, PieceIndex, Sha1 } from "../../base/ids.ts";
import type { Manifest } from "../../base/manifest.ts";
import type { FileIdentity } from "./file-identity.ts";
import type { HashedSmall } from "./worker-protocol.ts";

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

/** What an interrupted hashing of a file has left, and where more of it is kept. */
export interface KeptHashing {
  /** Of the file's first pieces, in order; perhaps of none. */
  readonly rows: Uint8Array;
  /** The next rows, in order. Kept in the background, as far as the disk takes them. */
  add(rows: Uint8Array): void;
  /** For a later run to go on. */
  close(): Promise<void>;
  /** In place of `close`: there is nothing to go on with. */
  remove(): Promise<void>;
}

/** Hashing and positioned disk access off the event loop. */
export interface PieceWorkers {
  readonly slots: SlotPool;
  /**
   * Verifies the piece in the slot against both hashes, then writes it at its place. `verified` is called between the
   * two. The slot stays the caller's, who leaves it alone until this has settled; that goes for `load` too.
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
  /**
   * Hashes an open file of `size` bytes: its piece list and its SHA-1.
   * @param kept rows that are not hashed again, and told of the others; the SHA-1 is of the whole file all the same
   * @throws Failure "file-changed" if it is no longer what it was at the start, or on read errors, or on abort
   */
  hashFile(
    file: number,
    size: number,
    progress: HashProgressSink,
    signal: AbortSignal,
    kept?: Pick<KeptHashing, "rows" | "add">,
  ): Promise<Manifest>;
  /**
   * Hashes a file that may be small, together with others that are asked for now.
   * @param path real and absolute: no link is followed
   * @returns undefined for anything but a plain file of one piece at most: to be opened and hashed by itself
   */
  hashSmall(path: string): Promise<SmallFile | undefined>;
  /**
   * Resolves once no job uses the descriptor. Only then may it be closed: the system gives its number to the next file
   * opened, and a late write would land there.
   */
  settled(file: number): Promise<void>;
  /** Refuses new jobs and resolves when the running ones have ended. */
  close(): Promise<void>;
}

/** A plain file of one piece at most, hashed in one go. */
export interface SmallFile {
  readonly path: string;
  /** As it was before and after. */
  readonly identity: FileIdentity;
  /** By its owner. */
  readonly executable: boolean;
  readonly manifest: Manifest;
}

export interface PrefixHash {
  readonly hashedBytes: number;
  /** Goes on to the first `bytes` of the file; calls queue up. @throws Failure */
  advance(bytes: number): Promise<void>;
  /** The SHA-1 of all that was advanced over, once that is done; the hash is disposed of. @throws Failure */
  finish(): Promise<Sha1>;
  /** Forgets the hash; what still waits for it fails. Harmless when repeated. */
  dispose(): void;
}

/** What lies at its place since a download put it there. */
export interface PlacedFile {
  readonly identity: FileIdentity;
  /** By its owner. */
  readonly executable: boolean;
}

/** What became of small files that were received together: `rejected` if the hashes of one were wrong; none is written then. */
export type SmallStored = "written" | "rejected";

/** Files of one piece at most, many at once: read for a peer, or stored as downloads that nothing was begun of. */
export interface SmallFileDisk {
  /**
   * Reads plain files of so many bytes into the slot, one behind the other.
   * @returns in their order; undefined for what is no such file
   */
  load(
    slot: Slot,
    files: readonly { readonly path: string; readonly bytes: number }[],
  ): Promise<readonly (HashedSmall | undefined)[]>;
  /** Makes their folders and looks what is there. Never fails: what cannot be had is not `free`. */
  begin(targets: readonly DownloadTarget[]): Promise<SmallFilesOnDisk>;
}

/** Some small files while they are stored. */
export interface SmallFilesOnDisk {
  /** Those that can be stored in this way; all others are to be opened one by one. */
  readonly free: Pick<ReadonlySet<DownloadTarget>, "has">;
  /**
   * Verifies those that are one behind the other in the slot, then writes them beside their places.
   * @param slot undefined: all are empty
   */
  write(slot: Slot | undefined, targets: readonly DownloadTarget[]): Promise<SmallStored>;
  /** Brings what was written to the disk and gives it its names. @returns those that are in their places, durably */
  place(isWanted: (target: DownloadTarget) => boolean): Promise<ReadonlyMap<DownloadTarget, PlacedFile>>;
  /** Removes what was written and is not in its place. */
  close(): Promise<void>;
}

export interface DownloadTarget {
  readonly manifest: Manifest;
  /** The final absolute path; `<path>.part` beside it holds the pieces until all are there. */
  readonly path: string;
  /** The folder that the user chose: below it folders are made as the path needs them, and no link is followed. */
  readonly base: string;
  readonly attributes?: FileAttributes | undefined;
  /** In the client's own folder, which is locked: only its owner goes on with that part file. */
  readonly journalPath: string;
}

/** A download on disk: its part file and its journal. Nobody else writes either. */
export interface DownloadFile {
  /** Descriptor of the part file, for `PieceWorkers`. */
  readonly file: number;
  /** Verified pieces that earlier runs left. Only to be read. */
  readonly resumed: Bitfield;
  /**
   * A piece was verified and written. Ignored after the end.
   * @returns once it is found again even after a kill, or the disk has not taken its note; never fails
   */
  recordWritten(piece: PieceIndex): Promise<void>;
  /** Ends it cleanly: all is on disk, and trusted when it is opened again. @throws Failure; it is then verified again */
  suspend(): Promise<void>;
  /** All pieces are written: brings the file to the disk as it will stand, while it may still be read. @throws Failure */
  prepare(): Promise<void>;
  /** Ends it: the part file, prepared if it is not yet, gets its final name, never over another. @throws Failure; it may be tried again */
  place(): Promise<void>;
  /** Ends it: removes part file and journal. */
  discard(): Promise<void>;
  /** Closes the descriptor once no job uses it. After `suspend`, `place` or `discard`; without them, as a crash would. */
  close(): Promise<void>;
}

export type OpenedDownload =
  | {
      readonly kind: "open";
      readonly download: DownloadFile;
      /** What was wrong with what an earlier run left, for people. */
      readonly notice: string | undefined;
    }
  /** A file with this very content is at the path already. */
  | { readonly kind: "complete" };

/**
 * Opens a download, new or left by an earlier run, and verifies what is not known to be good.
 * @param progress bytes verified so far
 * @throws Failure "file-exists", "disk-full", "download-exists", ..., or on abort
 */
export type OpenDownload = (
  target: DownloadTarget,
  progress: HashProgressSink,
  signal: AbortSignal,
) => Promise<OpenedDownload>;

/** What is needed to find what an earlier run left of a download, and to know that it is of that file. */
export interface LeftDownload {
  /** As in `DownloadTarget`. */
  readonly base: string;
  readonly path: string;
  readonly journalPath: string;
  readonly fileId: FileId;
}

/** Removes part file and journal of a download that is not open, if they are of that file. @throws Failure */
export type DiscardDownload = (left: LeftDownload) => Promise<void>;
