import { describe, expect, test } from "bun:test";
import { Bitfield } from "../../base/bitfield.ts";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import { PieceFlow } from "./piece-flow.ts";
import { PiecePolicy } from "./piece-policy.ts";

const PIECES = 40;
const seed = "seed" as Fingerprint;
const part = "part" as Fingerprint;
const anyPiece = () => false;

function bits(...set: number[]): Bitfield {
  const made = new Bitfield(PIECES);
  for (const index of set) made.set(index);
  return made;
}

function begin(have: Bitfield, prngSeed = 1) {
  const prng = new Prng(prngSeed);
  const flow = new PieceFlow(PIECES, have, prng);
  return { flow, policy: new PiecePolicy(flow.map, flow.availability, prng) };
}

/** Picks until there is nothing left, asking for each. */
function order({ flow, policy }: ReturnType<typeof begin>, peer: Fingerprint): PieceIndex[] {
  const picked: PieceIndex[] = [];
  for (;;) {
    const piece = policy.pick(peer, anyPiece);
    if (piece === undefined) return picked;
    flow.request(peer, piece, 0);
    picked.push(piece);
  }
}

const rising = (pieces: readonly number[]) => pieces.toSorted((left, right) => left - right);

describe("alone with complete peers", () => {
  test("pieces go in file order, from the very first", () => {
    const client = begin(new Bitfield(PIECES));
    client.policy.setAlone(true);
    client.flow.availability.join(seed, Bitfield.full(PIECES));
    const pieces = order(client, seed);
    expect(pieces).toEqual(rising(pieces) as PieceIndex[]);
    expect(pieces.length).toBe(PIECES);
  });

  test("file order ends with the first incomplete peer, and returns when it has left", () => {
    const client = begin(bits(0));
    client.policy.setAlone(true);
    client.flow.availability.join(seed, Bitfield.full(PIECES));
    const common = Array.from({ length: PIECES - 1 }, (_, index) => index);
    client.flow.availability.join(part, bits(...common));
    expect(client.policy.pick(seed, anyPiece)).toBe((PIECES - 1) as PieceIndex);
    client.flow.availability.leave(part);
    expect(client.policy.pick(seed, anyPiece)).toBe(1 as PieceIndex);
  });

  test("a piece that is unfit for the peer is passed over", () => {
    const client = begin(new Bitfield(PIECES));
    client.policy.setAlone(true);
    client.flow.availability.join(seed, Bitfield.full(PIECES));
    expect(client.policy.pick(seed, (piece) => piece < 3)).toBe(3 as PieceIndex);
  });
});

describe("with other downloaders about", () => {
  test("pieces do not go in file order, though all connected peers are complete", () => {
    const client = begin(bits(0));
    client.flow.availability.join(seed, Bitfield.full(PIECES));
    const pieces = order(client, seed);
    expect(pieces).not.toEqual(rising(pieces) as PieceIndex[]);
    expect(rising(pieces)).toEqual(Array.from({ length: PIECES - 1 }, (_, index) => index + 1));
  });

  test("until one piece is here the rarest is not preferred", () => {
    const firsts = Array.from({ length: 20 }, (_, prngSeed) => {
      const client = begin(new Bitfield(PIECES), prngSeed);
      client.flow.availability.join(seed, Bitfield.full(PIECES));
      client.flow.availability.join(part, bits(...Array.from({ length: PIECES - 1 }, (_, index) => index)));
      return client.policy.pick(seed, anyPiece);
    });
    expect(new Set(firsts).size).toBeGreaterThan(5);
  });
});

test("a peer without a bitfield, and one with nothing of use, are asked for nothing", () => {
  const client = begin(bits(4));
  client.policy.setAlone(true);
  expect(client.policy.pick(seed, anyPiece)).toBeUndefined();
  client.flow.availability.join(part, bits(4));
  expect(client.policy.pick(part, anyPiece)).toBeUndefined();
});
