/**
 * A SHA-1 that follows a growing file, as a source of chunks. Its state lives in one worker.
 *
 * Invariant: `hashedBytes` only grows, one chunk at a time; each waiting call ends exactly once.
 */
import { assert } from "../../base/assert.ts";
import { Failure } from "../../base/failure.ts";
import type { Sha1 } from "../../base/ids.ts";
import { PIECE_BYTES, PREFIX_CHUNK_PIECES } from "../../base/limits.ts";
import type { Chunk, ChunkSource } from "./chunk-feeder.ts";
import { digestOfReply, failureOfReply } from "./chunk-reply.ts";
import type { PrefixHash } from "./contract.ts";
import type { WorkerLine } from "./worker-line.ts";
import type { JobReply } from "./worker-protocol.ts";

interface Waiting {
  /** Until so much is hashed; undefined: until the digest. */
  readonly bytes: number | undefined;
  readonly resolve: (sha1: Sha1 | undefined) => void;
  readonly reject: (failure: Failure) => void;
}

/** What the run needs of the pool. */
export interface PrefixRunHost {
  /** There are chunks to be had (again). */
  ready(run: PrefixRun): void;
  ended(run: PrefixRun): void;
}

export class PrefixRun implements ChunkSource, PrefixHash {
  readonly #file: number;
  readonly #chain: { readonly line: WorkerLine; readonly run: number };
  readonly #host: PrefixRunHost;
  #waiting: Waiting[] = [];
  #hashedBytes = 0;
  #targetBytes = 0;
  #finishing = false;
  #chunkRuns = false;
  #ended: Failure | undefined;

  constructor(file: number, chain: { readonly line: WorkerLine; readonly run: number }, host: PrefixRunHost) {
    this.#file = file;
    this.#chain = chain;
    this.#host = host;
  }

  get hashedBytes(): number {
    return this.#hashedBytes;
  }

  async advance(bytes: number): Promise<void> {
    assert(!this.#finishing, "a finished hash cannot go on");
    if (bytes <= this.#hashedBytes && this.#ended === undefined) return;
    this.#targetBytes = Math.max(this.#targetBytes, bytes);
    await this.#until(bytes);
  }

  async finish(): Promise<Sha1> {
    assert(!this.#finishing, "a hash is finished once");
    this.#finishing = true;
    const sha1 = await this.#until(undefined);
    assert(sha1 !== undefined, "the digest is what was waited for");
    return sha1;
  }

  dispose(): void {
    this.#end(givenUp());
  }

  next(line: WorkerLine): Chunk | undefined {
    if (line !== this.#chain.line || this.#chunkRuns || this.#ended !== undefined) return undefined;
    const { run } = this.#chain;
    const offset = this.#hashedBytes;
    const length = Math.min(this.#targetBytes - offset, PREFIX_CHUNK_PIECES * PIECE_BYTES);
    if (length > 0) {
      const job = { kind: "hash-run", run, file: this.#file, offset, length } as const;
      return this.#chunk(job, () => {
        this.#hashedBytes += length;
        this.#tell((waiting) => waiting.bytes !== undefined && waiting.bytes <= this.#hashedBytes, undefined);
      });
    }
    if (!this.#finishing) return undefined;
    return this.#chunk({ kind: "end-run", run }, (reply) => {
      const sha1 = digestOfReply(reply);
      if (!(sha1 instanceof Failure)) this.#tell(() => true, sha1);
      this.#end(sha1 instanceof Failure ? sha1 : givenUp());
    });
  }

  lost(line: WorkerLine, failure: Failure): void {
    if (line === this.#chain.line) this.#end(failure);
  }

  #until(bytes: number | undefined): Promise<Sha1 | undefined> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject });
      this.#host.ready(this);
    });
  }

  #chunk(job: Chunk["job"], succeeded: (reply: JobReply) => void): Chunk {
    this.#chunkRuns = true;
    return {
      job,
      done: (reply) => {
        this.#chunkRuns = false;
        if (this.#ended !== undefined) return;
        const failure = failureOfReply(reply);
        if (failure === undefined) succeeded(reply);
        else this.#end(failure);
      },
      failed: (failure) => this.#end(failure),
    };
  }

  #tell(whom: (waiting: Waiting) => boolean, sha1: Sha1 | undefined): void {
    const told = this.#waiting.filter(whom);
    this.#waiting = this.#waiting.filter((waiting) => !whom(waiting));
    for (const waiting of told) waiting.resolve(sha1);
  }

  #end(failure: Failure): void {
    if (this.#ended !== undefined) return;
    this.#ended = failure;
    this.#chain.line.forgetRun(this.#chain.run);
    this.#host.ended(this);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(failure);
  }
}

function givenUp(): Failure {
  return new Failure("internal", "the hash was given up");
}
