/**
 * Files of one piece at most, read and hashed in one go with calls that block: for workers.
 *
 * Invariant: what is hashed is one and the same file from first to last byte, no link was followed to it, and it was the
 * same before and after.
 */
import * as fs from "node:fs";
import { type FileIdentity, identityOf, isSameContent } from "./file-identity.ts";
import { hashPiece, PIECE_HASH_BYTES } from "./piece-hash.ts";
import type { HashedSmall } from "./worker-protocol.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/**
 * @param buffer for its bytes, which begin at its first
 * @returns undefined if it is no plain file, larger than that, or changes. @throws as the system does
 */
export function hashSmallFile(path: string, buffer: Uint8Array): HashedSmall | undefined {
  // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
  const file = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = fs.fstatSync(file, { bigint: true });
    const identity = identityOf(stats);
    if (!stats.isFile() || identity.size > buffer.length) return undefined;
    const bytes = buffer.subarray(0, identity.size);
    if (!readsWhole(file, bytes) || !isStill(file, identity)) return undefined;
    const rows = new Uint8Array(bytes.length === 0 ? 0 : PIECE_HASH_BYTES);
    if (rows.length > 0) hashPiece(bytes, rows);
    return { ...identity, executable: (stats.mode & 0o100n) !== 0n, rows };
  } finally {
    fs.closeSync(file);
  }
}

/** @returns false if the file ends before that */
function readsWhole(file: number, into: Uint8Array): boolean {
  for (let done = 0; done < into.length; ) {
    const read = fs.readSync(file, into, done, into.length - done, done);
    if (read <= 0) return false;
    done += read;
  }
  return true;
}

function isStill(file: number, identity: FileIdentity): boolean {
  return isSameContent(identityOf(fs.fstatSync(file, { bigint: true })), identity);
}
