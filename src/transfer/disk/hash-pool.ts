/**
 * Hashing and positioned disk access by a fixed number of worker threads, which share the piece buffers.
 *
 * A piece of a running transfer goes to the worker with the least to do; long hashing comes in chunks (`chunk-feeder.ts`)
 * and holds such a piece up by one chunk at most. A worker begins only when the others have more to do than its start takes:
 * on a narrow line one does it all. The workers use this process's own descriptors. None is ever
 * terminated: `close` only lets the running jobs end. A worker that is lost fails its jobs and the others go on; its
 * loss is a bug, so it is not replaced.
 */
import { fstat } from "node:fs";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { assert } from "../../base/assert.ts";
import { Failure, toFailure } from "../../base/failure.ts";
import type { PieceIndex } from "../../base/ids.ts";
import { HASH_WORKERS_MAX, PIECE_BUFFERS, PIECE_BYTES, WORKER_START_BYTES } from "../../base/limits.ts";
import { Manifest } from "../../base/manifest.ts";
import { ChunkFeeder } from "./chunk-feeder.ts";
import type {
  HashProgressSink,
  KeptHashing,
  PieceWorkers,
  PrefixHash,
  Slot,
  SlotPool,
  SmallFile,
  StoreOutcome,
} from "./contract.ts";
import { DescriptorUse } from "./descriptor-use.ts";
import { diskFailure, failureOfCode } from "./disk-failure.ts";
import { FileHashing } from "./file-hashing.ts";
import { type FileIdentity, identityOf, isSameContent } from "./file-identity.ts";
import { HashingQueue } from "./hashing-queue.ts";
import { PrefixRun } from "./prefix-run.ts";
import { SharedSlotPool } from "./slot-pool.ts";
import { SmallHashing } from "./small-hashing.ts";
import { WorkerLine } from "./worker-line.ts";
import type { Job, JobReply, SmallJob } from "./worker-protocol.ts";

/**
 * Where the workers' code is. In the compiled program every module bears the address of the main file, and the worker
 * lies beside it under its path from `src`. Never a relative path: the runtime would look for a missing one in the
 * folder that the program was started in, and run what it finds there.
 */
const WORKER_ENTRY = Bun.isStandaloneExecutable
  ? new URL("./transfer/disk/hash-worker.ts", Bun.pathToFileURL(Bun.main))
  : new URL("./hash-worker.ts", import.meta.url);

export interface HashPoolOptions {
  /** Worker threads; by default one for each core, and at least two, so that one slow disk call does not stop all. */
  readonly workers?: number;
  readonly buffers?: number;
  readonly entry?: URL;
}

export class HashPool implements PieceWorkers {
  readonly slots: SlotPool;
  readonly #lines: readonly WorkerLine[];
  readonly #feeder: ChunkFeeder;
  readonly #use = new DescriptorUse();
  readonly #busySlots = new Set<number>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #hashings = new HashingQueue();
  readonly #smallHashing = new SmallHashing((job) => this.#run(this.#leastLoaded(), job));
  readonly #prefixes = new Set<PrefixRun>();
  #nextRun = 1;
  #closed = false;

  constructor({ workers, buffers = PIECE_BUFFERS, entry = WORKER_ENTRY }: HashPoolOptions = {}) {
    const threads = workers ?? Math.min(Math.max(availableParallelism(), 2), HASH_WORKERS_MAX);
    assert(threads > 0, "a pool has at least one worker");
    // Untouched pages of it take no memory, so the whole block is reserved at once.
    const memory = new SharedArrayBuffer(buffers * PIECE_BYTES);
    this.slots = new SharedSlotPool(memory);
    const lost = (line: WorkerLine, failure: Failure) => this.#feeder.lost(line, failure);
    this.#lines = Array.from({ length: threads }, () => new WorkerLine(entry, memory, lost));
    this.#feeder = new ChunkFeeder(this.#lines, (line, job) => this.#run(line, job));
  }

  async store(
    file: number,
    manifest: Manifest,
    piece: PieceIndex,
    slot: Slot,
    verified: () => void,
  ): Promise<StoreOutcome> {
    const hashes = manifest.pieceHashes(piece).slice();
    const job = { kind: "store", slot: slot.index, hashes, ...range(file, manifest, piece) } as const;
    const reply = await this.#runOnSlot(job, verified).catch((failure: Failure) => failure);
    if (reply instanceof Failure) return { kind: "disk-failed", failure: reply };
    if (reply.kind === "written" || reply.kind === "rejected") return { kind: reply.kind };
    return { kind: "disk-failed", failure: failureOf("cannot write a piece", reply) };
  }

  async load(
    file: number,
    manifest: Manifest,
    piece: PieceIndex,
    slot: Slot,
    verify: boolean,
  ): Promise<boolean> {
    const hashes = verify ? manifest.pieceHashes(piece).slice() : undefined;
    const job = { kind: "load", slot: slot.index, hashes, ...range(file, manifest, piece) } as const;
    const reply = await this.#runOnSlot(job);
    if (reply.kind === "loaded" || reply.kind === "rejected") return reply.kind === "loaded";
    throw failureOf("cannot read a piece", reply);
  }

  prefixHash(file: number): PrefixHash {
    const chain = this.#chain();
    // A download has begun: its first pieces find a worker ready.
    chain.line.start();
    const run = new PrefixRun(file, chain, {
      ready: (source) => this.#feeder.add(source),
      ended: (source) => {
        this.#prefixes.delete(source);
        this.#feeder.remove(source);
      },
    });
    this.#prefixes.add(run);
    return run;
  }

  async hashFile(
    file: number,
    size: number,
    progress: HashProgressSink,
    signal: AbortSignal,
    kept?: Pick<KeptHashing, "rows" | "add">,
  ): Promise<Manifest> {
    const before = await identity(file);
    if (before.size !== size) throw changedWhileHashed();
    const { sha1, rows } = await this.#hashWhole(
      new FileHashing(file, size, this.#chain(), progress, kept),
      signal,
    );
    if (!isSameContent(before, await identity(file))) throw changedWhileHashed();
    return Manifest.make(size, sha1, rows);
  }

  hashSmall(path: string): Promise<SmallFile | undefined> {
    return this.#smallHashing.hash(path);
  }

  /** For `SmallFiles`. @throws Failure */
  runSmall(job: SmallJob): Promise<JobReply> {
    if ("slot" in job && job.slot !== undefined) return this.#runOnSlot({ ...job, slot: job.slot });
    return this.#run(this.#leastLoaded(), job);
  }

  settled(file: number): Promise<void> {
    return this.#use.settled(file);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hashings.stopAll(closedFailure());
    for (const prefix of this.#prefixes) prefix.dispose();
    await Promise.allSettled(this.#running);
  }

  async #hashWhole(hashing: FileHashing, signal: AbortSignal) {
    const stop = () => hashing.stop(toFailure(signal.reason, "try-later"));
    signal.addEventListener("abort", stop);
    this.#hashings.add(hashing);
    try {
      if (signal.aborted) stop();
      this.#feeder.add(this.#hashings);
      return await hashing.result;
    } finally {
      this.#hashings.remove(hashing);
      signal.removeEventListener("abort", stop);
    }
  }

  async #runOnSlot(job: Job & { slot: number }, verified?: () => void): Promise<JobReply> {
    assert(!this.#busySlots.has(job.slot), `slot ${job.slot} is in another job`);
    this.#busySlots.add(job.slot);
    try {
      return await this.#run(this.#leastLoaded(), job, verified);
    } finally {
      this.#busySlots.delete(job.slot);
    }
  }

  async #run(line: WorkerLine, job: Job, verified?: () => void): Promise<JobReply> {
    if (this.#closed) throw closedFailure();
    const reply = line.run(job, verified);
    this.#running.add(reply);
    if ("file" in job) this.#use.begin(job.file);
    try {
      return await reply;
    } finally {
      this.#running.delete(reply);
      if ("file" in job) this.#use.end(job.file);
    }
  }

  /** Where a running SHA-1 will live, and its number. */
  #chain(): { line: WorkerLine; run: number } {
    return { line: this.#leastLoaded(), run: this.#nextRun++ };
  }

  /** @throws Failure when all are lost */
  #leastLoaded(): WorkerLine {
    let best: WorkerLine | undefined;
    for (const line of this.#lines) {
      if (!line.isLost && (best === undefined || loadOf(line) < loadOf(best))) best = line;
    }
    if (best === undefined)
      throw new Failure("internal", "all hash workers were lost; start the program again");
    return best;
  }
}

/** To begin counts as work. */
function loadOf(line: WorkerLine): number {
  return line.queuedBytes + (line.hasBegun ? 0 : WORKER_START_BYTES);
}

function range(file: number, manifest: Manifest, piece: PieceIndex) {
  return { file, offset: manifest.pieceOffset(piece), length: manifest.pieceLength(piece) };
}

function failureOf(doing: string, reply: JobReply): Failure {
  assert(reply.kind === "failed", `a worker answered ${reply.kind}`);
  return failureOfCode(doing, reply.code, reply.message);
}

async function identity(file: number): Promise<FileIdentity> {
  try {
    return identityOf(await promisify(fstat)(file, { bigint: true }));
  } catch (error) {
    throw diskFailure("read", "the file", error);
  }
}

function changedWhileHashed(): Failure {
  return new Failure("file-changed", "the file changed while it was read; wait until nothing writes to it");
}

function closedFailure(): Failure {
  return new Failure("try-later", "the program is ending");
}
