import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Bitfield } from "../../base/bitfield.ts";
import type { PieceIndex } from "../../base/ids.ts";
import { PIECE_STATES, PieceMap, type PieceState } from "./piece-map.ts";

const at = (piece: number) => piece as PieceIndex;

function bits(length: number, ...set: number[]): Bitfield {
  const made = new Bitfield(length);
  for (const index of set) made.set(index);
  return made;
}

describe("the life of a piece", () => {
  test("leads from missing to have and is counted at each step", () => {
    const map = new PieceMap(3, new Bitfield(3));
    const life: PieceState[] = ["requested", "verifying", "writing", "have"];
    for (const state of life) {
      map.move(at(1), state);
      expect(map.state(at(1))).toBe(state);
      expect(map.count(state)).toBe(1);
    }
    expect(map.count("missing")).toBe(2);
    expect([...map.have.indices()]).toEqual([1]);
  });

  test("begins at have for what is on disk already, and the given bits stay the caller's", () => {
    const given = bits(4, 0, 3);
    const map = new PieceMap(4, given);
    expect(PIECE_STATES.map((state) => map.count(state))).toEqual([2, 0, 0, 0, 2]);
    given.set(1);
    expect(map.have.has(1)).toBe(false);
  });

  test("knows no step that skips verifying or writing, and no way back from have", () => {
    const map = new PieceMap(2, bits(2, 0));
    expect(() => map.move(at(1), "have")).toThrow("from missing to have");
    expect(() => map.move(at(1), "verifying")).toThrow("from missing to verifying");
    map.move(at(1), "requested");
    expect(() => map.move(at(1), "writing")).toThrow("from requested to writing");
    for (const state of PIECE_STATES) expect(() => map.move(at(0), state)).toThrow("cannot go from have");
  });

  test("ends at the last piece of the file", () => {
    expect(() => new PieceMap(2, new Bitfield(2)).state(at(2))).toThrow("piece 2 of 2");
    expect(() => new PieceMap(2, new Bitfield(3))).toThrow();
  });
});

describe("missing pieces", () => {
  test("come in file order", () => {
    expect([...new PieceMap(5, bits(5, 1, 3)).missing()]).toEqual([0, 2, 4].map(at));
  });

  test("come again from the front when one before the cursor is missing again", () => {
    const map = new PieceMap(4, new Bitfield(4));
    for (const piece of [0, 1, 2]) map.move(at(piece), "requested");
    expect(map.missing().next().value).toBe(at(3));
    map.move(at(1), "missing");
    expect([...map.missing()]).toEqual([at(1), at(3)]);
  });

  test("are none in a whole file and in an empty one", () => {
    expect([...new PieceMap(3, Bitfield.full(3)).missing()]).toEqual([]);
    expect([...new PieceMap(0, new Bitfield(0)).missing()]).toEqual([]);
  });
});

test("counts, bits and the first missing piece are what a recomputation finds, whatever happened", () => {
  const step = fc.tuple(fc.nat(7), fc.constantFrom(...PIECE_STATES));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const map = new PieceMap(8, bits(8, 5));
      for (const [piece, to] of steps) {
        try {
          map.move(at(piece), to);
        } catch {}
        const states = Array.from({ length: 8 }, (_, index) => map.state(at(index)));
        for (const state of PIECE_STATES)
          expect(map.count(state)).toBe(states.filter((one) => one === state).length);
        states.forEach((state, index) => {
          expect(map.have.has(index)).toBe(state === "have");
        });
        const first = states.indexOf("missing");
        expect(map.missing().next().value).toBe(first === -1 ? undefined : at(first));
      }
    }),
  );
});
