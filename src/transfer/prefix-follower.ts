/**
 * Keeps the whole-file SHA-1 close behind the unbroken beginning of a file while its pieces still arrive, so that little
 * is left to do at the end when they came in order.
 *
 * It asks for one stretch at a time. A failure ends it silently: it comes up again, and is told, when the whole is checked.
 */
import type { Bitfield } from "../base/bitfield.ts";
import type { PieceIndex } from "../base/ids.ts";
import type { Manifest } from "../base/manifest.ts";
import type { PrefixHash } from "./disk/contract.ts";

export class PrefixFollower {
  readonly #prefix: PrefixHash;
  readonly #manifest: Manifest;
  readonly #have: Bitfield;
  /** Without a gap, from the first on. */
  #pieces = 0;
  #isHashing = false;

  /** @param have grows in place; `grew` is to be called then, and once at the start */
  constructor(prefix: PrefixHash, manifest: Manifest, have: Bitfield) {
    this.#prefix = prefix;
    this.#manifest = manifest;
    this.#have = have;
  }

  grew(): void {
    if (this.#isHashing) return;
    while (this.#pieces < this.#manifest.pieces && this.#have.has(this.#pieces)) this.#pieces++;
    const bytes = Math.min(
      this.#manifest.summary.size,
      this.#manifest.pieceOffset(this.#pieces as PieceIndex),
    );
    if (bytes <= this.#prefix.hashedBytes) return;
    this.#isHashing = true;
    this.#prefix.advance(bytes).then(
      () => {
        this.#isHashing = false;
        this.grew();
      },
      () => {},
    );
  }
}
