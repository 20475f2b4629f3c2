/**
 * The hashing of one whole file, as a source of chunks: piece rows from all workers, the SHA-1 from one.
 *
 * Invariant: `result` settles only when no chunk of it is running any more, whether it went well, failed or was stopped;
 * the file may be closed then.
 */
import { Failure } from "../../base/failure.ts";
import type { Sha1 } from "../../base/ids.ts";
import { HASH_CHUNK_PIECES, HASH_WINDOW_BYTES, PIECE_BYTES } from "../../base/limits.ts";
import { pieceCount } from "../../base/manifest.ts";
import type { Chunk, ChunkSource } from "./chunk-feeder.ts";
import { digestOfReply, failureOfReply } from "./chunk-reply.ts";
import type { HashProgressSink, KeptHashing } from "./contract.ts";
import { HashPlan, type HashStep } from "./hash-plan.ts";
import { PIECE_HASH_BYTES } from "./piece-hash.ts";
import type { WorkerLine } from "./worker-line.ts";
import type { JobReply } from "./worker-protocol.ts";

export interface FileHashes {
  readonly sha1: Sha1;
  readonly rows: Uint8Array;
}

export class FileHashing implements ChunkSource {
  readonly #outcome = Promise.withResolvers<FileHashes>();
  readonly #file: number;
  /** The worker that holds the running SHA-1, and that hash's number. */
  readonly #chain: { readonly line: WorkerLine; readonly run: number };
  readonly #progress: HashProgressSink;
  readonly #plan: HashPlan;
  readonly #rows: Uint8Array;
  readonly #kept: Pick<KeptHashing, "rows" | "add"> | undefined;
  #state: "walking" | "digesting" | "ended" = "walking";
  #failure: Failure | undefined;
  #running = 0;

  constructor(
    file: number,
    size: number,
    chain: { readonly line: WorkerLine; readonly run: number },
    progress: HashProgressSink,
    kept?: Pick<KeptHashing, "rows" | "add">,
  ) {
    this.#file = file;
    this.#chain = chain;
    this.#progress = progress;
    this.#kept = kept;
    this.#rows = new Uint8Array(pieceCount(size) * PIECE_HASH_BYTES);
    const keptRows = kept?.rows ?? new Uint8Array();
    this.#rows.set(keptRows);
    this.#plan = new HashPlan(size, {
      stepBytes: HASH_CHUNK_PIECES * PIECE_BYTES,
      windowBytes: HASH_WINDOW_BYTES,
      piecesFrom: Math.min(size, (keptRows.length / PIECE_HASH_BYTES) * PIECE_BYTES),
    });
  }

  get result(): Promise<FileHashes> {
    return this.#outcome.promise;
  }

  /** Ends it with that failure as soon as no chunk runs. */
  stop(failure: Failure): void {
    this.#failure ??= failure;
    this.#endIfFailed();
  }

  next(line: WorkerLine): Chunk | undefined {
    if (this.#failure !== undefined || this.#state !== "walking") return undefined;
    const isChain = line === this.#chain.line;
    if (this.#plan.isDone) return isChain ? this.#digest() : undefined;
    const step = this.#plan.next(isChain);
    return step === undefined ? undefined : this.#walk(step);
  }

  lost(line: WorkerLine, failure: Failure): void {
    if (line === this.#chain.line) this.stop(failure);
  }

  #walk(step: HashStep): Chunk {
    const { offset, length } = step;
    const range = { file: this.#file, offset, length };
    const job =
      step.walk === "chain"
        ? ({ kind: "hash-run", run: this.#chain.run, ...range } as const)
        : ({ kind: "hash-pieces", ...range } as const);
    return this.#chunk(job, (reply) => {
      if (reply.kind === "hashed") this.#rows.set(reply.rows, (offset / PIECE_BYTES) * PIECE_HASH_BYTES);
      const before = this.#plan.piecesWhole;
      this.#plan.finished(step);
      if (this.#plan.piecesWhole > before) this.#kept?.add(this.#rowsBetween(before, this.#plan.piecesWhole));
      this.#progress(this.#plan.doneBytes);
    });
  }

  #rowsBetween(from: number, to: number): Uint8Array {
    return this.#rows.subarray(pieceCount(from) * PIECE_HASH_BYTES, pieceCount(to) * PIECE_HASH_BYTES);
  }

  #digest(): Chunk {
    this.#state = "digesting";
    return this.#chunk({ kind: "end-run", run: this.#chain.run }, (reply) => {
      const sha1 = digestOfReply(reply);
      if (sha1 instanceof Failure) {
        this.#failure = sha1;
        return;
      }
      this.#state = "ended";
      this.#outcome.resolve({ sha1, rows: this.#rows });
    });
  }

  #chunk(job: Chunk["job"], succeeded: (reply: JobReply) => void): Chunk {
    this.#running++;
    return {
      job,
      done: (reply) => {
        this.#running--;
        const failure = failureOfReply(reply);
        if (failure !== undefined) this.#failure ??= failure;
        else if (this.#failure === undefined) succeeded(reply);
        this.#endIfFailed();
      },
      failed: (failure) => {
        this.#running--;
        this.stop(failure);
      },
    };
  }

  #endIfFailed(): void {
    if (this.#failure === undefined || this.#running > 0 || this.#state === "ended") return;
    this.#state = "ended";
    this.#chain.line.forgetRun(this.#chain.run);
    this.#outcome.reject(this.#failure);
  }
}
