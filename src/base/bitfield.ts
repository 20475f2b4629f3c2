/**
 * A fixed number of bits, packed as BEP 3 packs them: bit 0 is the highest of byte 0, spare bits are zero.
 *
 * The count of set bits is kept with each change, so `count` and `isFull` cost nothing.
 */
import { assert } from "./assert.ts";

export class Bitfield {
  readonly length: number;
  readonly #bytes: Uint8Array;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.#bytes = new Uint8Array(Bitfield.byteLength(length));
  }

  static byteLength(length: number): number {
    return Math.ceil(length / 8);
  }

  static full(length: number): Bitfield {
    const bits = new Bitfield(length);
    bits.#bytes.fill(0xff);
    const spare = bits.#bytes.length * 8 - length;
    if (spare > 0) bits.#bytes[bits.#bytes.length - 1] = 0xff & (0xff << spare);
    bits.#count = length;
    return bits;
  }

  /** @returns undefined unless `bytes` has exactly the bytes of `length` bits and zeros in the spare ones */
  static fromBytes(length: number, bytes: Uint8Array): Bitfield | undefined {
    if (bytes.length !== Bitfield.byteLength(length)) return undefined;
    const bits = new Bitfield(length);
    for (let index = 0; index < length; index++) {
      if (((bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0) bits.set(index);
    }
    const spare = bytes.length * 8 - length;
    if (spare > 0 && ((bytes[bytes.length - 1] ?? 0) & ((1 << spare) - 1)) !== 0) return undefined;
    return bits;
  }

  /** A copy of the packed bytes. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.length;
  }

  has(index: number): boolean {
    return ((this.#bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
  }

  /** @returns true if the bit was not set before */
  set(index: number): boolean {
    assert(index >= 0 && index < this.length, `bit ${index} of ${this.length}`);
    const mask = 0x80 >> (index & 7);
    const byte = this.#bytes[index >> 3] ?? 0;
    if ((byte & mask) !== 0) return false;
    this.#bytes[index >> 3] = byte | mask;
    this.#count++;
    return true;
  }

  /** @returns true if the bit was set before */
  clear(index: number): boolean {
    assert(index >= 0 && index < this.length, `bit ${index} of ${this.length}`);
    const mask = 0x80 >> (index & 7);
    const byte = this.#bytes[index >> 3] ?? 0;
    if ((byte & mask) === 0) return false;
    this.#bytes[index >> 3] = byte & ~mask;
    this.#count--;
    return true;
  }

  /** The set bits, rising. */
  *indices(): Generator<number> {
    for (let at = 0; at < this.#bytes.length; at++) {
      const byte = this.#bytes[at] ?? 0;
      if (byte === 0) continue;
      for (let bit = 0; bit < 8; bit++) if ((byte & (0x80 >> bit)) !== 0) yield at * 8 + bit;
    }
  }
}
