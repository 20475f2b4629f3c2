import { describe, expect, test } from "bun:test";
import { Bitfield } from "../../base/bitfield.ts";
import type { Fingerprint, PieceIndex } from "../../base/ids.ts";
import {
  BUSY_REST_MS,
  PIECE_BYTES,
  PIECES_MAX,
  PIPELINE_PIECES_MIN,
  REFUSED_PIECES_MAX,
  REQUEST_MS_MAX,
  REQUEST_MS_MIN,
  WRONG_PIECES_MAX,
} from "../../base/limits.ts";
import { DownloadMachine, type DownloadOptions } from "./download.ts";
import type { Effect } from "./download-effect.ts";

const at = (piece: number) => piece as PieceIndex;
const [ann, bob, cid] = ["ann", "bob", "cid"] as Fingerprint[] as [Fingerprint, Fingerprint, Fingerprint];
const LAST_BYTES = 100;

function bits(length: number, ...set: number[]): Bitfield {
  const made = new Bitfield(length);
  for (const index of set) made.set(index);
  return made;
}

/** A machine, and what its effects said, by kind. */
class Bench {
  readonly machine: DownloadMachine;
  now = 0;

  constructor(
    readonly pieces: number,
    options: Partial<DownloadOptions> = {},
  ) {
    const pieceLength = (piece: PieceIndex) => (piece === pieces - 1 ? LAST_BYTES : PIECE_BYTES);
    this.machine = new DownloadMachine({
      pieces,
      pieceLength,
      have: new Bitfield(pieces),
      seed: 7,
      budget: 64,
      ...options,
    });
    this.machine.setAlone(true);
  }

  join(peer: Fingerprint, bitfield = Bitfield.full(this.pieces)): readonly Effect[] {
    return [
      ...this.machine.peerJoined(peer, this.now),
      ...this.machine.peerBitfield(peer, bitfield, this.now),
    ];
  }

  /** Receives, verifies and writes. */
  fetch(peer: Fingerprint, piece: number): readonly Effect[] {
    const received = this.machine.pieceReceived(peer, at(piece), this.now);
    this.machine.verified(at(piece));
    return [...received, ...this.machine.written(at(piece), this.now)];
  }

  /** Receives a wrong piece. */
  fetchWrong(peer: Fingerprint, piece: number): readonly Effect[] {
    return [
      ...this.machine.pieceReceived(peer, at(piece), this.now),
      ...this.machine.rejected(at(piece), this.now),
    ];
  }

  /** Ticks at each time that the machine asks for, up to and with `untilMs`. */
  advance(untilMs: number): readonly Effect[] {
    const effects: Effect[] = [];
    for (;;) {
      const dueMs = this.machine.nextTimeoutMs(this.now);
      if (dueMs === undefined || dueMs > untilMs) break;
      expect(dueMs).toBeGreaterThan(this.now);
      this.now = dueMs;
      effects.push(...this.machine.tick(this.now));
    }
    this.now = untilMs;
    return effects;
  }

  peer(name: Fingerprint) {
    return this.machine.snapshot().peers.find((row) => row.peer === name);
  }
}

const requests = (effects: readonly Effect[], peer?: Fingerprint) =>
  effects.flatMap((one) =>
    one.kind === "request" && (peer === undefined || one.peer === peer) ? [one.piece as number] : [],
  );
const kinds = (effects: readonly Effect[]) => effects.map((effect) => effect.kind);
const of = <K extends Effect["kind"]>(effects: readonly Effect[], kind: K) =>
  effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);

describe("a download from one peer", () => {
  test("asks, stores, announces and is done", () => {
    const bench = new Bench(3);
    expect(requests(bench.join(ann))).toEqual([0, 1]);
    bench.now = 100;
    expect(kinds(bench.machine.pieceReceived(ann, at(0), 100)).slice(0, 1)).toEqual(["store"]);
    bench.machine.verified(at(0));
    expect(bench.machine.have.has(0)).toBe(false);
    const written = bench.machine.written(at(0), 110);
    expect(written).toContainEqual({ kind: "announce", pieces: [at(0)] });
    expect(bench.machine.have.has(0)).toBe(true);
    bench.now = 200;
    bench.fetch(ann, 1);
    const last = bench.fetch(ann, 2);
    expect(kinds(last)).toEqual(["store", "announce", "done"]);
    expect(bench.machine.isDone).toBe(true);
    expect(kinds(bench.machine.tick(300))).toEqual([]);
    const { haveBytes, wastedBytes } = bench.machine.snapshot();
    expect([haveBytes, wastedBytes]).toEqual([2 * PIECE_BYTES + LAST_BYTES, 0]);
    expect(bench.peer(ann)?.verifiedBytes).toBe(haveBytes);
  });

  test("asks for nothing before the bitfield, and only for what the peer holds", () => {
    const bench = new Bench(4);
    expect(bench.machine.peerJoined(ann, 0)).toEqual([]);
    expect(requests(bench.machine.peerBitfield(ann, bits(4, 2), 0))).toEqual([2]);
    expect(requests(bench.machine.peerHave(ann, [at(3)], 0))).toEqual([3]);
  });

  test("takes a peer that begins with have", () => {
    const bench = new Bench(4);
    bench.machine.peerJoined(ann, 0);
    expect(requests(bench.machine.peerHave(ann, [at(1)], 0))).toEqual([1]);
  });

  test("goes on where it was, and counts what was there", () => {
    const bench = new Bench(3, { have: bits(3, 0) });
    expect(requests(bench.join(ann))).toEqual([1, 2]);
    expect(bench.machine.snapshot().haveBytes).toBe(PIECE_BYTES);
  });

  test("is done at once, and once, when nothing is missing", () => {
    for (const pieces of [0, 3]) {
      const bench = new Bench(pieces, { have: Bitfield.full(pieces) });
      expect(kinds(bench.machine.tick(0))).toEqual(["done"]);
      expect(kinds(bench.join(ann))).toEqual([]);
      expect(bench.machine.nextTimeoutMs(0)).toBeUndefined();
    }
  });

  test("deepens its pipeline as the peer delivers", () => {
    const bench = new Bench(100);
    const open = new Set(requests(bench.join(ann)));
    expect(open.size).toBe(PIPELINE_PIECES_MIN);
    for (let round = 0; round < 30; round++) {
      bench.now += 5;
      const [piece] = open;
      if (piece === undefined) break;
      open.delete(piece);
      for (const next of requests(bench.fetch(ann, piece))) open.add(next);
    }
    expect(open.size).toBeGreaterThan(PIPELINE_PIECES_MIN * 4);
  });
});

describe("the budget", () => {
  test("bounds what is in flight, verified and written together, and is shared out in turn", () => {
    const bench = new Bench(20, { budget: 3 });
    bench.join(ann);
    const more = bench.join(bob);
    expect(requests(more).length).toBe(1);
    expect(requests(bench.machine.pieceReceived(ann, at(0), 10))).toEqual([]);
    bench.machine.verified(at(0));
    expect(requests(bench.machine.written(at(0), 20)).length).toBe(1);
  });

  test("goes to each peer in turn, however tight it is", () => {
    const bench = new Bench(9, { budget: 1 });
    const seen = [ann, bob, cid].flatMap((peer) => [...bench.join(peer)]);
    for (let piece = 0; piece < 8; piece++) {
      const [asked] = of(seen, "request").slice(-1);
      seen.push(...bench.fetch(asked?.peer ?? ann, asked?.piece ?? 0));
    }
    expect(new Set(of(seen, "request").map(({ peer }) => peer))).toEqual(new Set([ann, bob, cid]));
  });

  test("is used as soon as it grows; when it shrinks nothing is taken back", () => {
    const bench = new Bench(20, { budget: 1 });
    expect(requests(bench.join(ann)).length).toBe(1);
    expect(requests(bench.machine.setBudget(2, 0)).length).toBe(1);
    expect(bench.machine.setBudget(0, 0)).toEqual([]);
    expect(requests(bench.fetch(ann, 0))).toEqual([]);
  });
});

describe("a tight budget", () => {
  test("is taken from the silent early when one that delivers could use it", () => {
    const bench = new Bench(40, { budget: 3 });
    bench.join(ann);
    const [first = 0] = requests(bench.join(bob));
    bench.now = 1_000;
    bench.fetch(bob, first);
    const effects = bench.advance(REQUEST_MS_MIN);
    expect(of(effects, "cancel").map(({ peer }) => peer)).toEqual([ann, ann]);
    expect(requests(effects, bob).length).toBeGreaterThan(0);
  });

  test("is left to the silent when nobody else could use it", () => {
    const bench = new Bench(40, { budget: 2 });
    bench.join(ann);
    expect(bench.advance(REQUEST_MS_MIN)).toEqual([]);
  });
});

describe("a wrong piece", () => {
  test("is blamed on its sender and comes from another", () => {
    const bench = new Bench(1);
    bench.join(ann);
    bench.join(bob);
    const effects = bench.fetchWrong(ann, 0);
    expect(of(effects, "request")).toEqual([{ kind: "request", peer: bob, piece: at(0) }]);
    expect(bench.machine.have.count).toBe(0);
    expect([bench.peer(ann)?.wrongPieces, bench.peer(bob)?.wrongPieces]).toEqual([1, 0]);
    expect(bench.machine.snapshot().wastedBytes).toBe(LAST_BYTES);
  });

  test("is never asked of the same peer again, also when that one comes back", () => {
    const bench = new Bench(1);
    bench.join(ann);
    expect(requests(bench.fetchWrong(ann, 0))).toEqual([]);
    bench.machine.peerLost(ann, 0);
    expect(requests(bench.join(ann))).toEqual([]);
  });

  test("too often ends with the peer: its requests go to others and it stays out", () => {
    const bench = new Bench(9);
    bench.join(ann);
    let effects: readonly Effect[] = [];
    for (let piece = 0; piece < WRONG_PIECES_MAX; piece++) effects = bench.fetchWrong(ann, piece);
    expect(of(effects, "drop")).toEqual([{ kind: "drop", peer: ann, reason: "wrong-pieces" }]);
    expect(bench.peer(ann)?.state).toBe("dropped");
    expect(bench.machine.nextTimeoutMs(0)).toBeUndefined();
    expect(kinds(bench.machine.peerJoined(ann, 0))).toEqual(["drop"]);
    expect(requests(bench.join(bob))).toEqual([0, 1]);
  });

  test("is blamed on its sender also when that one has left", () => {
    const bench = new Bench(9);
    bench.join(ann);
    bench.machine.pieceReceived(ann, at(0), 0);
    bench.machine.peerLost(ann, 0);
    bench.machine.rejected(at(0), 0);
    expect([bench.peer(ann)?.wrongPieces, bench.peer(ann)?.state]).toEqual([1, "gone"]);
  });
});

describe("a peer that is silent", () => {
  test("loses its requests, is asked for one piece as a probe, and is trusted again when it delivers", () => {
    const bench = new Bench(9);
    bench.join(ann);
    const effects = bench.advance(REQUEST_MS_MAX / 2);
    expect(of(effects, "cancel").map(({ piece }) => piece)).toEqual([at(0), at(1)]);
    expect(requests(effects)).toEqual([2]);
    expect(bench.peer(ann)?.state).toBe("snubbed");
    bench.now += 50;
    expect(requests(bench.fetch(ann, 2)).length).toBeGreaterThanOrEqual(PIPELINE_PIECES_MIN);
    expect(bench.peer(ann)?.state).toBe("connected");
  });

  test.each([0, 1, 2, 3, 4])(
    "gains nothing by coming back: others are asked before it is asked again (looks at the turn between: %p)",
    (looks) => {
      const bench = new Bench(9, { budget: 1 });
      const silent = ["one", "two", "three"] as Fingerprint[];
      let asked = [...silent, ann].flatMap((peer) => of(bench.join(peer), "request").map((one) => one.peer));
      const inVain = new Set<Fingerprint>();
      for (let last = asked.at(-1); last !== undefined && last !== ann; last = asked.at(-1)) {
        expect(inVain).not.toContain(last);
        inVain.add(last);
        const effects = bench.advance(bench.now + REQUEST_MS_MAX / 2);
        bench.machine.peerLost(last, bench.now);
        asked = of([...effects, ...bench.join(last)], "request").map((one) => one.peer);
        for (let times = 0; times < looks; times++) bench.machine.tick(bench.now);
      }
      expect(asked).toEqual([ann]);
    },
  );

  test("hands its pieces to others first", () => {
    const bench = new Bench(80);
    bench.join(ann);
    const open = requests(bench.join(bob));
    for (let now = 1_000; now < REQUEST_MS_MAX / 2; now += 1_000) {
      const effects = [...bench.advance(now), ...bench.fetch(bob, open.shift() ?? 0)];
      open.push(...requests(effects, bob));
    }
    const effects = bench.advance(REQUEST_MS_MAX / 2);
    expect(bench.peer(ann)?.state).toBe("snubbed");
    for (const piece of requests(effects, ann)) expect(piece).toBeGreaterThan(1);
    expect(requests(bench.fetch(bob, open.shift() ?? 0), bob)[0]).toBe(0);
  });

  test("is asked again for what it let go when it alone has it", () => {
    const bench = new Bench(1);
    bench.join(ann);
    for (let round = 0; round < 3; round++)
      expect(requests(bench.advance(bench.now + REQUEST_MS_MAX))).toEqual([0]);
  });

  test("is not silent while a piece grows, however slowly", () => {
    const bench = new Bench(2);
    bench.join(ann);
    for (let step = 1; step <= 100; step++) {
      expect(kinds(bench.advance(step * 4_000))).toEqual([]);
      expect(bench.machine.received(ann, at(0), step * 100, bench.now)).toBe(true);
    }
    expect(bench.peer(ann)?.state).toBe("connected");
  });

  test("may still deliver what it was asked for: it is stored, and whoever was asked instead is told", () => {
    const bench = new Bench(1);
    bench.join(ann);
    bench.advance(REQUEST_MS_MAX / 2 - 1);
    expect(requests([...bench.join(bob), ...bench.advance(REQUEST_MS_MAX / 2)], bob)).toEqual([0]);
    expect(bench.peer(ann)?.requestsInFlight).toBe(0);
    expect(bench.machine.received(ann, at(0), 50, bench.now)).toBe(true);
    const effects = bench.fetch(ann, 0);
    expect(kinds(effects)).toEqual(["store", "cancel", "announce", "done"]);
    expect(of(effects, "cancel")[0]?.peer).toBe(bob);
    expect(bench.machine.snapshot().wastedBytes).toBe(0);
  });
});

test("what comes late is not stored where there is no room for it", () => {
  const bench = new Bench(9, { budget: 1 });
  bench.join(ann);
  expect(requests(bench.advance(REQUEST_MS_MAX / 2))).toEqual([1]);
  expect(bench.machine.received(ann, at(0), 5, bench.now)).toBe(false);
  expect(kinds(bench.machine.pieceReceived(ann, at(0), bench.now))[0]).toBe("discard");
});

describe("a refusal", () => {
  test("of a piece that is not there sends the request to another, and the piece is not asked of it again", () => {
    const bench = new Bench(1);
    bench.join(ann);
    bench.join(bob);
    const effects = bench.machine.requestRefused(ann, at(0), "not-held", 0);
    expect(of(effects, "request")).toEqual([{ kind: "request", peer: bob, piece: at(0) }]);
    expect(requests(bench.machine.requestRefused(bob, at(0), "not-held", 0))).toEqual([]);
    expect(requests(bench.machine.peerHave(ann, [at(0)], 0), ann)).toEqual([0]);
  });

  test("for being busy gives the peer a rest", () => {
    const bench = new Bench(1);
    bench.join(ann);
    expect(bench.machine.requestRefused(ann, at(0), "busy", 0)).toEqual([]);
    expect(bench.machine.nextTimeoutMs(0)).toBe(BUSY_REST_MS);
    expect(requests(bench.machine.tick(BUSY_REST_MS - 1))).toEqual([]);
    expect(requests(bench.machine.tick(BUSY_REST_MS))).toEqual([0]);
  });

  test("of nearly everything ends with the peer", () => {
    const bench = new Bench(REFUSED_PIECES_MAX + 9);
    const open = requests(bench.join(ann));
    const seen: Effect[] = [];
    while (open.length > 0)
      for (const effect of bench.machine.requestRefused(ann, at(open.shift() ?? 0), "not-held", 0)) {
        seen.push(effect);
        if (effect.kind === "request") open.push(effect.piece);
        if (effect.kind === "drop") open.length = 0;
      }
    expect(of(seen, "drop")).toEqual([{ kind: "drop", peer: ann, reason: "refuses" }]);
    expect(requests(seen).length).toBeLessThanOrEqual(REFUSED_PIECES_MAX + PIPELINE_PIECES_MIN);
  });

  test("of what was not asked is nothing", () => {
    const bench = new Bench(3);
    bench.join(ann);
    expect(bench.machine.requestRefused(ann, at(2), "busy", 0)).toEqual([]);
    expect(bench.machine.requestRefused(bob, at(2), "not-held", 0)).toEqual([]);
  });
});

describe("a lost peer", () => {
  test("hands its requests to others; what it had begun is wasted", () => {
    const bench = new Bench(2);
    bench.join(ann);
    bench.join(bob);
    bench.machine.received(ann, at(0), 300, 5);
    const effects = bench.machine.peerLost(ann, 10);
    expect(requests(effects, bob).toSorted()).toEqual([0, 1]);
    expect(of(effects, "cancel")).toEqual([]);
    expect(bench.machine.snapshot().wastedBytes).toBe(300);
  });

  test("and strangers can say what they like", () => {
    const bench = new Bench(3);
    bench.join(ann);
    bench.machine.peerLost(ann, 0);
    for (const peer of [ann, bob]) {
      expect(bench.machine.peerLost(peer, 0)).toEqual([]);
      expect(bench.machine.peerBitfield(peer, Bitfield.full(3), 0)).toEqual([]);
      expect(bench.machine.peerHave(peer, [at(0)], 0)).toEqual([]);
      expect(bench.machine.received(peer, at(0), 5, 0)).toBe(false);
      expect(kinds(bench.machine.pieceReceived(peer, at(0), 0))).toEqual(["discard"]);
    }
  });
});

test("a second bitfield ends with the peer", () => {
  const bench = new Bench(3);
  bench.join(ann);
  expect(bench.machine.peerBitfield(ann, bits(3), 0)).toEqual([
    { kind: "drop", peer: ann, reason: "protocol" },
  ]);
});

test("a piece nobody asked for is thrown away and counted as waste", () => {
  const bench = new Bench(9);
  bench.join(ann);
  expect(bench.machine.received(ann, at(5), 10, 0)).toBe(false);
  expect(kinds(bench.machine.pieceReceived(ann, at(5), 0))).toEqual(["discard"]);
  expect(bench.machine.snapshot().wastedBytes).toBe(PIECE_BYTES);
  expect(bench.machine.pieceState(at(5))).toBe("missing");
});

describe("the endgame", () => {
  /** Ann is slow and has the last two pieces; Bob is fast and has nothing left to do. */
  function lastPieces() {
    const bench = new Bench(4);
    bench.join(ann, bits(4, 0, 1));
    bench.join(bob);
    bench.now = 100;
    bench.fetch(bob, 2);
    bench.now = 200;
    const effects = bench.fetch(bob, 3);
    return { bench, effects };
  }

  test("lets a fast idle peer fetch what a slow one keeps waiting for", () => {
    const { bench, effects } = lastPieces();
    const later = [...effects, ...bench.advance(2_000)];
    expect(requests(later, bob).toSorted()).toEqual([0, 1]);
    expect(of(later, "cancel")).toEqual([]);
  });

  test("cancels the loser when the first copy is here; a late second copy is waste", () => {
    const { bench } = lastPieces();
    bench.advance(2_000);
    const effects = bench.machine.pieceReceived(bob, at(0), 2_100);
    expect(effects.slice(0, 2)).toEqual([
      { kind: "store", peer: bob, piece: at(0) },
      { kind: "cancel", peer: ann, piece: at(0) },
    ]);
    const before = bench.machine.snapshot().wastedBytes;
    expect(bench.machine.received(ann, at(0), 9, 2_150)).toBe(false);
    expect(kinds(bench.machine.pieceReceived(ann, at(0), 2_200))).toEqual(["discard"]);
    expect(bench.machine.snapshot().wastedBytes - before).toBe(PIECE_BYTES);
  });

  /** Ann is silent and has the last piece; Cid has delivered all others. */
  function silentLast(pieceMs = 100) {
    const bench = new Bench(3);
    bench.join(ann, bits(3, 0));
    bench.join(cid, bits(3, 1, 2));
    for (const piece of [1, 2]) {
      bench.now += pieceMs;
      bench.fetch(cid, piece);
    }
    return bench;
  }

  test("leaves it at two copies: a third peer that delivers takes the place of the slowest", () => {
    const bench = silentLast();
    expect(requests([...bench.join(bob, bits(3, 0)), ...bench.advance(4_000)], bob)).toEqual([0]);
    expect(bench.advance(6_000)).toEqual([]);
    expect(bench.machine.peerHave(cid, [at(0)], 6_000)).toEqual([
      { kind: "cancel", peer: ann, piece: at(0) },
      { kind: "request", peer: cid, piece: at(0) },
    ]);
    expect(kinds(bench.fetch(ann, 0))).toEqual(["store", "cancel", "cancel", "announce", "done"]);
  });

  test("tries one that has not shown its speed only where none that delivers could help", () => {
    const bench = silentLast(3_000);
    bench.machine.peerHave(cid, [at(0)], bench.now);
    expect([...bench.join(bob, bits(3, 0)), ...bench.advance(20_000)]).toEqual([]);
    expect(requests(bench.machine.peerLost(cid, 20_000), bob)).toEqual([0]);
  });

  test("tries one that has not shown its speed only when nothing else is missing", () => {
    const bench = new Bench(2);
    bench.join(ann, bits(2, 0));
    bench.join(bob, bits(2, 0));
    expect(bench.advance(10_000)).toEqual([]);
  });

  test("leaves two equals alone", () => {
    const bench = new Bench(2);
    bench.join(ann, bits(2, 0));
    bench.join(bob, bits(2, 1));
    expect(requests(bench.machine.peerHave(ann, [at(1)], 100))).toEqual([]);
    expect(requests(bench.machine.peerHave(bob, [at(0)], 100))).toEqual([]);
  });

  test("does not begin for a peer that still has missing pieces to give", () => {
    const bench = new Bench(40);
    bench.join(ann, bits(40, 0));
    const open = requests(bench.join(bob));
    for (let round = 1; round < 30; round++) {
      bench.now += 100;
      const effects = bench.fetch(bob, open.shift() ?? 0);
      expect(requests(effects, bob)).not.toContain(0);
      open.push(...requests(effects, bob));
    }
  });
});

test("the last piece comes from the honest one, though others begin to send it whenever they are asked, and never end", () => {
  const starters = ["eve", "mal", "sly", "tim"] as Fingerprint[];
  for (let seed = 1; seed <= 20; seed++) {
    const bench = new Bench(1, { seed });
    const { machine } = bench;
    let wasAsked = false;
    const obey = (effects: readonly Effect[]): void => {
      for (const effect of effects) {
        if (effect.kind !== "request") continue;
        if (effect.peer === ann) wasAsked = true;
        else machine.received(effect.peer, effect.piece, LAST_BYTES / 2, bench.now);
      }
    };
    for (const peer of [...starters, ann]) obey(bench.join(peer));
    const untilMs = 5 * REQUEST_MS_MAX;
    while (!wasAsked && bench.now < untilMs) {
      bench.now = Math.max(bench.now + 1, machine.nextTimeoutMs(bench.now) ?? untilMs);
      obey(machine.tick(bench.now));
    }
    expect(`seed ${seed}: asked ${wasAsked}`).toBe(`seed ${seed}: asked true`);
  }
});

describe("a halt", () => {
  test("by pausing cancels what is in flight and asks for nothing until resumed", () => {
    const bench = new Bench(9);
    bench.join(ann);
    const effects = bench.machine.pause(10);
    expect(kinds(effects)).toEqual(["cancel", "cancel"]);
    expect(bench.machine.nextTimeoutMs(10)).toBeUndefined();
    expect(bench.join(bob)).toEqual([]);
    expect(kinds(bench.machine.pieceReceived(ann, at(0), 20))).toEqual(["discard"]);
    expect(requests(bench.machine.resume(30)).length).toBeGreaterThanOrEqual(2 * PIPELINE_PIECES_MIN);
  });

  test("lets what is being stored be written", () => {
    const bench = new Bench(1);
    bench.join(ann);
    bench.machine.pieceReceived(ann, at(0), 10);
    bench.machine.pause(11);
    bench.machine.verified(at(0));
    expect(kinds(bench.machine.written(at(0), 12))).toEqual(["announce", "done"]);
  });

  test("by a full disk makes the piece missing again and lasts until the disk is ready", () => {
    const bench = new Bench(9);
    bench.join(ann);
    bench.machine.pieceReceived(ann, at(0), 10);
    bench.machine.verified(at(0));
    expect(new Set(kinds(bench.machine.storeFailed(at(0), 20)))).toEqual(new Set<Effect["kind"]>(["cancel"]));
    expect([bench.machine.pieceState(at(0)), bench.peer(ann)?.wrongPieces]).toEqual(["missing", 0]);
    expect(bench.machine.tick(5_000)).toEqual([]);
    expect(requests(bench.machine.diskReady(5_000))).toContain(0);
  });

  test("for two reasons ends when both have ended", () => {
    const bench = new Bench(9);
    bench.join(ann);
    bench.machine.pieceReceived(ann, at(0), 10);
    bench.machine.storeFailed(at(0), 10);
    bench.machine.pause(11);
    expect(bench.machine.diskReady(12)).toEqual([]);
    expect(requests(bench.machine.resume(13)).length).toBeGreaterThan(0);
  });
});

test("a file of two million pieces costs no more for each input than a small one", () => {
  const bench = new Bench(PIECES_MAX, { budget: 128 });
  bench.machine.setAlone(false);
  const open = [...requests(bench.join(ann)).map((piece) => [ann, piece] as const)];
  open.push(...requests(bench.join(bob), bob).map((piece) => [bob, piece] as const));
  bench.join(cid, bits(PIECES_MAX, 1, 2, 3));
  const startMs = performance.now();
  for (let round = 0; round < 20_000; round++) {
    const [peer, piece] = open.shift() ?? [ann, 0];
    bench.now += 0.2;
    for (const effect of bench.fetch(peer, piece))
      if (effect.kind === "request") open.push([effect.peer, effect.piece]);
  }
  expect(bench.machine.have.count).toBe(20_000);
  // A look at every piece for each input would take minutes.
  expect(performance.now() - startMs).toBeLessThan(3_000);
});

describe("what a source gives to somebody else", () => {
  const given = (bench: Bench, peer: Fingerprint, ...pieces: number[]) =>
    bench.machine.peerGiven(
      peer,
      pieces.map((piece) => at(piece)),
      bench.now,
    );
  /** One of several: rarest first. */
  const crowd = (pieces: number) => {
    const bench = new Bench(pieces);
    bench.machine.setAlone(false);
    return bench;
  };

  test("is exchanged, where it waits, for what that source has given to nobody", () => {
    const bench = crowd(8);
    const [first = -1] = requests(bench.join(ann));
    const effects = given(bench, ann, first);
    expect(of(effects, "cancel").map(({ piece }) => piece as number)).toEqual([first]);
    expect(requests(effects, ann)).toHaveLength(1);
    expect(requests(effects, ann)).not.toContain(first);
  });

  test("is asked for last, and is asked for all the same when there is nothing else", () => {
    const bench = crowd(8);
    const asked = requests(bench.join(ann));
    const left = [...Array(8).keys()].filter((piece) => !asked.includes(piece));
    const fresh = left.pop() ?? -1;
    expect(given(bench, ann, ...left)).toEqual([]);
    expect(requests(bench.fetch(ann, asked[0] ?? -1))).toEqual([fresh]);
    expect(left).toContain(requests(bench.fetch(ann, asked[1] ?? -1))[0] ?? -1);
  });

  test("stays asked for once its first byte is here, or where nothing rarer is left", () => {
    const bench = crowd(3);
    const [first = -1, second = -1] = requests(bench.join(ann));
    bench.machine.received(ann, at(first), 1, 0);
    expect(given(bench, ann, first)).toEqual([]);
    const other = [0, 1, 2].find((piece) => piece !== first && piece !== second) ?? -1;
    given(bench, ann, other);
    bench.now = 1_000;
    expect(given(bench, ann, second)).toEqual([]);
  });

  test("moves nothing when it is said again, of all pieces, or by a stranger; and a flood of it costs few cancels", () => {
    const bench = crowd(200);
    bench.join(ann);
    expect(given(bench, bob, 0)).toEqual([]);
    const all = [...Array(200).keys()];
    expect(of([...given(bench, ann, ...all), ...given(bench, ann, ...all)], "cancel")).toEqual([]);
    // Said of just what is asked for, each time: one exchange, and the next when the server bears it.
    const other = crowd(200);
    let asked = requests(other.join(ann));
    let cancels = 0;
    for (let word = 0; word < 50; word++) {
      const effects = given(other, ann, asked[0] ?? 0);
      cancels += of(effects, "cancel").length;
      asked = [...requests(effects), ...asked.slice(1)];
    }
    expect(cancels).toBe(1);
    expect(bench.peer(ann)?.requestsInFlight).toBe(PIPELINE_PIECES_MIN);
  });

  test("is forgotten when its channel ends", () => {
    const bench = crowd(8);
    bench.join(ann);
    given(bench, ann, ...Array(7).keys());
    bench.machine.peerLost(ann, 0);
    const order = requests(bench.join(bob));
    const fresh = crowd(8);
    fresh.join(ann);
    fresh.machine.peerLost(ann, 0);
    expect(order).toHaveLength(requests(fresh.join(bob)).length);
  });
});

test("what waits at a busy peer is moved to an idle one, not asked for twice, while other pieces are missing", () => {
  const bench = new Bench(40);
  bench.machine.setAlone(false);
  const [first = -1, second = -1] = requests(bench.join(ann, bits(40, ...Array(20).keys())));
  // Ann has shown a speed, and then lets what she is asked for wait; bob is fast and has only that.
  bench.now = 200;
  bench.machine.received(ann, at(first), PIECE_BYTES / 2, bench.now);
  bench.join(bob, bits(40, second, 38));
  bench.now = 250;
  const effects = [...bench.fetch(bob, 38), ...bench.advance(2_000)];
  expect(of(effects, "cancel")).toContainEqual({ kind: "cancel", peer: ann, piece: at(second) });
  expect(requests(effects, bob)).toContain(second);
  // What has begun to come is let come.
  expect(of(effects, "cancel")).not.toContainEqual({ kind: "cancel", peer: ann, piece: at(first) });
});
