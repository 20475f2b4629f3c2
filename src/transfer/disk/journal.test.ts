import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Bitfield } from "../../base/bitfield.ts";
import type { FileId } from "../../base/ids.ts";
import { JOURNAL_BYTES_MAX, PIECE_BYTES, PIECES_MAX } from "../../base/limits.ts";
import { pieceCount } from "../../base/manifest.ts";
import { decodeJournal, encodeEntries, encodeHead, isTrusted, type Journal } from "./journal.ts";

const FILE_ID = "5f".repeat(32) as FileId;
const IDENTITY = { device: "2049", inode: "12345678901234567890", size: 10 * PIECE_BYTES, modifiedNs: "-17" };

function journalWith(pieces: readonly number[], clean: Journal["clean"] = undefined): Journal {
  const claimed = new Bitfield(10);
  for (const piece of pieces) claimed.set(piece);
  return { fileId: FILE_ID, size: 10 * PIECE_BYTES, claimed, clean };
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function claims(journal: Journal | undefined): number[] | undefined {
  return journal && [...journal.claimed.indices()];
}

const anyJournal = fc
  .tuple(
    fc.nat(40 * PIECE_BYTES),
    fc.infiniteStream(fc.boolean()),
    fc.option(
      fc.record({
        device: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        modifiedNs: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      }),
    ),
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
  )
  .map(([size, dice, clean, id]): Journal => {
    const claimed = new Bitfield(pieceCount(size));
    for (let piece = 0; piece < claimed.length; piece++) if (dice.next().value === true) claimed.set(piece);
    return {
      fileId: Buffer.from(id).toString("hex") as FileId,
      size,
      claimed,
      clean: clean
        ? {
            device: String(clean.device),
            inode: String(clean.inode),
            size,
            modifiedNs: String(clean.modifiedNs),
          }
        : undefined,
    };
  });

describe("a journal", () => {
  test("decodes to what was encoded", () => {
    fc.assert(
      fc.property(anyJournal, (journal) => {
        expect(decodeJournal(encodeHead(journal))).toEqual(journal);
      }),
    );
  });

  test("decodes to a value or to nothing, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decodeJournal(bytes)).toBeUndefined();
      }),
    );
    const head = encodeHead(journalWith([1]));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
        expect(decodeJournal(concat(head, tail))?.claimed.length).toBe(10);
      }),
    );
  });

  test("with any byte of its head changed or missing is nothing", () => {
    const head = encodeHead(journalWith([1, 5], IDENTITY));
    for (let at = 0; at < head.length; at++) {
      const changed = head.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(decodeJournal(changed)).toBeUndefined();
      expect(decodeJournal(head.subarray(0, at))).toBeUndefined();
    }
  });

  test("that claims to be of a larger file than there may be is refused before anything is reserved", () => {
    const head = encodeHead(journalWith([]));
    new DataView(head.buffer).setBigUint64(12, 2n ** 63n, true);
    expect(decodeJournal(head)).toBeUndefined();
  });

  test("of the largest file fits its bound", () => {
    const claimed = new Bitfield(PIECES_MAX);
    const head = encodeHead({ fileId: FILE_ID, size: PIECES_MAX * PIECE_BYTES, claimed, clean: undefined });
    expect(head.length + encodeEntries([0]).length * PIECES_MAX).toBeLessThanOrEqual(JOURNAL_BYTES_MAX);
  });

  test("reads the same from the middle of a larger buffer", () => {
    const head = encodeHead(journalWith([3], IDENTITY));
    const padded = concat(new Uint8Array(5), head);
    expect(decodeJournal(padded.subarray(5))).toEqual(journalWith([3], IDENTITY));
  });
});

describe("entries behind the head", () => {
  test("add to its claims", () => {
    const bytes = concat(encodeHead(journalWith([1])), encodeEntries([9, 0]), encodeEntries([4]));
    expect(claims(decodeJournal(bytes))).toEqual([0, 1, 4, 9]);
  });

  test("that are torn, repeated or nonsense are passed over", () => {
    const torn = encodeEntries([7]).subarray(0, 3);
    const bytes = concat(encodeHead(journalWith([1])), encodeEntries([2, 2, 10, 0xffffffff, 3]), torn);
    expect(claims(decodeJournal(bytes))).toEqual([1, 2, 3]);
  });

  test("take away a clean head's trust, even a single stray byte", () => {
    const head = encodeHead(journalWith([1], IDENTITY));
    expect(decodeJournal(head)?.clean).toEqual(IDENTITY);
    expect(decodeJournal(concat(head, encodeEntries([1])))?.clean).toBeUndefined();
    expect(decodeJournal(concat(head, new Uint8Array(1)))?.clean).toBeUndefined();
  });
});

describe("trust", () => {
  test("is given after a clean stop if the part file is the one that was left", () => {
    expect(isTrusted(journalWith([1], IDENTITY), { ...IDENTITY })).toBe(true);
  });

  test("is refused to a part file that was swapped, touched or cut, and after a kill", () => {
    for (const change of [{ inode: "1" }, { size: 1 }, { modifiedNs: "1" }])
      expect(isTrusted(journalWith([1], IDENTITY), { ...IDENTITY, ...change })).toBe(false);
    expect(isTrusted(journalWith([1]), IDENTITY)).toBe(false);
  });
});
