import { expect, test } from "bun:test";
import type { PieceIndex, Sha1 } from "./ids.ts";
import { PIECE_BYTES } from "./limits.ts";
import { Manifest } from "./manifest.ts";

test("the hashes of one piece are copied without the rest, also where the piece list was read as a Buffer", () => {
  const rows = Buffer.alloc(100 * 52, 7);
  const manifest = Manifest.make(100 * PIECE_BYTES, "a".repeat(40) as Sha1, rows);
  const hashes = manifest.pieceHashes(3 as PieceIndex).slice();
  expect(hashes.buffer.byteLength).toBe(52);
  expect(structuredClone(hashes).buffer.byteLength).toBe(52);
});
