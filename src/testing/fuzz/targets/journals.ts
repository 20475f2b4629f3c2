/**
 * Journals. Of a download: what decodes is encoded to the same bytes, and a damaged head claims nothing. Of a hashing: whatever
 * happened to it, what is believed is a beginning of what was written.
 */
import { Bitfield } from "../../../base/bitfield.ts";
import type { FileId } from "../../../base/ids.ts";
import { HASH_JOURNAL_BLOCK_PIECES, PIECE_BYTES } from "../../../base/limits.ts";
import { pieceCount, SHA256_BYTES } from "../../../base/manifest.ts";
import type { FileIdentity } from "../../../transfer/disk/file-identity.ts";
import {
  BLOCK_ROWS_BYTES,
  decodeHashJournal,
  encodeHashBlock,
  encodeHashHead,
} from "../../../transfer/disk/hash-journal.ts";
import {
  decodeJournal,
  encodeEntries,
  encodeHead,
  isTrusted,
  type Journal,
} from "../../../transfer/disk/journal.ts";
import type { Draw } from "../draw.ts";
import { type FuzzCase, type FuzzTarget, must, mustEqual } from "../fuzz-target.ts";
import { mutateBytes } from "../mutation.ts";

const PIECES_MAX = 200;
/** Of a head before its claims. */
const HEAD_BYTES = 76;

function anyJournal(draw: Draw): Journal {
  const size = draw.once(8) ? draw.below(PIECE_BYTES) : draw.below(PIECES_MAX * PIECE_BYTES);
  const claimed = new Bitfield(pieceCount(size));
  for (let at = 0; at < claimed.length; at++) if (draw.once(3)) claimed.set(at);
  const [device, inode, modifiedNs] = [draw.uint32(), draw.uint32(), draw.uint32()].map(String) as [
    string,
    string,
    string,
  ];
  const clean = draw.once(2) ? undefined : { device, inode, size, modifiedNs };
  return { fileId: draw.hex(64) as FileId, size, claimed, clean };
}

/** A head that was changed by somebody who can make a seal too. */
function resealed(bytes: Uint8Array): Uint8Array {
  if (bytes.length < HEAD_BYTES + SHA256_BYTES) return bytes;
  const body = bytes.subarray(0, -SHA256_BYTES);
  return Buffer.concat([body, new Bun.CryptoHasher("sha256").update(body).digest()]);
}

function journalCase(draw: Draw): FuzzCase<Uint8Array> {
  const head = encodeHead(anyJournal(draw));
  const entries = encodeEntries(Array.from({ length: draw.size(20) }, () => draw.below(PIECES_MAX * 2)));
  switch (draw.below(6)) {
    case 0:
      return { input: head, isValid: true };
    case 1:
      return { input: Buffer.concat([head, entries]), isValid: true };
    case 2:
      return { input: Buffer.concat([head, draw.bytes(draw.size(40))]), isValid: true };
    case 3:
      return { input: resealed(mutateBytes(draw, head)) };
    case 4:
      return { input: draw.bytes(draw.size(300)) };
    default:
      return { input: mutateBytes(draw, Buffer.concat([head, entries])) };
  }
}

function checkJournal(bytes: Uint8Array): boolean {
  const journal = decodeJournal(bytes);
  if (journal === undefined) return false;
  must(journal.claimed.length === pieceCount(journal.size), "the claims are those of the file's pieces");
  const head = encodeHead(journal);
  const again = decodeJournal(head);
  mustEqual(again && textOf(again), textOf(journal), "a journal is the same after encoding and decoding");
  must(
    journal.clean === undefined || head.length === bytes.length,
    "what something was appended to is not clean",
  );
  const { clean } = journal;
  if (clean !== undefined) {
    must(Buffer.compare(head, bytes) === 0, "a clean journal is encoded to the same bytes");
    must(isTrusted(journal, clean), "the part file that was left is trusted");
    must(!isTrusted(journal, { ...clean, size: clean.size + 1 }), "another part file is not trusted");
  }
  return true;
}

function textOf({ fileId, size, claimed, clean }: Journal): string {
  return JSON.stringify([fileId, size, [...claimed.indices()], clean]);
}

const HASHED: FileIdentity = {
  device: "1",
  inode: "2",
  size: 3.5 * HASH_JOURNAL_BLOCK_PIECES * PIECE_BYTES,
  modifiedNs: "4",
};
const HASHED_HEAD = encodeHashHead(HASHED);
const HASHED_ROWS = new Uint8Array(3 * BLOCK_ROWS_BYTES).map((_, at) => at % 251);
const HASHED_BLOCKS = [0, 1, 2].map((index) =>
  encodeHashBlock(
    HASHED_HEAD,
    index,
    HASHED_ROWS.subarray(index * BLOCK_ROWS_BYTES, (index + 1) * BLOCK_ROWS_BYTES),
  ),
);

function hashJournalCase(draw: Draw): FuzzCase<Uint8Array> {
  const whole = Buffer.concat([HASHED_HEAD, ...HASHED_BLOCKS.slice(0, 1 + draw.below(3))]);
  switch (draw.below(5)) {
    case 0:
      return { input: whole, isValid: true };
    case 1:
      return { input: Buffer.concat([whole, draw.bytes(draw.size(40))]), isValid: true };
    case 2:
      return {
        input: Buffer.concat([
          HASHED_HEAD,
          ...Array.from({ length: draw.below(4) }, () => draw.pick(HASHED_BLOCKS)),
        ]),
      };
    case 3:
      return { input: draw.bytes(draw.size(300)) };
    default:
      return { input: mutateBytes(draw, whole) };
  }
}

function checkHashJournal(bytes: Uint8Array): boolean {
  const rows = decodeHashJournal(bytes, HASHED);
  must(rows.length % BLOCK_ROWS_BYTES === 0, "only whole blocks are believed");
  must(Buffer.compare(rows, HASHED_ROWS.subarray(0, rows.length)) === 0, "only what was written is believed");
  must(
    decodeHashJournal(bytes, { ...HASHED, modifiedNs: "5" }).length === 0,
    "of a file that was changed since nothing is believed",
  );
  return rows.length > 0;
}

export const journalFuzzTargets: readonly FuzzTarget<Uint8Array>[] = [
  { name: "hash journals", generate: hashJournalCase, check: checkHashJournal },
  { name: "journals", generate: journalCase, check: checkJournal },
];
