/**
 * A hash of a set of texts that follows each change: the sum of the texts' own hashes, modulo 2^128. Pure.
 *
 * A text enters and leaves in any order, and equal sets have equal sums. It finds what went wrong by mistake; it is no
 * proof against somebody who chooses the texts.
 */
const BITS = 128;

export class RowSum {
  #sum: bigint;

  /** @param hex of another sum, to go on from */
  constructor(hex = "0") {
    this.#sum = BigInt(`0x${hex}`);
  }

  add(text: string): void {
    this.#sum = BigInt.asUintN(BITS, this.#sum + hashOf(text));
  }

  remove(text: string): void {
    this.#sum = BigInt.asUintN(BITS, this.#sum - hashOf(text));
  }

  /** 32 hex digits. */
  toString(): string {
    return this.#sum.toString(16).padStart(BITS / 4, "0");
  }
}

function hashOf(text: string): bigint {
  return BigInt(`0x${Bun.SHA256.hash(text, "hex").slice(0, BITS / 4)}`);
}
