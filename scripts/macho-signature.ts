/**
 * The code signature of a macOS executable: held against the file, and made anew without anybody's certificate. Pure.
 *
 * macOS kills a process whose pages do not match its signature, and on Apple silicon one that has none. The build puts our
 * code into a runtime that its maker has signed: for one of the two processors the old signature stays, and is wrong then.
 * An *ad-hoc* signature is a list of the SHA-256 of each page, nothing more; it asks for no certificate and no Mac.
 *
 * Layout: 64-bit Mach-O, little-endian; inside it the signature, big-endian (Apple, cs_blobs.h). It must be what it is
 * always: the last thing in the file, inside the segment __LINKEDIT.
 */
import { createHash } from "node:crypto";

const MAGIC_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;

const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
const SUPER_BLOB_BYTES = 20;
const CODE_DIRECTORY_BYTES = 88;
/** The first version that says which part may be executed. */
const VERSION = 0x20400;
/** Ad-hoc, made by a linker: to be replaced by whoever signs for real. */
const FLAGS = 0x20002;
const SHA256 = 2;
const HASH_BYTES = 32;
const PAGE_BITS = 12;
/** For Apple silicon `codesign` may take that system's own pages. */
const PAGE_BITS_READ = [PAGE_BITS, 14];
const MAIN_BINARY = 1;
const SEGMENT_ALIGN_BYTES = 0x4000;

interface Layout {
  /** Where the load command of the signature is, and what it says. */
  readonly command: number;
  readonly offset: number;
  readonly bytes: number;
  readonly text: Segment;
  readonly linkEdit: Segment;
}

interface Segment {
  /** Of its load command. */
  readonly command: number;
  readonly fileOffset: number;
  readonly fileBytes: number;
}

const viewOf = (file: Uint8Array) => new DataView(file.buffer, file.byteOffset, file.byteLength);
const roundUp = (value: number, to: number) => Math.ceil(value / to) * to;

function readLayout(file: Uint8Array): Layout {
  const view = viewOf(file);
  if (view.getUint32(0, true) !== MAGIC_64) throw new Error("not a 64-bit Mach-O file");
  const segments = new Map<string, Segment>();
  let signature: Pick<Layout, "command" | "offset" | "bytes"> | undefined;
  let at = HEADER_BYTES;
  for (let left = view.getUint32(16, true); left > 0; left--) {
    const kind = view.getUint32(at, true);
    if (kind === LC_CODE_SIGNATURE)
      signature = { command: at, offset: view.getUint32(at + 8, true), bytes: view.getUint32(at + 12, true) };
    if (kind === LC_SEGMENT_64) {
      const name = Buffer.from(file.subarray(at + 8, at + 24))
        .toString("latin1")
        .replace(/\0+$/, "");
      const fileOffset = Number(view.getBigUint64(at + 40, true));
      segments.set(name, { command: at, fileOffset, fileBytes: Number(view.getBigUint64(at + 48, true)) });
    }
    at += view.getUint32(at + 4, true);
  }
  const [text, linkEdit] = [segments.get("__TEXT"), segments.get("__LINKEDIT")];
  if (text === undefined || linkEdit === undefined || signature === undefined)
    throw new Error("no place for a signature in this Mach-O file");
  return { ...signature, text, linkEdit };
}

function pageHashes(file: Uint8Array, codeBytes: number, pageBits: number): Uint8Array {
  const pageBytes = 1 << pageBits;
  const hashes = new Uint8Array(Math.ceil(codeBytes / pageBytes) * HASH_BYTES);
  for (let at = 0, to = 0; at < codeBytes; at += pageBytes, to += HASH_BYTES)
    hashes.set(
      createHash("sha256")
        .update(file.subarray(at, Math.min(at + pageBytes, codeBytes)))
        .digest(),
      to,
    );
  return hashes;
}

/** Whether every page is what the signature says; of its own form only the first directory is looked at. */
export function isSignatureRight(file: Uint8Array): boolean {
  const { offset } = readLayout(file);
  const view = viewOf(file);
  if (offset + SUPER_BLOB_BYTES > file.length || view.getUint32(offset) !== SUPER_BLOB) return false;
  const directory = offset + view.getUint32(offset + 16);
  if (view.getUint32(directory) !== CODE_DIRECTORY || view.getUint8(directory + 37) !== SHA256) return false;
  const codeBytes = view.getUint32(directory + 32);
  const pageBits = view.getUint8(directory + 39);
  if (codeBytes !== offset || !PAGE_BITS_READ.includes(pageBits)) return false;
  const hashesAt = directory + view.getUint32(directory + 16);
  const hashes = pageHashes(file, codeBytes, pageBits);
  return Buffer.compare(hashes, file.subarray(hashesAt, hashesAt + hashes.length)) === 0;
}

/** @returns the executable with an ad-hoc signature in place of the one it has */
export function signAdHoc(file: Uint8Array, identifier: string, pageBits = PAGE_BITS): Uint8Array {
  const layout = readLayout(file);
  const name = Buffer.from(`${identifier}\0`, "latin1");
  const pages = Math.ceil(layout.offset / (1 << pageBits));
  const hashesAt = CODE_DIRECTORY_BYTES + name.length;
  const directoryBytes = hashesAt + pages * HASH_BYTES;
  const blobBytes = SUPER_BLOB_BYTES + directoryBytes;
  const signed = new Uint8Array(layout.offset + roundUp(blobBytes, 16));
  signed.set(file.subarray(0, layout.offset));
  // The load commands are in the first page: they must be right before it is hashed.
  resize(viewOf(signed), layout, signed.length);

  const blob = viewOf(signed.subarray(layout.offset));
  for (const [index, word] of [SUPER_BLOB, blobBytes, 1, 0, SUPER_BLOB_BYTES].entries())
    blob.setUint32(index * 4, word);
  const directory = viewOf(signed.subarray(layout.offset + SUPER_BLOB_BYTES));
  const words = [
    CODE_DIRECTORY,
    directoryBytes,
    VERSION,
    FLAGS,
    hashesAt,
    CODE_DIRECTORY_BYTES,
    0,
    pages,
    layout.offset,
  ];
  for (const [index, word] of words.entries()) directory.setUint32(index * 4, word);
  for (const [index, byte] of [HASH_BYTES, SHA256, 0, pageBits].entries())
    directory.setUint8(36 + index, byte);
  directory.setBigUint64(64, BigInt(layout.text.fileOffset));
  directory.setBigUint64(72, BigInt(layout.text.fileBytes));
  directory.setBigUint64(80, BigInt(MAIN_BINARY));
  const at = layout.offset + SUPER_BLOB_BYTES;
  signed.set(name, at + CODE_DIRECTORY_BYTES);
  signed.set(pageHashes(signed, layout.offset, pageBits), at + hashesAt);
  return signed;
}

/** Tells the load commands how long the signature and the segment around it are now. */
function resize(view: DataView, { command, offset, linkEdit }: Layout, fileBytes: number): void {
  view.setUint32(command + 12, fileBytes - offset, true);
  const segmentBytes = fileBytes - linkEdit.fileOffset;
  view.setBigUint64(linkEdit.command + 32, BigInt(roundUp(segmentBytes, SEGMENT_ALIGN_BYTES)), true);
  view.setBigUint64(linkEdit.command + 48, BigInt(segmentBytes), true);
}
