import { beforeEach, describe, expect, test } from "bun:test";
import { Bitfield } from "../../base/bitfield.ts";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import { PieceFlow } from "./piece-flow.ts";

const at = (piece: number) => piece as PieceIndex;
const [ann, bob] = ["ann", "bob"] as Fingerprint[] as [Fingerprint, Fingerprint];

let flow: PieceFlow;
beforeEach(() => {
  const have = new Bitfield(2);
  have.set(1);
  flow = new PieceFlow(2, have, new Prng(1));
  flow.availability.join(ann, Bitfield.full(2));
});

const wanted = () => flow.availability.rarest(ann, () => false);

describe("a piece is wanted", () => {
  test("while it is missing, and not when it is here from the start", () => {
    expect(wanted()).toBe(at(0));
    flow.request(ann, at(0), 0);
    expect(wanted()).toBeUndefined();
  });

  test("again after its last request has ended, not after the first of two", () => {
    flow.request(ann, at(0), 0);
    flow.request(bob, at(0), 0);
    expect(flow.release(ann, at(0))).toBe(true);
    expect(wanted()).toBeUndefined();
    expect(flow.release(ann, at(0))).toBe(false);
    expect(flow.release(bob, at(0))).toBe(true);
    expect([wanted(), flow.map.state(at(0))]).toEqual([at(0), "missing"]);
  });

  test("again after it was wrong or not written", () => {
    for (const isVerified of [false, true]) {
      flow.request(ann, at(0), 0);
      flow.arrived(ann, at(0));
      if (isVerified) flow.verified(at(0));
      expect(wanted()).toBeUndefined();
      expect(flow.failed(at(0))).toBe(ann);
      expect(wanted()).toBe(at(0));
    }
  });
});

test("a piece is busy from its request until it is written, each copy for itself", () => {
  flow.request(ann, at(0), 0);
  flow.request(bob, at(0), 0);
  expect(flow.busy).toBe(2);
  expect(flow.arrived(bob, at(0)).losers).toEqual([ann]);
  expect(flow.busy).toBe(1);
  flow.verified(at(0));
  expect(flow.written(at(0))).toBe(bob);
  expect([flow.busy, flow.map.have.isFull]).toEqual([0, true]);
});

test("a piece may come from one that is not asked for it any more", () => {
  flow.arrived(ann, at(0));
  expect([wanted(), flow.map.state(at(0)), flow.busy]).toEqual([undefined, "verifying", 1]);
});

test("what is not being stored can neither be written nor fail", () => {
  expect(() => flow.written(at(0))).toThrow();
  expect(() => flow.failed(at(1))).toThrow();
});
