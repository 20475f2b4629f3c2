import { expect, test } from "bun:test";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import { PIECE_BYTES } from "../../base/limits.ts";
import { expectedFrom, isWorthAsking, stragglers } from "./endgame.ts";
import { PeerTable } from "./peer-table.ts";
import { RequestBook } from "./request-book.ts";

const at = (piece: number) => piece as PieceIndex;
const [ann, bob] = ["ann", "bob"] as Fingerprint[] as [Fingerprint, Fingerprint];
const length = () => PIECE_BYTES;

/** Both connected; ann has shown that a piece takes her a second. */
function begin() {
  const [peers, book] = [new PeerTable(), new RequestBook()];
  for (const peer of [ann, bob]) peers.join(peer);
  peers.requested(ann, 0, 0);
  peers.delivered(ann, PIECE_BYTES, 1_000);
  return { peers, book };
}

test("a piece far behind in a queue is expected later than the first", () => {
  const { peers, book } = begin();
  for (const piece of [1, 2, 3]) book.add(ann, at(piece), 1_000);
  book.received(ann, at(1), PIECE_BYTES / 2);
  const found = stragglers(book, peers, length, 1_000).map(({ piece, expectedMs }) => [piece, expectedMs]);
  expect(found).toEqual([
    [at(3), 2_500],
    [at(2), 1_500],
    [at(1), 500],
  ]);
});

test("silence counts against a peer that used to be fast, and all the more against one never heard", () => {
  const { peers, book } = begin();
  book.add(ann, at(1), 1_000);
  book.add(bob, at(2), 6_000);
  const expected = (now: number) => stragglers(book, peers, length, now).map(({ expectedMs }) => expectedMs);
  expect(expected(6_000)).toEqual([5_000, 0]);
  expect(expected(9_000)).toEqual([8_000, 3_000]);
});

test("of a snubbed peer nothing is expected, as holder or as helper", () => {
  const { peers, book } = begin();
  book.add(ann, at(1), 1_000);
  peers.timedOut(ann);
  expect(stragglers(book, peers, length, 1_000)[0]?.expectedMs).toBe(Number.POSITIVE_INFINITY);
  expect(expectedFrom(ann, book, peers, length)).toBe(Number.POSITIVE_INFINITY);
});

test("a piece that two peers are asked for comes with the sooner one; the other is the slowest", () => {
  const { peers, book } = begin();
  book.add(bob, at(1), 0);
  book.add(ann, at(1), 9_000);
  expect(stragglers(book, peers, length, 9_000)).toMatchObject([
    { piece: at(1), expectedMs: 1_000, slowest: bob },
  ]);
});

test("a helper's own queue comes first", () => {
  const { peers, book } = begin();
  const free = expectedFrom(ann, book, peers, length);
  book.add(ann, at(1), 0);
  expect(expectedFrom(ann, book, peers, length)).toBeCloseTo(free + 1_000);
});

test("a piece is worth asking for again if it comes much sooner, never from one that will not come", () => {
  const straggler = { piece: at(1), expectedMs: 1_000, slowest: ann, isWaiting: true };
  expect([200, 900, 2_000].map((ms) => isWorthAsking(straggler, ms))).toEqual([true, false, false]);
  const never = { ...straggler, expectedMs: Number.POSITIVE_INFINITY };
  expect(isWorthAsking(never, 60_000)).toBe(true);
  expect(isWorthAsking(never, Number.POSITIVE_INFINITY)).toBe(false);
});
