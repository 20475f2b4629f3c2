/**
 * Whole files that wait to be hashed, as one source of chunks: the first has all that it can use, those behind it only the
 * workers that it leaves idle.
 *
 * So files that are shared together come one after the other, each at full speed, and a disk that seeks is not made to go
 * to and fro; what runs beside them (the SHA-1 of a download) takes turns with all of them together.
 */
import type { Failure } from "../../base/failure.ts";
import type { Chunk, ChunkSource } from "./chunk-feeder.ts";
import type { FileHashing } from "./file-hashing.ts";
import type { WorkerLine } from "./worker-line.ts";

export class HashingQueue implements ChunkSource {
  readonly #hashings = new Set<FileHashing>();

  add(hashing: FileHashing): void {
    this.#hashings.add(hashing);
  }

  remove(hashing: FileHashing): void {
    this.#hashings.delete(hashing);
  }

  stopAll(failure: Failure): void {
    for (const hashing of this.#hashings) hashing.stop(failure);
  }

  next(line: WorkerLine): Chunk | undefined {
    for (const hashing of this.#hashings) {
      const chunk = hashing.next(line);
      if (chunk !== undefined) return chunk;
    }
    return undefined;
  }

  lost(line: WorkerLine, failure: Failure): void {
    for (const hashing of [...this.#hashings]) hashing.lost(line, failure);
  }
}
