/**
 * A set of strings in order: the index behind every list that comes in pages.
 *
 * Invariant: keys rise within a chunk and from chunk to chunk; no chunk is empty. Adding and deleting cost two binary
 * searches and a move within one chunk, so that a million keys stay cheap and a short list is one array.
 */
import { assert } from "../../base/assert.ts";

const CHUNK_KEYS_MAX = 512;

/** Common to the sets that are empty, which most are; never changed. */
const NO_CHUNKS: string[][] = [];

export class SortedKeys {
  #chunks = NO_CHUNKS;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: string): boolean {
    const chunk = this.#chunks[this.#chunkOf(key)];
    return chunk !== undefined && chunk[lowerBound(chunk, key)] === key;
  }

  /** @returns true if it was not there */
  add(key: string): boolean {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks = [[key]];
    } else {
      const place = lowerBound(chunk, key);
      if (chunk[place] === key) return false;
      chunk.splice(place, 0, key);
      if (chunk.length > CHUNK_KEYS_MAX) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK_KEYS_MAX / 2));
    }
    this.#size++;
    return true;
  }

  /** @returns true if it was there */
  delete(key: string): boolean {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return false;
    const place = lowerBound(chunk, key);
    if (chunk[place] !== key) return false;
    chunk.splice(place, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    this.#size--;
    return true;
  }

  /** The keys from `least` on, rising. The set must not change meanwhile. */
  *from(least = ""): Generator<string> {
    let at = this.#chunkOf(least);
    let chunk = this.#chunks[at];
    let place = chunk === undefined ? 0 : lowerBound(chunk, least);
    while (chunk !== undefined) {
      for (; place < chunk.length; place++) yield chunk[place] as string;
      chunk = this.#chunks[++at];
      place = 0;
    }
  }

  /** The keys above `key`, rising; all of them after undefined. */
  *above(key: string | undefined): Generator<string> {
    for (const next of this.from(key)) if (next !== key) yield next;
  }

  /** Rising. A name is looked up so at every step: no generator, which costs more than the search. */
  startingWith(prefix: string): string[] {
    const found: string[] = [];
    let at = this.#chunkOf(prefix);
    let chunk = this.#chunks[at];
    let place = chunk === undefined ? 0 : lowerBound(chunk, prefix);
    while (chunk !== undefined) {
      for (; place < chunk.length; place++) {
        const key = chunk[place] as string;
        if (!key.startsWith(prefix)) return found;
        found.push(key);
      }
      chunk = this.#chunks[++at];
      place = 0;
    }
    return found;
  }

  invariants(): void {
    const keys = this.#chunks.flat();
    assert(keys.length === this.#size, "the size is the number of keys");
    assert(
      this.#chunks.every((chunk) => chunk.length > 0 && chunk.length <= CHUNK_KEYS_MAX),
      "chunks are bounded",
    );
    assert(
      keys.every((key, at) => at === 0 || (keys[at - 1] as string) < key),
      "keys rise",
    );
  }

  /** The last chunk that does not begin above `key`, or the first. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.[0] as string) <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
