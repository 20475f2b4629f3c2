/** Real files for the tests: random content that differs in every piece, and what is on disk, computed from the outside. */
import { closeSync, openSync, writeSync } from "node:fs";
import { fileDigest } from "../../scripts/file-digest.ts";
import { Prng } from "../../src/base/prng.ts";

export const MiB = 1024 * 1024;
export const GiB = 1024 * MiB;

/** Random bytes at the speed of the disk: one random block, its first bytes changed each time it is written. */
export function writeRandomFile(path: string, bytes: number, seed: number): void {
  const prng = new Prng(seed);
  const block = Buffer.alloc(MiB);
  for (let at = 0; at < block.length; at += 4) block.writeUInt32LE(prng.uint32(), at);
  const file = openSync(path, "w");
  try {
    for (let written = 0; written < bytes; written += block.length) {
      // Each half of the block is a piece.
      for (const at of [0, MiB / 2]) block.writeUInt32LE(prng.uint32(), at);
      block.writeDoubleLE(written, 8);
      writeSync(file, block, 0, Math.min(block.length, bytes - written));
    }
  } finally {
    closeSync(file);
  }
}

/** Of the file on disk, in this process: nothing that the program says is believed. */
export function sha1Of(path: string): Promise<string> {
  return fileDigest("sha1", path);
}
