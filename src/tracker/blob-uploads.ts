/**
 * Piece lists on their way in, part by part, until their digest is right. Bounded in number and bytes, per connection and
 * in all; forgotten with the connection.
 *
 * Invariant: the budget in use is the sum of the parts held. Memory is taken as bytes arrive, not as they are announced,
 * and each part is hashed as it comes, so that no part of the work grows with the list.
 */
import { Failure } from "../base/failure.ts";
import type { Digest } from "../base/ids.ts";
import {
  BLOB_BYTES_MAX,
  BLOB_PART_BYTES,
  BLOB_UPLOAD_BYTES_MAX,
  BLOB_UPLOADS_PER_CONNECTION_MAX,
} from "../base/limits.ts";

export interface BlobPart {
  readonly digest: Digest;
  readonly offset: number;
  readonly total: number;
  /** Kept until the list is whole: not to be changed any more. */
  readonly bytes: Uint8Array;
}

interface Upload {
  readonly total: number;
  readonly parts: Uint8Array[];
  readonly hasher: Bun.CryptoHasher;
  receivedBytes: number;
}

export class BlobUploads<Link extends object> {
  readonly #uploads = new Map<Link, Map<Digest, Upload>>();
  readonly #bytesMax: number;
  readonly #linkBytesMax: number;
  #heldBytes = 0;

  /**
   * @param bytesMax held for all connections together
   * @param linkBytesMax held for one connection
   */
  constructor(bytesMax = BLOB_UPLOAD_BYTES_MAX, linkBytesMax = BLOB_BYTES_MAX) {
    this.#bytesMax = bytesMax;
    this.#linkBytesMax = linkBytesMax;
  }

  /** @returns the whole list once its last part is there and the digest is right; undefined while parts are missing */
  add(link: Link, part: BlobPart): Uint8Array | undefined | Failure {
    const upload = this.#uploadFor(link, part);
    if (upload instanceof Failure) return upload;
    const refused = this.#refusal(link, upload, part);
    if (refused !== undefined) {
      this.#drop(link, part.digest);
      return refused;
    }
    upload.parts.push(part.bytes);
    upload.hasher.update(part.bytes);
    upload.receivedBytes += part.bytes.length;
    this.#heldBytes += part.bytes.length;
    if (upload.receivedBytes < upload.total) return undefined;
    this.#drop(link, part.digest);
    if (upload.hasher.digest("hex") !== part.digest)
      return new Failure("corrupt", `the piece list is not the one announced: ${part.digest}`);
    return Buffer.concat(upload.parts, upload.total);
  }

  /** The connection has ended: so has what it was sending. */
  forget(link: Link): void {
    for (const digest of this.#uploads.get(link)?.keys() ?? []) this.#drop(link, digest);
  }

  /** Bytes of unfinished lists in memory. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The part at offset 0 begins anew, whatever was there. */
  #uploadFor(link: Link, { digest, offset, total }: BlobPart): Upload | Failure {
    if (offset === 0) this.#drop(link, digest);
    const ofLink = this.#uploads.get(link) ?? new Map<Digest, Upload>();
    const found = ofLink.get(digest);
    if (found !== undefined) return found;
    if (offset !== 0)
      return new Failure("protocol", `a part of a piece list at ${offset} without those before it`);
    if (total > BLOB_BYTES_MAX)
      return new Failure("invalid-input", `a piece list of ${total} bytes; at most ${BLOB_BYTES_MAX}`);
    if (ofLink.size >= BLOB_UPLOADS_PER_CONNECTION_MAX)
      return new Failure("too-many", `more than ${BLOB_UPLOADS_PER_CONNECTION_MAX} piece lists at once`);
    const upload = { total, parts: [], hasher: new Bun.CryptoHasher("sha256"), receivedBytes: 0 };
    this.#uploads.set(link, ofLink.set(digest, upload));
    return upload;
  }

  #refusal(link: Link, upload: Upload, { offset, total, bytes }: BlobPart): Failure | undefined {
    if (total !== upload.total || offset !== upload.receivedBytes)
      return new Failure("protocol", `a part of a piece list at ${offset}, expected ${upload.receivedBytes}`);
    const due = Math.min(BLOB_PART_BYTES, upload.total - offset);
    if (bytes.length !== due)
      return new Failure("protocol", `a part of a piece list of ${bytes.length} bytes, expected ${due}`);
    if (this.#heldBytesOf(link) + due > this.#linkBytesMax)
      return new Failure("too-many", `more than ${this.#linkBytesMax} bytes of piece lists at once`);
    if (this.#heldBytes + due > this.#bytesMax)
      return new Failure(
        "try-later",
        "the tracker is receiving many piece lists right now; try again shortly",
      );
    return undefined;
  }

  #heldBytesOf(link: Link): number {
    let bytes = 0;
    for (const upload of this.#uploads.get(link)?.values() ?? []) bytes += upload.receivedBytes;
    return bytes;
  }

  #drop(link: Link, digest: Digest): void {
    const ofLink = this.#uploads.get(link);
    this.#heldBytes -= ofLink?.get(digest)?.receivedBytes ?? 0;
    ofLink?.delete(digest);
    if (ofLink?.size === 0) this.#uploads.delete(link);
  }
}
