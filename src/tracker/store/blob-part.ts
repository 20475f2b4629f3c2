/** What to do with one part of a piece list, given what is there of it. Pure; common to all stores. */
import { Failure } from "../../base/failure.ts";
import type { Digest } from "../../base/ids.ts";
import { BLOB_BYTES_MAX, BLOB_PART_BYTES } from "../../base/limits.ts";

export interface BlobPart {
  readonly digest: Digest;
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Of the whole piece list. */
  readonly total: number;
}

/** How much has come of a piece list that is not whole. */
export interface UnfinishedBlob {
  readonly total: number;
  readonly receivedBytes: number;
}

export type PartStep =
  | "begin" // the first part: drop what may be there
  | "append" // the next part
  | "skip"; // held already

/**
 * @param heldPart the bytes that are held at the offset of the part
 * @returns a Failure for a part that does not fit
 */
export function stepOfPart(
  part: BlobPart,
  unfinished: UnfinishedBlob | undefined,
  heldPart: () => Uint8Array | undefined,
): PartStep | Failure {
  const { offset, bytes, total } = part;
  if (!isWellFormed(part))
    return new Failure(
      "invalid-input",
      `no part of a piece list: ${bytes.length} bytes at ${offset} of ${total}`,
    );
  const received = unfinished?.total === total ? unfinished.receivedBytes : 0;
  if (offset > 0 && offset === received) return "append";
  if (offset < received && sameBytes(bytes, heldPart())) return "skip";
  if (offset === 0) return "begin";
  return new Failure("invalid-input", `a part of a piece list at ${offset}, where ${received} is next`);
}

function isWellFormed({ offset, bytes, total }: BlobPart): boolean {
  if (!Number.isInteger(total) || total < 0 || total > BLOB_BYTES_MAX) return false;
  if (!Number.isInteger(offset) || offset < 0 || offset % BLOB_PART_BYTES !== 0) return false;
  return bytes.length === Math.min(BLOB_PART_BYTES, total - offset) && (bytes.length > 0 || total === 0);
}

function sameBytes(left: Uint8Array, right: Uint8Array | undefined): boolean {
  return right !== undefined && Buffer.compare(left, right) === 0;
}

export function wrongDigest(digest: Digest): Failure {
  return new Failure(
    "corrupt",
    `the parts of piece list ${digest} do not have that SHA-256; send them again`,
  );
}
