import { describe, expect, test } from "bun:test";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import {
  PIECE_BYTES,
  PIPELINE_PIECES_MAX,
  PIPELINE_PIECES_MIN,
  REFUSED_PIECES_MAX,
  REQUEST_MS_MAX,
  REQUEST_MS_MIN,
  WRONG_PIECES_MAX,
} from "../../base/limits.ts";
import { PeerTable } from "./peer-table.ts";

const at = (piece: number) => piece as PieceIndex;
const ann = "ann" as Fingerprint;

function joined(): PeerTable {
  const table = new PeerTable();
  table.join(ann);
  return table;
}

/** Delivers in small steps without a pause, after a round trip. @returns when it stopped */
function deliver(table: PeerTable, bytesPerSecond: number, fromMs: number, forMs: number, roundTripMs = 0) {
  table.requested(ann, 0, fromMs);
  const stepMs = 10;
  for (let atMs = stepMs; atMs <= forMs; atMs += stepMs)
    table.delivered(ann, (bytesPerSecond * stepMs) / 1_000, fromMs + roundTripMs + atMs);
  return fromMs + roundTripMs + forMs;
}

describe("rate", () => {
  test("is unknown before the first bytes and right soon after them", () => {
    const table = joined();
    expect(table.rate(ann)).toBeUndefined();
    deliver(table, 1e6, 0, 200);
    expect(table.rate(ann)).toBeCloseTo(1e6, -4);
  });

  test("follows a change within a few seconds", () => {
    const table = joined();
    const now = deliver(table, 1e6, 0, 10_000);
    deliver(table, 1e5, now, 6_000);
    expect(table.rate(ann)).toBeLessThan(1.6e5);
  });

  test("does not fall while the peer is asked for nothing", () => {
    const table = joined();
    deliver(table, 1e6, 0, 1_000);
    deliver(table, 1e6, 600_000, 1_000);
    expect(table.rate(ann)).toBeCloseTo(1e6, -4);
  });

  test("counts the time from the first request of a queue, not from the last", () => {
    const table = joined();
    table.requested(ann, 0, 0);
    table.requested(ann, 1, 900);
    table.delivered(ann, 1_000, 1_000);
    expect(table.rate(ann)).toBeCloseTo(1_000);
  });

  test("belongs to the connection", () => {
    const table = joined();
    deliver(table, 1e6, 0, 1_000);
    table.leave(ann);
    table.join(ann);
    expect(table.rate(ann)).toBeUndefined();
  });
});

describe("pipeline", () => {
  test("starts small", () => {
    expect(joined().pipelinePieces(ann)).toBe(PIPELINE_PIECES_MIN);
  });

  test("is least for 50 kB/s and most for 1 GB/s", () => {
    const slow = joined();
    deliver(slow, 50e3, 0, 5_000);
    expect(slow.pipelinePieces(ann)).toBe(PIPELINE_PIECES_MIN);
    const fast = joined();
    deliver(fast, 1e9, 0, 50);
    expect(fast.pipelinePieces(ann)).toBe(PIPELINE_PIECES_MAX);
  });

  test("covers the round trip of a distant peer", () => {
    const depth = (roundTripMs: number) => {
      const table = joined();
      deliver(table, 10e6, 0, 5_000, roundTripMs);
      return table.pipelinePieces(ann) * PIECE_BYTES;
    };
    expect(depth(400)).toBeGreaterThan(10e6 * 0.4);
    expect(depth(400)).toBeGreaterThan(depth(0));
  });

  test("is a single probe after a time out, until a piece comes", () => {
    const table = joined();
    deliver(table, 50e6, 0, 1_000);
    const before = table.pipelinePieces(ann);
    expect(before).toBeGreaterThan(1);
    table.timedOut(ann);
    expect([table.isSnubbed(ann), table.pipelinePieces(ann)]).toEqual([true, 1]);
    table.deliveredPiece(ann, at(1));
    expect(table.isSnubbed(ann)).toBe(false);
    expect(table.pipelinePieces(ann)).toBe(before);
  });
});

test("who comes back after a time out is a probe still, with patience for a first one, until a piece comes", () => {
  const table = joined();
  for (let times = 0; times < 5; times++) table.timedOut(ann);
  table.leave(ann);
  table.join(ann);
  expect([table.isSnubbed(ann), table.pipelinePieces(ann)]).toEqual([true, 1]);
  deliver(table, 100e6, 0, 1_000);
  expect(table.silenceMs(ann)).toBe(2 * REQUEST_MS_MIN);
  table.deliveredPiece(ann, at(1));
  table.leave(ann);
  table.join(ann);
  expect(table.isSnubbed(ann)).toBe(false);
});

describe("silence", () => {
  test("is short for a fast peer, longer for a slow one, bounded for any", () => {
    const allowed = (bytesPerSecond: number) => {
      const table = joined();
      deliver(table, bytesPerSecond, 0, 5_000);
      return table.silenceMs(ann);
    };
    expect(allowed(100e6)).toBe(REQUEST_MS_MIN);
    expect(allowed(PIECE_BYTES / 4)).toBeCloseTo(16_000, -2);
    expect(allowed(1_000)).toBe(REQUEST_MS_MAX);
  });

  test("doubles with each time out in a row", () => {
    const table = joined();
    deliver(table, 100e6, 0, 1_000);
    const allowed = [1, 2, 3, 4, 5].map(() => {
      table.timedOut(ann);
      return table.silenceMs(ann);
    });
    expect(allowed).toEqual([2, 4, 8, 12, 12].map((times) => times * REQUEST_MS_MIN));
  });
});

describe("conduct", () => {
  test("wrong pieces are borne up to a number, and none is asked of the same peer again", () => {
    const table = joined();
    for (let piece = 1; piece < WRONG_PIECES_MAX; piece++) expect(table.blame(ann, at(piece))).toBe("kept");
    expect(table.blame(ann, at(0))).toBe("too-many");
    expect([table.isUnfit(ann, at(0)), table.isUnfit(ann, at(99))]).toEqual([true, false]);
  });

  test("outlives the connection", () => {
    const table = joined();
    table.blame(ann, at(3));
    table.credit(ann, 700);
    table.leave(ann);
    expect(table.rows()).toEqual([{ peer: ann, state: "gone", verifiedBytes: 700, wrongPieces: 1, rate: 0 }]);
    table.join(ann);
    expect(table.isUnfit(ann, at(3))).toBe(true);
  });

  test("a refused piece may be asked for once it is offered again", () => {
    const table = joined();
    expect(table.refused(ann, at(3))).toBe("kept");
    expect(table.isUnfit(ann, at(3))).toBe(true);
    table.offered(ann, at(3));
    expect(table.isUnfit(ann, at(3))).toBe(false);
  });

  test("offering and refusing one piece over and over is not borne", () => {
    const table = joined();
    const verdicts = Array.from({ length: REFUSED_PIECES_MAX + 1 }, () => {
      table.offered(ann, at(3));
      return table.refused(ann, at(3));
    });
    expect(verdicts.filter((one) => one === "too-many").length).toBe(1);
    expect(verdicts.at(-1)).toBe("too-many");
  });

  test("a dropped peer stays out, for the first reason", () => {
    const table = joined();
    table.drop(ann, "refuses");
    table.drop(ann, "protocol");
    expect([table.dropReason(ann), table.isConnected(ann)]).toEqual(["refuses", false]);
    expect(() => table.join(ann)).toThrow("stays out");
  });

  test("pieces given up for lateness are remembered, not without bound", () => {
    const table = joined();
    table.gaveUp(ann, [at(1)]);
    expect([table.isLate(ann, at(1)), table.isLate(ann, at(2))]).toEqual([true, false]);
    for (let piece = 100; piece < 1_000; piece++) table.gaveUp(ann, [at(piece)]);
    expect(table.isLate(ann, at(1))).toBe(false);
    const kept = Array.from({ length: 1_000 }, (_, piece) => table.isLate(ann, at(piece))).filter(Boolean);
    expect(kept.length).toBeLessThanOrEqual(2 * PIPELINE_PIECES_MAX);
  });
});

test("what is said of a stranger is harmless", () => {
  const table = new PeerTable();
  table.delivered(ann, 5, 0);
  table.requested(ann, 0, 0);
  table.gaveUp(ann, [at(1)]);
  table.timedOut(ann);
  table.deliveredPiece(ann, at(1));
  table.rest(ann, 50);
  table.leave(ann);
  expect([table.rate(ann), table.restsUntilMs(ann), table.rows()]).toEqual([undefined, 0, []]);
});
