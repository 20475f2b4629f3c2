/**
 * The journal of a download: which pieces of the part file are verified. Bytes <-> values and decisions, no I/O.
 *
 * A *head*, replaced as a whole and sealed by a checksum, holds the claims at the time it was written; each piece written
 * since is one number appended behind it, without waiting for the disk. After SIGKILL all appended numbers are still
 * there, because the system's cache survives, so that at most the pieces in flight are lost; after a power cut some may be
 * missing or nonsense. Therefore:
 *
 * 1. Only a head that was written at a clean stop, after the data was synced, is trusted, and only if the part file is
 *    still the one it names and nothing was appended behind it.
 * 2. In every other case each claimed piece, appended ones too, is read and verified again; the rest is not read at all,
 *    so that going on with a large file costs what was written of it.
 */
import { Bitfield } from "../../base/bitfield.ts";
import type { FileId } from "../../base/ids.ts";
import { FILE_BYTES_MAX } from "../../base/limits.ts";
import { pieceCount, SHA256_BYTES } from "../../base/manifest.ts";
import { type FileIdentity, isSameContent } from "./file-identity.ts";

export interface Journal {
  readonly fileId: FileId;
  readonly size: number;
  /** Pieces that were verified and written. */
  readonly claimed: Bitfield;
  /** The part file as it was left at a clean stop, with the claimed pieces synced; undefined: in use, or killed. */
  readonly clean: FileIdentity | undefined;
}

/** With the version of this layout as its last character. */
const MAGIC = new TextEncoder().encode("p2p-jrn1");
const CLEAN_AT = 8;
const SIZE_AT = 12;
const FILE_ID_AT = 20;
const DEVICE_AT = 52;
const INODE_AT = 60;
const MODIFIED_AT = 68;
const CLAIMS_AT = 76;
const ENTRY_BYTES = 4;

export function encodeHead({ fileId, size, claimed, clean }: Journal): Uint8Array {
  const claims = claimed.toBytes();
  const bytes = new Uint8Array(CLAIMS_AT + claims.length + SHA256_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(CLEAN_AT, clean === undefined ? 0 : 1, true);
  view.setBigUint64(SIZE_AT, BigInt(size), true);
  bytes.set(Buffer.from(fileId, "hex"), FILE_ID_AT);
  view.setBigUint64(DEVICE_AT, BigInt(clean?.device ?? 0), true);
  view.setBigUint64(INODE_AT, BigInt(clean?.inode ?? 0), true);
  view.setBigInt64(MODIFIED_AT, BigInt(clean?.modifiedNs ?? 0), true);
  bytes.set(claims, CLAIMS_AT);
  bytes.set(seal(bytes.subarray(0, -SHA256_BYTES)), CLAIMS_AT + claims.length);
  return bytes;
}

/** The numbers of pieces, to be appended. */
export function encodeEntries(pieces: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(pieces.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  pieces.forEach((piece, at) => {
    view.setUint32(at * ENTRY_BYTES, piece, true);
  });
  return bytes;
}

/** @returns undefined unless the head is whole and untouched; nonsense behind it is passed over */
export function decodeJournal(bytes: Uint8Array): Journal | undefined {
  if (bytes.length < CLAIMS_AT || !startsWith(bytes, MAGIC)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Number(view.getBigUint64(SIZE_AT, true));
  if (size > FILE_BYTES_MAX) return undefined;
  const pieces = pieceCount(size);
  const sealAt = CLAIMS_AT + Bitfield.byteLength(pieces);
  const entriesAt = sealAt + SHA256_BYTES;
  if (bytes.length < entriesAt || !startsWith(bytes.subarray(sealAt), seal(bytes.subarray(0, sealAt))))
    return undefined;
  const claimed = Bitfield.fromBytes(pieces, bytes.subarray(CLAIMS_AT, sealAt));
  if (claimed === undefined) return undefined;
  const isClean = view.getUint32(CLEAN_AT, true) === 1 && bytes.length === entriesAt;
  addEntries(claimed, view, entriesAt);
  return {
    fileId: Buffer.from(bytes.subarray(FILE_ID_AT, FILE_ID_AT + SHA256_BYTES)).toString("hex") as FileId,
    size,
    claimed,
    clean: isClean ? identityAt(view, size) : undefined,
  };
}

function addEntries(claimed: Bitfield, view: DataView, entriesAt: number): void {
  for (let at = entriesAt; at + ENTRY_BYTES <= view.byteLength; at += ENTRY_BYTES) {
    const piece = view.getUint32(at, true);
    if (piece < claimed.length) claimed.set(piece);
  }
}

function identityAt(view: DataView, size: number): FileIdentity {
  return {
    device: String(view.getBigUint64(DEVICE_AT, true)),
    inode: String(view.getBigUint64(INODE_AT, true)),
    size,
    modifiedNs: String(view.getBigInt64(MODIFIED_AT, true)),
  };
}

function seal(bytes: Uint8Array): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(bytes).digest();
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, at) => bytes[at] === byte);
}

/** Whether the claims hold without reading the part file again. */
export function isTrusted(journal: Journal, part: FileIdentity): boolean {
  return journal.clean !== undefined && isSameContent(journal.clean, part);
}
