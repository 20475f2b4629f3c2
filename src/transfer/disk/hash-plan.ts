/**
 * In which steps a whole file is hashed. Pure.
 *
 * Two walks over the file: the *chain* is the SHA-1 of the whole file, one step after the other; the *pieces* may be
 * hashed by many workers at once. Neither runs ahead of the other by more than a window, so that of a file larger than
 * the memory each byte comes from the disk once. Invariant: each byte is in exactly one step of each walk, but for what
 * the pieces of an earlier run have done.
 */
import { assert } from "../../base/assert.ts";

export interface HashStep {
  readonly walk: "chain" | "pieces";
  readonly offset: number;
  readonly length: number;
}

export class HashPlan {
  readonly #size: number;
  readonly #stepBytes: number;
  readonly #windowBytes: number;
  #chainAt = 0;
  #piecesAt: number;
  #chainRuns = false;
  #doneBytes: number;
  #piecesWhole: number;
  /** Steps of pieces that ended before an earlier one: their lengths by their offsets. */
  readonly #early = new Map<number, number>();

  /** @param piecesFrom bytes at the file's start whose pieces are hashed already */
  constructor(
    size: number,
    {
      stepBytes,
      windowBytes,
      piecesFrom = 0,
    }: { readonly stepBytes: number; readonly windowBytes: number; readonly piecesFrom?: number },
  ) {
    assert(piecesFrom <= size, "more pieces are hashed than there are");
    this.#size = size;
    this.#stepBytes = stepBytes;
    this.#windowBytes = windowBytes;
    this.#piecesAt = piecesFrom;
    this.#piecesWhole = piecesFrom;
    this.#doneBytes = piecesFrom;
  }

  /** Bytes at the file's start of which all pieces are hashed. */
  get piecesWhole(): number {
    return this.#piecesWhole;
  }

  /** Of both walks together, from 0 to the file's size. */
  get doneBytes(): number {
    return Math.floor(this.#doneBytes / 2);
  }

  get isDone(): boolean {
    return this.#doneBytes === 2 * this.#size;
  }

  /**
   * The next step for a worker, undefined if there is none now.
   * @param mayChain the worker that asks holds the state of the chain, which is the longer way: it comes first
   */
  next(mayChain: boolean): HashStep | undefined {
    if (mayChain && !this.#chainRuns && this.#chainAt < this.#ahead(this.#piecesAt)) {
      this.#chainRuns = true;
      const step = this.#step("chain", this.#chainAt);
      this.#chainAt += step.length;
      return step;
    }
    if (this.#piecesAt >= this.#ahead(this.#chainAt)) return undefined;
    const step = this.#step("pieces", this.#piecesAt);
    this.#piecesAt += step.length;
    return step;
  }

  finished(step: HashStep): void {
    if (step.walk === "chain") {
      assert(this.#chainRuns, "a step of the chain ended that was not running");
      this.#chainRuns = false;
    } else this.#early.set(step.offset, step.length);
    this.#doneBytes += step.length;
    this.#advanceWhole();
  }

  #advanceWhole(): void {
    for (let length = this.#early.get(this.#piecesWhole); length !== undefined; ) {
      this.#early.delete(this.#piecesWhole);
      this.#piecesWhole += length;
      length = this.#early.get(this.#piecesWhole);
    }
  }

  #ahead(other: number): number {
    return Math.min(this.#size, other + this.#windowBytes);
  }

  #step(walk: HashStep["walk"], offset: number): HashStep {
    return { walk, offset, length: Math.min(this.#stepBytes, this.#size - offset) };
  }
}
