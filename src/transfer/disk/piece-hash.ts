/** The two hashes of a piece, in the form of a row of the piece list. Pure. */
import { SHA1_BYTES, SHA256_BYTES } from "../../base/manifest.ts";

export const PIECE_HASH_BYTES = SHA1_BYTES + SHA256_BYTES;

/** The runtime asks for room for its longest digest, whatever the algorithm. */
const scratch = new Uint8Array(64);

/** Writes SHA-1 then SHA-256 of `bytes` to the first 52 bytes of `row`. */
export function hashPiece(bytes: Uint8Array, row: Uint8Array): void {
  Bun.SHA1.hash(bytes, scratch);
  row.set(scratch.subarray(0, SHA1_BYTES));
  Bun.SHA256.hash(bytes, scratch);
  row.set(scratch.subarray(0, SHA256_BYTES), SHA1_BYTES);
}

/** Whether both hashes of `bytes` are those of `row`. */
export function isPiece(bytes: Uint8Array, row: Uint8Array): boolean {
  Bun.SHA1.hash(bytes, scratch);
  if (!startsWith(scratch, row.subarray(0, SHA1_BYTES))) return false;
  Bun.SHA256.hash(bytes, scratch);
  return startsWith(scratch, row.subarray(SHA1_BYTES, PIECE_HASH_BYTES));
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, at) => bytes[at] === byte);
}
