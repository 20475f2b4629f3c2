import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { PieceIndex } from "../base/ids.ts";
import { BUNDLE_BYTES_MAX, BUNDLE_FILES_MAX, BUNDLE_PIECE_FILES_MAX, PIECE_BYTES } from "../base/limits.ts";
import { Bundle, bytesOf, cutIntoBundles, cutIntoPieces } from "./bundle.ts";

const files = fc.array(
  fc.integer({ min: 1, max: PIECE_BYTES }).map((bytes) => ({ bytes })),
  { maxLength: 600 },
);
const fewBytes = fc.array(
  fc.integer({ min: 0, max: 5_000 }).map((bytes) => ({ bytes })),
  { maxLength: 1_000 },
);

describe("pieces of a bundle", () => {
  test("are whole files in their order, as many as fit", () => {
    fc.assert(
      fc.property(fc.oneof(files, fewBytes), (some) => {
        const pieces = cutIntoPieces(some);
        expect(pieces.flat()).toEqual(some);
        for (const [index, piece] of pieces.entries()) {
          expect(piece.length).toBeGreaterThan(0);
          expect(piece.length).toBeLessThanOrEqual(BUNDLE_PIECE_FILES_MAX);
          expect(bytesOf(piece)).toBeLessThanOrEqual(PIECE_BYTES);
          const next = pieces[index + 1]?.[0];
          const isFull =
            piece.length === BUNDLE_PIECE_FILES_MAX || bytesOf(piece) + (next?.bytes ?? 0) > PIECE_BYTES;
          expect(next === undefined || isFull).toBe(true);
        }
      }),
    );
  });

  test("are known by their numbers, their length and their files", () => {
    const [left, right, third] = [{ bytes: 3 }, { bytes: 4 }, { bytes: 5 }];
    const bundle = new Bundle([[left, right], [third]]);
    expect(bundle.pieces).toBe(2);
    expect([0, 1].map((piece) => bundle.pieceLength(piece as PieceIndex))).toEqual([7, 5]);
    expect(bundle.filesOf(0 as PieceIndex)).toEqual([left, right]);
    expect([-1, 2, 0.5, Number.NaN].map((value) => bundle.pieceIndex(value))).toEqual(
      Array(4).fill(undefined),
    );
  });
});

test("bundles hold all files in their order, and are bounded", () => {
  fc.assert(
    fc.property(fc.oneof(files, fewBytes), (some) => {
      const bundles = cutIntoBundles(some);
      expect(bundles.flat()).toEqual(some);
      for (const bundle of bundles) {
        expect(bundle.length).toBeLessThanOrEqual(BUNDLE_FILES_MAX);
        expect(bytesOf(bundle)).toBeLessThanOrEqual(BUNDLE_BYTES_MAX);
      }
    }),
  );
});
