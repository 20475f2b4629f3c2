/**
 * A set of small integers as bits in 32-bit words, made for one question: which is the first, from here on, that two
 * sets share? It is answered 32 at a time.
 *
 * `base/bitfield` is the other one: it is what travels, counts itself and knows no search.
 */

export class PositionSet {
  readonly #words: Uint32Array;
  #size = 0;

  constructor(length: number) {
    this.#words = new Uint32Array(Math.ceil(length / 32));
  }

  get size(): number {
    return this.#size;
  }

  has(position: number): boolean {
    return ((this.#words[position >>> 5] ?? 0) & (1 << (position & 31))) !== 0;
  }

  /** @returns true if it was not there before */
  add(position: number): boolean {
    const word = this.#words[position >>> 5] ?? 0;
    const mask = 1 << (position & 31);
    if ((word & mask) !== 0) return false;
    this.#words[position >>> 5] = word | mask;
    this.#size++;
    return true;
  }

  /** @returns true if it was there before */
  delete(position: number): boolean {
    const word = this.#words[position >>> 5] ?? 0;
    const mask = 1 << (position & 31);
    if ((word & mask) === 0) return false;
    this.#words[position >>> 5] = word & ~mask;
    this.#size--;
    return true;
  }

  /** @returns the smallest one at or after `from` that is also in `other` (undefined: any); undefined if none is */
  firstFrom(from: number, other: PositionSet | undefined): number | undefined {
    const { length } = this.#words;
    let at = from >>> 5;
    let word = this.#shared(at, other) & (-1 << (from & 31));
    while (word === 0) {
      at++;
      if (at >= length) return undefined;
      word = this.#shared(at, other);
    }
    return at * 32 + 31 - Math.clz32(word & -word);
  }

  #shared(at: number, other: PositionSet | undefined): number {
    const word = this.#words[at] ?? 0;
    return other === undefined ? word : word & (other.#words[at] ?? 0);
  }
}
