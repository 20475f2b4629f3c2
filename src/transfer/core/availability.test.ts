import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Bitfield } from "../../base/bitfield.ts";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { PIECES_MAX, SHUFFLED_PIECES } from "../../base/limits.ts";
import { Prng } from "../../base/prng.ts";
import { Availability } from "./availability.ts";

const at = (piece: number) => piece as PieceIndex;
const peer = (name: string) => name as Fingerprint;
const anyPiece = () => false;

function bits(length: number, set: Iterable<number>): Bitfield {
  const made = new Bitfield(length);
  for (const index of set) made.set(index);
  return made;
}

function wanting(pieces: number, seed = 1): Availability {
  const availability = new Availability(pieces, new Prng(seed));
  for (let piece = 0; piece < pieces; piece++) availability.want(at(piece));
  return availability;
}

/** All that the peer can give, in the order in which it would be asked. */
function drain(availability: Availability, from: Fingerprint): number[] {
  const order: number[] = [];
  for (;;) {
    const piece = availability.rarest(from, anyPiece);
    if (piece === undefined) return order;
    availability.unwant(piece);
    order.push(piece);
  }
}

describe("holders", () => {
  test("are counted through joining, new pieces and leaving", () => {
    const availability = wanting(4);
    availability.join(peer("seed"), Bitfield.full(4));
    availability.join(peer("part"), bits(4, [1]));
    expect([0, 1].map((piece) => availability.holdersOf(at(piece)))).toEqual([1, 2]);
    expect(availability.have(peer("part"), at(0))).toBe(true);
    expect(availability.have(peer("part"), at(0))).toBe(false);
    expect(availability.have(peer("seed"), at(0))).toBe(false);
    expect(availability.holdersOf(at(0))).toBe(2);
    availability.leave(peer("seed"));
    availability.leave(peer("nobody"));
    expect([0, 1, 2].map((piece) => availability.holdersOf(at(piece)))).toEqual([1, 1, 0]);
  });

  test("are incomplete until their last piece comes", () => {
    const availability = wanting(2);
    availability.join(peer("seed"), Bitfield.full(2));
    expect(availability.incompletePeers).toBe(0);
    availability.join(peer("part"), bits(2, [0]));
    expect(availability.incompletePeers).toBe(1);
    availability.have(peer("part"), at(1));
    expect(availability.incompletePeers).toBe(0);
    availability.leave(peer("part"));
    expect(availability.incompletePeers).toBe(0);
  });

  test("hold nothing once they have left", () => {
    const availability = wanting(2);
    availability.join(peer("seed"), Bitfield.full(2));
    expect(availability.holds(peer("seed"), at(1))).toBe(true);
    availability.leave(peer("seed"));
    expect(availability.holds(peer("seed"), at(1))).toBe(false);
    expect(availability.rarest(peer("seed"), anyPiece)).toBeUndefined();
  });
});

describe("the rarest", () => {
  test("comes before what more peers hold", () => {
    const availability = wanting(3);
    availability.join(peer("seed"), Bitfield.full(3));
    availability.join(peer("one"), bits(3, [0, 1]));
    availability.join(peer("two"), bits(3, [0]));
    expect(drain(availability, peer("seed"))).toEqual([2, 1, 0]);
  });

  test("is one that the peer holds", () => {
    const availability = wanting(3);
    availability.join(peer("one"), bits(3, [0, 1]));
    availability.join(peer("two"), bits(3, [0]));
    expect(drain(availability, peer("two"))).toEqual([0]);
  });

  test("is found again after it was given back", () => {
    const availability = wanting(50);
    availability.join(peer("seed"), Bitfield.full(50));
    const [first, second] = drain(availability, peer("seed"));
    availability.want(at(second ?? 0));
    availability.want(at(first ?? 0));
    expect(drain(availability, peer("seed"))).toEqual([first ?? 0, second ?? 0]);
  });

  test("passes over a piece that is unfit for this peer and leaves it to the others", () => {
    const availability = wanting(2);
    availability.join(peer("liar"), Bitfield.full(2));
    availability.join(peer("seed"), Bitfield.full(2));
    const first = availability.rarest(peer("seed"), anyPiece);
    expect(availability.rarest(peer("liar"), (piece) => piece === first)).not.toBe(first);
    expect(availability.rarest(peer("seed"), anyPiece)).toBe(first);
    expect(availability.rarest(peer("liar"), () => true)).toBeUndefined();
  });

  test("differs from client to client where pieces are equally rare, and is the same for the same seed", () => {
    const order = (seed: number) => {
      const availability = wanting(64, seed);
      availability.join(peer("seed"), Bitfield.full(64));
      return drain(availability, peer("seed"));
    };
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
    expect(order(1).toSorted((a, b) => a - b)).toEqual([...Array(64).keys()]);
  });
});

test("equally rare pieces of a large file come stretch by stretch, each client shuffling within: their beginning closes early", () => {
  const pieces = 3 * SHUFFLED_PIECES + 10;
  const availability = wanting(pieces);
  availability.join(peer("seed"), Bitfield.full(pieces));
  const order = drain(availability, peer("seed"));
  const stretches = order.map((piece) => Math.floor(piece / SHUFFLED_PIECES));
  expect(stretches).toEqual(stretches.toSorted((left, right) => left - right));
  for (let from = 0; from < pieces; from += SHUFFLED_PIECES) {
    const stretch = order.slice(from, from + SHUFFLED_PIECES);
    const rising = stretch.toSorted((left, right) => left - right);
    expect(stretch).not.toEqual(rising);
    expect(rising[0]).toBe(from);
  }
});

test("any piece is found around the end of the order", () => {
  const availability = wanting(40);
  availability.join(peer("part"), bits(40, [7]));
  for (const start of [0, 0.3, 0.6, 0.99])
    expect(availability.anyFrom(peer("part"), start, anyPiece)).toBe(at(7));
  expect(availability.anyFrom(peer("part"), 0.5, () => true)).toBeUndefined();
  availability.unwant(at(7));
  expect(availability.anyFrom(peer("part"), 0.5, anyPiece)).toBeUndefined();
});

describe("a model that recounts everything", () => {
  const PIECES = 70;
  const NAMES = ["a", "b", "c", "d"].map(peer);
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("join" as const),
      peer: fc.nat(3),
      pieces: fc.array(fc.nat(PIECES - 1), { maxLength: 50 }),
    }),
    fc.record({ kind: fc.constant("seed" as const), peer: fc.nat(3) }),
    fc.record({ kind: fc.constant("leave" as const), peer: fc.nat(3) }),
    fc.record({ kind: fc.constant("have" as const), peer: fc.nat(3), piece: fc.nat(PIECES - 1) }),
    fc.record({ kind: fc.constant("given" as const), peer: fc.nat(3), piece: fc.nat(PIECES - 1) }),
    fc.record({ kind: fc.constant("want" as const), piece: fc.nat(PIECES - 1) }),
    fc.record({ kind: fc.constant("take" as const), peer: fc.nat(3) }),
  );

  test("agrees on the holders of each piece and on how rare the rarest is", () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(step, { maxLength: 80 }), (seed, steps) => {
        const availability = wanting(PIECES, seed);
        const held = new Map<Fingerprint, Set<number>>();
        const given = new Map<Fingerprint, Set<number>>();
        const seeds = new Set<Fingerprint>();
        const wanted = new Set(Array(PIECES).keys());
        const rarity = (piece: number) =>
          [...held].filter(([name, pieces]) => !seeds.has(name) && pieces.has(piece)).length +
          [...given.values()].filter((pieces) => pieces.has(piece)).length;
        for (const one of steps) {
          const name = "peer" in one ? NAMES[one.peer] : undefined;
          const pieces = name === undefined ? undefined : held.get(name);
          if (one.kind === "want") {
            availability.want(at(one.piece));
            wanted.add(one.piece);
          }
          if (name === undefined) continue;
          if ((one.kind === "join" || one.kind === "seed") && pieces === undefined) {
            const set = one.kind === "seed" ? Bitfield.full(PIECES) : bits(PIECES, one.pieces);
            availability.join(name, set);
            held.set(name, new Set(set.indices()));
            if (set.isFull) seeds.add(name);
          }
          if (one.kind === "leave") {
            availability.leave(name);
            held.delete(name);
            given.delete(name);
            seeds.delete(name);
          }
          if (one.kind === "have" && pieces !== undefined) {
            availability.have(name, at(one.piece));
            pieces.add(one.piece);
          }
          if (one.kind === "given" && pieces !== undefined) {
            const before = given.get(name) ?? new Set();
            const isNews = pieces.has(one.piece) && !before.has(one.piece);
            expect(availability.given(name, at(one.piece))).toBe(isNews);
            if (isNews) given.set(name, before.add(one.piece));
          }
          if (one.kind === "take") {
            const candidates = [...wanted].filter((piece) => pieces?.has(piece));
            const rarest = Math.min(...candidates.map(rarity));
            const taken = availability.rarest(name, anyPiece);
            expect(taken === undefined).toBe(candidates.length === 0);
            if (taken === undefined) continue;
            expect(candidates).toContain(taken);
            expect(rarity(taken)).toBe(rarest);
            availability.unwant(taken);
            wanted.delete(taken);
          }
        }
        for (let piece = 0; piece < PIECES; piece++)
          expect(availability.rarity(at(piece))).toBe(rarity(piece));
        for (let piece = 0; piece < PIECES; piece++)
          expect(availability.holdersOf(at(piece))).toBe(
            [...held.values()].filter((set) => set.has(piece)).length,
          );
        const incomplete = [...held.values()].filter((set) => set.size < PIECES).length;
        expect(availability.incompletePeers).toBe(incomplete);
      }),
      { numRuns: 300 },
    );
  });
});

test("with the largest file, seeds come and go and pieces are picked without a look at all pieces", () => {
  const availability = wanting(PIECES_MAX);
  const full = Bitfield.full(PIECES_MAX);
  const startMs = performance.now();
  for (let seed = 0; seed < 1_000; seed++) availability.join(peer(`seed ${seed}`), full);
  for (let seed = 1; seed < 1_000; seed++) availability.leave(peer(`seed ${seed}`));
  for (let pick = 0; pick < 100_000; pick++)
    availability.unwant(availability.rarest(peer("seed 0"), anyPiece) ?? at(0));
  // Looking at all 2 million pieces for each of them would take minutes.
  expect(performance.now() - startMs).toBeLessThan(2_000);
});
