/** The digest of a file on disk, in hexadecimal, read bit by bit: nothing that a program says of it is believed. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

const BLOCK_BYTES = 2 ** 20;

export async function fileDigest(algorithm: "sha1" | "sha256", path: string): Promise<string> {
  const hash = createHash(algorithm);
  for await (const block of createReadStream(path, { highWaterMark: BLOCK_BYTES }))
    hash.update(block as Buffer);
  return hash.digest("hex");
}
