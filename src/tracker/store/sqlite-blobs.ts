/**
 * Piece lists in the tracker's database, in parts.
 *
 * A list is seen by nobody until all its parts are there and have its digest. Runs within the transactions of the store,
 * and leaves errors of the disk to it.
 */
import { Failure } from "../../base/failure.ts";
import type { Digest } from "../../base/ids.ts";
import { BLOB_PART_BYTES, BLOBS_UNFINISHED_MAX } from "../../base/limits.ts";
import { type BlobPart, stepOfPart } from "./blob-part.ts";
import type { BlobProgress } from "./event-store.ts";
import type { BlobRow, Statements } from "./sqlite-statements.ts";

export class SqliteBlobs {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** @returns undefined unless it is whole */
  whole(digest: Digest): BlobRow | undefined {
    const blob = this.#sql.blob.get(digest);
    return blob?.whole === 1 ? blob : undefined;
  }

  get(digest: Digest, offset: number, length: number): Uint8Array | undefined {
    const first = offset - (offset % BLOB_PART_BYTES);
    const parts = this.#sql.partsOfWhole.all(digest, first, offset + length);
    const [part] = parts;
    if (part === undefined) return this.whole(digest) === undefined ? undefined : new Uint8Array();
    const bytes = parts.length === 1 ? part.bytes : Buffer.concat(parts.map((each) => each.bytes));
    return bytes.subarray(offset - first, offset - first + length);
  }

  /** Within a transaction, of one part. @param bytes were held against the digest before */
  putWhole(digest: Digest, bytes: Uint8Array): void {
    const held = this.#sql.blob.get(digest);
    if (held?.whole === 1) return;
    if (held !== null) this.#sql.dropBlob.run(held.id);
    const id = Number(this.#sql.addWholeBlob.run(digest, bytes.length).lastInsertRowid);
    this.#sql.addPart.run(id, 0, bytes);
  }

  /** Within a transaction. @returns "wrong" if the whole has another digest: its parts are dropped. @throws Failure */
  put(part: BlobPart): BlobProgress | "wrong" {
    const held = this.#sql.blob.get(part.digest) ?? undefined;
    if (held?.whole === 1) return "whole";
    const unfinished = held && { total: held.total, receivedBytes: held.received };
    const step = stepOfPart(part, unfinished, () => this.#partOf(held, part.offset));
    if (step instanceof Failure) throw step;
    if (step === "skip") return "unfinished";
    const id = held !== undefined && step === "append" ? held.id : this.#begin(part, held);
    this.#sql.addPart.run(id, part.offset, part.bytes);
    this.#sql.setReceived.run(part.offset + part.bytes.length, id);
    return part.offset + part.bytes.length === part.total ? this.#finish(id, part.digest) : "unfinished";
  }

  #partOf(blob: BlobRow | undefined, offset: number): Uint8Array | undefined {
    return blob === undefined ? undefined : this.#sql.parts.get(blob.id, offset, offset + 1)?.bytes;
  }

  #begin({ digest, total }: BlobPart, held: BlobRow | undefined): number {
    if (held !== undefined) this.#sql.dropBlob.run(held.id);
    this.#sql.dropOldest.run(BLOBS_UNFINISHED_MAX - 1);
    return Number(this.#sql.addBlob.run(digest, total).lastInsertRowid);
  }

  #finish(id: number, digest: Digest): "whole" | "wrong" {
    const hasher = new Bun.CryptoHasher("sha256");
    for (const { bytes } of this.#sql.parts.iterate(id, 0, Number.MAX_SAFE_INTEGER)) hasher.update(bytes);
    const isRight = hasher.digest("hex") === digest;
    if (isRight) this.#sql.setWhole.run(id);
    else this.#sql.dropBlob.run(id);
    return isRight ? "whole" : "wrong";
  }
}
