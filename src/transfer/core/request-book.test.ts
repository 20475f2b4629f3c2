import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { ENDGAME_COPIES_MAX } from "../../base/limits.ts";
import { RequestBook } from "./request-book.ts";

const at = (piece: number) => piece as PieceIndex;
const [ann, bob, cid] = ["ann", "bob", "cid"] as Fingerprint[] as [Fingerprint, Fingerprint, Fingerprint];
const fiveSeconds = () => 5_000;

describe("copies", () => {
  test("are two at most, from different peers", () => {
    const book = new RequestBook();
    book.add(ann, at(1), 0);
    expect(() => book.add(ann, at(1), 0)).toThrow("one peer twice");
    book.add(bob, at(1), 0);
    expect(() => book.add(cid, at(1), 0)).toThrow("too many peers");
    expect([book.copies(at(1)), book.size]).toEqual([2, 2]);
  });

  test("lose when another comes first", () => {
    const book = new RequestBook();
    book.add(ann, at(1), 0);
    book.add(bob, at(1), 5);
    const arrival = book.arrived(bob, at(1));
    expect(arrival.request?.sentMs).toBe(5);
    expect(arrival.losers).toEqual([ann]);
    expect([book.size, book.copies(at(1)), book.inFlight(ann)]).toEqual([0, 0, 0]);
  });

  test("lose also to one that was not asked any more", () => {
    const book = new RequestBook();
    book.add(ann, at(1), 0);
    expect(book.arrived(cid, at(1))).toEqual({ request: undefined, losers: [ann] });
  });

  test("are told apart when one ends", () => {
    const book = new RequestBook();
    book.add(ann, at(1), 0);
    book.add(bob, at(1), 0);
    expect(book.remove(cid, at(1))).toBe("unknown");
    expect(book.remove(ann, at(1))).toBe("copy-left");
    expect(book.remove(ann, at(1))).toBe("unknown");
    expect(book.remove(bob, at(1))).toBe("last-copy");
  });
});

describe("time", () => {
  test("runs out for a whole queue, counted from its first request", () => {
    const book = new RequestBook();
    book.add(ann, at(1), 100);
    book.add(ann, at(2), 4_000);
    expect(book.nextDeadlineMs(fiveSeconds)).toBe(5_100);
    expect(book.expired(5_099, fiveSeconds)).toEqual([]);
    expect(book.expired(5_100, fiveSeconds)).toEqual([ann]);
  });

  test("begins again with every byte of the peer and with nobody else's", () => {
    const book = new RequestBook();
    book.add(ann, at(1), 0);
    book.add(bob, at(2), 0);
    book.heard(ann, 3_000);
    book.heard(cid, 4_000);
    expect(book.nextDeadlineMs(fiveSeconds)).toBe(5_000);
    expect(book.expired(5_000, fiveSeconds)).toEqual([bob]);
  });

  test("does not pass for one that is asked for nothing", () => {
    const book = new RequestBook();
    book.add(ann, at(1), 0);
    book.remove(ann, at(1));
    expect(book.nextDeadlineMs(fiveSeconds)).toBeUndefined();
    book.add(ann, at(2), 60_000);
    expect(book.expired(60_000, fiveSeconds)).toEqual([]);
  });

  test("is each peer's own", () => {
    const book = new RequestBook();
    book.add(ann, at(1), 0);
    book.add(bob, at(2), 0);
    const silenceMs = (peer: Fingerprint) => (peer === ann ? 9_000 : 6_000);
    expect(book.nextDeadlineMs(silenceMs)).toBe(6_000);
    expect(book.expired(7_000, silenceMs)).toEqual([bob]);
  });
});

test("bytes of a piece are counted once, however they are told", () => {
  const book = new RequestBook();
  book.add(ann, at(1), 0);
  expect([100, 100, 60, 150].map((bytes) => book.received(ann, at(1), bytes))).toEqual([100, 0, 0, 50]);
  expect(book.received(ann, at(2), 10)).toBe(0);
  expect(book.of(ann)[0]?.receivedBytes).toBe(150);
});

test("both indexes hold the same requests, whatever happened", () => {
  const names = [ann, bob, cid];
  const step = fc.record({
    kind: fc.constantFrom("add", "remove", "arrived"),
    peer: fc.nat(2),
    piece: fc.nat(4),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const book = new RequestBook();
      let model: string[] = [];
      for (const { kind, peer, piece } of steps) {
        const name = names[peer] ?? ann;
        const key = `${name} ${piece}`;
        const copies = model.filter((one) => one.endsWith(` ${piece}`)).length;
        if (kind === "add" && !model.includes(key) && copies < ENDGAME_COPIES_MAX) {
          book.add(name, at(piece), 0);
          model.push(key);
        }
        if (kind === "remove") {
          book.remove(name, at(piece));
          model = model.filter((one) => one !== key);
        }
        if (kind === "arrived") {
          book.arrived(name, at(piece));
          model = model.filter((one) => !one.endsWith(` ${piece}`));
        }
        const byPeer = names.flatMap((one) => book.of(one).map((request) => `${one} ${request.piece}`));
        expect(byPeer.toSorted()).toEqual(model.toSorted());
        expect(book.size).toBe(model.length);
        for (let index = 0; index < 5; index++)
          expect(book.copies(at(index))).toBe(model.filter((one) => one.endsWith(` ${index}`)).length);
        expect(book.peers().toSorted()).toEqual(names.filter((one) => book.inFlight(one) > 0));
      }
    }),
    { numRuns: 60 },
  );
});
