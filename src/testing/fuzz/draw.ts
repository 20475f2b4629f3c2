/** Random values for inputs, all from one seed: numbers, bytes and the kinds of text that break what reads text. */
import { Prng } from "../../base/prng.ts";

/** What programs stumble over, each the whole of a text or a part of one. */
const ODD_TEXTS = [
  "",
  " ",
  "\t",
  "\r\n",
  "\n",
  "\0",
  "\u001b[31m",
  "\u007f",
  "\u0085",
  "\u2028",
  "\u202e",
  "\u2066",
  "\u200f",
  "\u061c",
  "\u200b",
  "\ufeff",
  "\u00ad",
  "\u2060",
  "\u2063",
  "\ud800",
  "\udfff",
  "\udc00\ud800",
  "\u{10ffff}",
  "\u00e9",
  "e\u0301",
  "\u212b",
  "\uff21",
  "\u1e9e",
  "\u0130",
  "\u037e",
  "\ufb01",
  "\u3000",
  "\u00a0",
  "\u{1f600}",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "..",
  ".",
  "/",
  "\\",
  "../x",
  "C:",
  "con",
  "nul.txt",
  "aux ",
  "com1",
  "com\u00b9",
  "a:b",
  "~",
  "~abcde",
  "-x",
  "'",
  '"',
  "\\",
  "%",
  "%00",
  "null",
  "NaN",
  "-0",
  "1e999",
  "0x10",
  "true",
  "[]",
  "{}",
  ",",
  ";",
  ":",
  "#",
  "[::1]",
  "::1",
  "127.0.0.1",
  "999.1.1.1",
  "a]@[::1",
  "65536",
  "sha256:",
  "-----BEGIN",
] as const;
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.";
const HEX = "0123456789abcdef";
const ODD_NUMBERS = [
  0,
  -0,
  1,
  -1,
  2,
  7,
  255,
  256,
  65_535,
  65_536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 40,
  2 ** 40 + 1,
  2 ** 53 - 1,
  2 ** 53,
  1.5,
  1e21,
  1e308,
  5e-324,
  -(2 ** 53),
];
/** One text in so many is long. */
const LONG_ONE_IN = 400;
const LONG_CHARS_MAX = 20_000;

export class Draw extends Prng {
  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Mostly small. */
  size(most: number): number {
    return this.below(this.below(most + 1) + 1);
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const sort = this.below(4);
    for (let at = 0; at < length; at++) bytes[at] = sort === 0 ? this.below(4) : this.uint32();
    return bytes;
  }

  hex(digits: number): string {
    let text = "";
    for (let at = 0; at < digits; at++) text += HEX[this.below(16)];
    return text;
  }

  number(): number {
    return this.once(2) ? this.pick(ODD_NUMBERS) : this.below(1_000);
  }

  whole(least: number, most: number): number {
    const span = most - least;
    if (this.once(6)) return this.once(2) ? least : most;
    if (this.once(2)) return least + this.below(Math.min(span, 1_000) + 1);
    return least + Math.floor(this.float() * span);
  }

  letters(length: number): string {
    let text = "";
    for (let at = 0; at < length; at++) text += LETTERS[this.below(LETTERS.length)];
    return text;
  }

  odd(): string {
    return this.pick(ODD_TEXTS);
  }

  /** Any text: of letters, of odd parts, of any code units; now and then long. */
  text(most = 40): string {
    if (this.once(LONG_ONE_IN))
      return (this.once(2) ? this.odd() : this.letters(3)).repeat(this.below(LONG_CHARS_MAX / 3));
    const length = this.size(most);
    switch (this.below(4)) {
      case 0:
        return this.letters(length);
      case 1:
        return this.odd();
      case 2: {
        let text = "";
        while (text.length < length) text += this.once(2) ? this.odd() : this.letters(this.below(6));
        return text;
      }
      default: {
        let text = "";
        for (let at = 0; at < length; at++)
          text += String.fromCharCode(this.below(this.once(2) ? 0x10000 : 0x180));
        return text;
      }
    }
  }
}
