/**
 * Long hashing in small chunks: each worker has at most one chunk at a time, so that a piece of a running transfer waits
 * behind one chunk at most and long work still never starves.
 *
 * Sources of chunks take turns; whole files are one of them (`hashing-queue.ts`). What a chunk is, and what its reply means, is the source's affair.
 */
import type { Failure } from "../../base/failure.ts";
import type { WorkerLine } from "./worker-line.ts";
import type { Job, JobReply } from "./worker-protocol.ts";

export interface Chunk {
  readonly job: Job;
  done(reply: JobReply): void;
  failed(failure: Failure): void;
}

export interface ChunkSource {
  /** A chunk for that worker, undefined if there is none for it now. Asked again after every chunk that ends. */
  next(line: WorkerLine): Chunk | undefined;
  /** The worker is gone, with whatever state it held. */
  lost(line: WorkerLine, failure: Failure): void;
}

export class ChunkFeeder {
  readonly #lines: readonly WorkerLine[];
  readonly #run: (line: WorkerLine, job: Job) => Promise<JobReply>;
  readonly #busy = new Set<WorkerLine>();
  readonly #sources = new Set<ChunkSource>();

  constructor(lines: readonly WorkerLine[], run: (line: WorkerLine, job: Job) => Promise<JobReply>) {
    this.#lines = lines;
    this.#run = run;
  }

  /** Also tells of a source that has chunks again. */
  add(source: ChunkSource): void {
    this.#sources.add(source);
    this.#feed();
  }

  remove(source: ChunkSource): void {
    this.#sources.delete(source);
  }

  lost(line: WorkerLine, failure: Failure): void {
    for (const source of [...this.#sources]) source.lost(line, failure);
    this.#feed();
  }

  #feed(): void {
    for (const line of this.#lines) {
      if (!line.isLost && !this.#busy.has(line)) this.#give(line);
    }
  }

  #give(line: WorkerLine): void {
    for (const source of this.#sources) {
      const chunk = source.next(line);
      if (chunk === undefined) continue;
      // To the end of the row: the others come first next time.
      this.#sources.delete(source);
      this.#sources.add(source);
      this.#busy.add(line);
      this.#run(line, chunk.job)
        .finally(() => this.#busy.delete(line))
        .then(
          (reply) => chunk.done(reply),
          (failure: Failure) => chunk.failed(failure),
        )
        .finally(() => this.#feed());
      return;
    }
  }
}
