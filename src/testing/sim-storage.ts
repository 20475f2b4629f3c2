/**
 * The disk side of the transfer in memory: slots, workers and downloads with real hashes, no thread and no file.
 *
 * Nothing completes inside a call. With `delivery: "microtask"` each step runs soon by itself; with `"manual"` when the test
 * calls `deliver`, so that it decides what is still under way. Verifying and writing are two steps. `faults` are asked at
 * each read and write and may make it fail, or make the bytes read wrong.
 */
import { defined } from "../base/assert.ts";
import { Bitfield } from "../base/bitfield.ts";
import { Failure, orThrow, toFailure } from "../base/failure.ts";
import { type PieceIndex, parseSha1, type Sha1 } from "../base/ids.ts";
import { PIECE_BYTES } from "../base/limits.ts";
import { Manifest, pieceCount } from "../base/manifest.ts";
import type {
  DiscardDownload,
  DownloadFile,
  DownloadTarget,
  HashProgressSink,
  OpenDownload,
  PieceWorkers,
  PrefixHash,
  Slot,
  StoreOutcome,
} from "../transfer/disk/contract.ts";
import { DescriptorUse } from "../transfer/disk/descriptor-use.ts";
import { hashPiece, isPiece, PIECE_HASH_BYTES } from "../transfer/disk/piece-hash.ts";
import { SharedSlotPool } from "../transfer/disk/slot-pool.ts";

/** What is about to be written, and where in its file. */
export interface SimWrite {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

export interface SimFaults {
  /** @param count of writes, this one included. @returns what becomes of it instead */
  write?(count: number, written: SimWrite): Failure | undefined;
  /** @param count of reads, this one included. @returns "wrong": one byte comes back changed */
  read?(count: number): Failure | "wrong" | undefined;
}

export interface SimStorageOptions {
  readonly buffers?: number;
  readonly delivery?: "microtask" | "manual";
}

/** The piece list and hashes of bytes in memory. */
export function manifestOf(bytes: Uint8Array): Manifest {
  const rows = new Uint8Array(pieceCount(bytes.length) * PIECE_HASH_BYTES);
  for (let at = 0, row = 0; at < bytes.length; at += PIECE_BYTES, row += PIECE_HASH_BYTES)
    hashPiece(bytes.subarray(at, at + PIECE_BYTES), rows.subarray(row, row + PIECE_HASH_BYTES));
  return Manifest.make(bytes.length, sha1Of(bytes), rows);
}

export class SimStorage {
  readonly workers: PieceWorkers;
  readonly openDownload: OpenDownload;
  readonly discardDownload: DiscardDownload = async ({ path }) => {
    this.#left.delete(path);
  };
  /** May be replaced at any time. */
  faults: SimFaults = {};
  /** Files that got their final name, by path. Tests may put some there. */
  readonly placed = new Map<string, Uint8Array>();
  readonly #files = new Map<number, Uint8Array>();
  readonly #left = new Map<string, LeftBytes>();
  readonly #use = new DescriptorUse();
  readonly #steps: (() => void)[] = [];
  readonly #delivery: "microtask" | "manual";
  #nextFile = 100;
  #writes = 0;
  #reads = 0;

  constructor({ buffers = 8, delivery = "microtask" }: SimStorageOptions = {}) {
    this.#delivery = delivery;
    this.workers = new SimWorkers(this, new SharedSlotPool(new SharedArrayBuffer(buffers * PIECE_BYTES)));
    this.openDownload = (target, progress, signal) => this.#open(target, progress, signal);
  }

  /** Steps that wait to be delivered. */
  get pending(): number {
    return this.#steps.length;
  }

  /** Carries out the oldest steps, at most `count`, and lets what follows from each settle. */
  async deliver(count = Number.POSITIVE_INFINITY): Promise<void> {
    for (let done = 0; done < count && this.#steps.length > 0; done++) {
      this.#steps.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** A file with these bytes. @returns its descriptor */
  addFile(bytes: Uint8Array): number {
    const file = this.#nextFile++;
    this.#files.set(file, bytes);
    return file;
  }

  bytesOf(file: number): Uint8Array {
    return defined(this.#files.get(file), `descriptor ${file} is not open`);
  }

  /** Whether part file and journal of this path are there. */
  isLeft(path: string): boolean {
    return this.#left.has(path);
  }

  // --- for the simulated workers and downloads ---

  /** Does work during which the descriptor counts as in use. */
  async using<T>(file: number, work: () => Promise<T>): Promise<T> {
    this.#use.begin(file);
    try {
      return await work();
    } finally {
      this.#use.end(file);
    }
  }

  /** Runs `step` later; what it throws comes out of the promise. */
  later<T>(step: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = () => {
        try {
          resolve(step());
        } catch (error) {
          reject(error);
        }
      };
      if (this.#delivery === "manual") this.#steps.push(run);
      else queueMicrotask(run);
    });
  }

  settled(file: number): Promise<void> {
    return this.#use.settled(file);
  }

  write(file: number, bytes: Uint8Array, offset: number): void {
    const fault = this.faults.write?.(++this.#writes, { bytes, offset });
    if (fault !== undefined) throw fault;
    this.bytesOf(file).set(bytes, offset);
  }

  /** @returns false if the file ends before `into` is full */
  read(file: number, into: Uint8Array, offset: number): boolean {
    const fault = this.faults.read?.(++this.#reads);
    if (fault instanceof Failure) throw fault;
    const from = this.bytesOf(file).subarray(offset, offset + into.length);
    into.set(from);
    if (fault === "wrong") into[0] = (into[0] ?? 0) ^ 1;
    return from.length === into.length;
  }

  async #open(target: DownloadTarget, progress: HashProgressSink, signal: AbortSignal) {
    const { path, manifest } = target;
    const there = this.placed.get(path);
    if (there !== undefined) {
      if (manifestOf(there).summary.fileId === manifest.summary.fileId) return { kind: "complete" } as const;
      throw new Failure("file-exists", `${path} exists with other content and is not overwritten`);
    }
    const left = this.#left.get(path) ?? {
      file: this.addFile(new Uint8Array(manifest.summary.size)),
      written: new Bitfield(manifest.pieces),
    };
    this.#left.set(path, left);
    const resumed = await this.#verify(left, manifest, progress, signal);
    const download = new SimDownload(this, left, resumed, {
      place: () => {
        if (this.placed.has(path)) throw new Failure("file-exists", `${path} is not overwritten`);
        this.placed.set(path, this.bytesOf(left.file));
        this.#left.delete(path);
      },
      discard: () => this.#left.delete(path),
    });
    return { kind: "open", download, notice: undefined } as const;
  }

  async #verify(
    { file, written }: LeftBytes,
    manifest: Manifest,
    progress: HashProgressSink,
    signal: AbortSignal,
  ): Promise<Bitfield> {
    const resumed = new Bitfield(manifest.pieces);
    let doneBytes = 0;
    for (const index of written.indices()) {
      if (signal.aborted) throw toFailure(signal.reason, "try-later");
      const piece = index as PieceIndex;
      const bytes = new Uint8Array(manifest.pieceLength(piece));
      this.read(file, bytes, manifest.pieceOffset(piece));
      if (isPiece(bytes, manifest.pieceHashes(piece))) resumed.set(piece);
      doneBytes += bytes.length;
      progress(doneBytes);
    }
    return resumed;
  }
}

/** What stays when a download object is dropped without its end: as after a kill. */
interface LeftBytes {
  readonly file: number;
  readonly written: Bitfield;
}

class SimDownload implements DownloadFile {
  readonly file: number;
  readonly resumed: Bitfield;
  readonly #storage: SimStorage;
  readonly #left: LeftBytes;
  readonly #ends: { place(): void; discard(): void };
  #ended = false;

  constructor(
    storage: SimStorage,
    left: LeftBytes,
    resumed: Bitfield,
    ends: { place(): void; discard(): void },
  ) {
    this.#storage = storage;
    this.#left = left;
    this.#ends = ends;
    this.file = left.file;
    this.resumed = resumed;
  }

  async recordWritten(piece: PieceIndex): Promise<void> {
    if (!this.#ended) this.#left.written.set(piece);
  }

  async suspend(): Promise<void> {
    await this.#storage.settled(this.file);
    this.#ended = true;
  }

  async prepare(): Promise<void> {}

  async place(): Promise<void> {
    await this.#storage.settled(this.file);
    this.#ends.place();
    this.#ended = true;
  }

  async discard(): Promise<void> {
    await this.#storage.settled(this.file);
    this.#ended = true;
    this.#ends.discard();
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#storage.settled(this.file);
  }
}

class SimWorkers implements PieceWorkers {
  readonly slots: SharedSlotPool;
  readonly #storage: SimStorage;

  constructor(storage: SimStorage, slots: SharedSlotPool) {
    this.#storage = storage;
    this.slots = slots;
  }

  store(
    file: number,
    manifest: Manifest,
    piece: PieceIndex,
    slot: Slot,
    verified: () => void,
  ): Promise<StoreOutcome> {
    const storage = this.#storage;
    const bytes = slot.bytes.subarray(0, manifest.pieceLength(piece));
    return storage.using(file, async () => {
      const isRight = await storage.later(() => isPiece(bytes, manifest.pieceHashes(piece)));
      if (!isRight) return { kind: "rejected" };
      verified();
      try {
        await storage.later(() => storage.write(file, bytes, manifest.pieceOffset(piece)));
        return { kind: "written" };
      } catch (error) {
        return { kind: "disk-failed", failure: toFailure(error, "disk-error") };
      }
    });
  }

  load(file: number, manifest: Manifest, piece: PieceIndex, slot: Slot, verify: boolean): Promise<boolean> {
    const bytes = slot.bytes.subarray(0, manifest.pieceLength(piece));
    return this.#soon(
      file,
      () =>
        this.#storage.read(file, bytes, manifest.pieceOffset(piece)) &&
        (!verify || isPiece(bytes, manifest.pieceHashes(piece))),
    );
  }

  prefixHash(file: number): PrefixHash {
    return new SimPrefixHash(this.#storage, file);
  }

  /** None counts as small. */
  async hashSmall(): Promise<undefined> {}

  hashFile(file: number, size: number, progress: HashProgressSink, signal: AbortSignal): Promise<Manifest> {
    return this.#soon(file, () => {
      if (signal.aborted) throw toFailure(signal.reason, "try-later");
      const bytes = this.#storage.bytesOf(file);
      if (bytes.length !== size) throw new Failure("file-changed", "the file changed while it was read");
      progress(size);
      return manifestOf(bytes);
    });
  }

  settled(file: number): Promise<void> {
    return this.#storage.settled(file);
  }

  async close(): Promise<void> {}

  #soon<T>(file: number, step: () => T): Promise<T> {
    return this.#storage.using(file, () => this.#storage.later(step));
  }
}

class SimPrefixHash implements PrefixHash {
  readonly #storage: SimStorage;
  readonly #file: number;
  readonly #hasher = new Bun.CryptoHasher("sha1");
  #hashedBytes = 0;
  #disposed = false;

  constructor(storage: SimStorage, file: number) {
    this.#storage = storage;
    this.#file = file;
  }

  get hashedBytes(): number {
    return this.#hashedBytes;
  }

  advance(bytes: number): Promise<void> {
    return this.#soon(() => {
      this.#refuseIfDisposed();
      if (bytes <= this.#hashedBytes) return;
      this.#hasher.update(this.#storage.bytesOf(this.#file).subarray(this.#hashedBytes, bytes));
      this.#hashedBytes = bytes;
    });
  }

  finish(): Promise<Sha1> {
    return this.#soon(() => {
      this.#refuseIfDisposed();
      this.#disposed = true;
      return orThrow(parseSha1(this.#hasher.digest("hex")));
    });
  }

  dispose(): void {
    this.#disposed = true;
  }

  #soon<T>(step: () => T): Promise<T> {
    return this.#storage.using(this.#file, () => this.#storage.later(step));
  }

  #refuseIfDisposed(): void {
    if (this.#disposed) throw new Failure("internal", "the hash was given up");
  }
}

function sha1Of(bytes: Uint8Array): Sha1 {
  return orThrow(parseSha1(new Bun.CryptoHasher("sha1").update(bytes).digest("hex")));
}
