/**
 * Seeded pseudo-random numbers (sfc32 of PractRand by C. Doty-Humphrey): the same seed gives the same run, on every
 * machine. For shuffles and simulations; never for secrets.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any 32-bit integer */
  constructor(seed: number) {
    this.#a = 0;
    this.#b = seed | 0;
    this.#c = 0x9e3779b9;
    for (let round = 0; round < 12; round++) this.uint32();
  }

  /** @returns an integer from 0 to 2^32 - 1 */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  /** @returns an integer from 0 to `bound` - 1; the bias is below bound / 2^32 */
  below(bound: number): number {
    return Math.floor((this.uint32() / 2 ** 32) * bound);
  }

  /** @returns a float from 0 (in) to 1 (out) */
  float(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Shuffles in place (Fisher-Yates). @returns the same array */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const held = items[last];
      (items as Record<number, unknown>)[last] = items[other];
      (items as Record<number, unknown>)[other] = held;
    }
    return items;
  }
}
