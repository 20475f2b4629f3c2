/**
 * Damage to a file, as an input: each five bytes are a place (modulo the length) and what stands there from now on; what is
 * left over cuts the file. A disk damages any byte; those at the head of a page damage most.
 */
import type { Draw } from "../draw.ts";
import type { FuzzCase } from "../fuzz-target.ts";

const PATCH_BYTES = 5;
const PATCHES_MAX = 6;
const PAGE_BYTES = 4_096;
const PAGES = 40;

export function damageCase(draw: Draw): FuzzCase<Uint8Array> {
  if (draw.once(20)) return { input: new Uint8Array(), isValid: true };
  const patches = Array.from({ length: draw.between(1, PATCHES_MAX) }, () => {
    const patch = Buffer.alloc(PATCH_BYTES);
    const page = draw.below(PAGES) * PAGE_BYTES;
    patch.writeUInt32BE(draw.once(2) ? page + draw.below(64) : page + draw.below(PAGE_BYTES));
    patch[4] = draw.pick([0, 1, 0x7f, 0x80, 0xff, draw.below(256)]);
    return patch;
  });
  return { input: Buffer.concat([...patches, draw.bytes(draw.once(8) ? draw.between(1, 4) : 0)]) };
}

export function damaged(whole: Uint8Array, input: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(whole);
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let at = 0;
  for (; at + PATCH_BYTES <= input.length; at += PATCH_BYTES)
    bytes[view.getUint32(at) % bytes.length] = input[at + 4] ?? 0;
  return at < input.length ? bytes.subarray(0, ((input[at] ?? 0) * bytes.length) / 256) : bytes;
}
