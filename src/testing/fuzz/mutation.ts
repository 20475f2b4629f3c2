/** What is nearly right: bytes or a text with some of it changed, cut, doubled, moved, or spliced with another. */
import type { Draw } from "./draw.ts";

const CHANGES_MAX = 3;

export function mutateBytes(draw: Draw, bytes: Uint8Array, other: Uint8Array = bytes): Uint8Array {
  let now = bytes;
  for (let left = draw.between(1, CHANGES_MAX); left > 0; left--) now = mutateBytesOnce(draw, now, other);
  return now;
}

function mutateBytesOnce(draw: Draw, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = draw.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + draw.size(16));
  const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  switch (draw.below(9)) {
    case 0:
      return before;
    case 1:
      return Buffer.concat([before, after]);
    case 2:
      return Buffer.concat([before, part, part, after]);
    case 3:
      return Buffer.concat([before, draw.bytes(draw.size(16)), part, after]);
    case 4:
      return Buffer.concat([before, other.subarray(draw.below(other.length + 1))]);
    case 5:
      return Buffer.concat([after, before]);
    case 6:
      return changed(bytes, (copy) => copy.fill(draw.pick([0, 1, 0x7f, 0x80, 0xff]), at, end));
    default:
      return changed(bytes, (copy) => {
        if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << draw.below(8));
      });
  }
}

function changed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  // Not `slice`, which gives no copy of a Buffer.
  const copy = new Uint8Array(bytes);
  change(copy);
  return copy;
}

export function mutateText(draw: Draw, text: string): string {
  const at = draw.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + draw.size(8));
  const [before, part, after] = [text.slice(0, at), text.slice(at, end), text.slice(end)];
  switch (draw.below(8)) {
    case 0:
      return before;
    case 1:
      return before + after;
    case 2:
      return before + part + part + after;
    case 3:
      return after + before;
    case 4:
      return before + draw.letters(1) + text.slice(at + 1);
    case 5:
      return draw.once(2) ? text.toUpperCase() : text.normalize("NFD");
    default:
      return before + (draw.once(2) ? draw.odd() : draw.text(4)) + after;
  }
}
