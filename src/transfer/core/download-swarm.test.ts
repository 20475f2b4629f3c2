/**
 * Whole swarms on a simulated clock. What each machine promises is checked by the simulation after its inputs (see
 * `testing/sim-swarm.ts`); here is what a swarm as a whole must reach, also with bad company.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { PieceIndex } from "../../base/ids.ts";
import { PIECE_BYTES, WRONG_PIECES_MAX } from "../../base/limits.ts";
import { type SimPeer, type SimReport, SimSwarm, type SimSwarmOptions } from "../../testing/sim-swarm.ts";

const MB = 1e6;
const HOUR_MS = 3_600_000;
const SEEDS = [1, 2, 3];

const seeder = (options: Partial<SimPeer> = {}): SimPeer => ({
  role: "seed",
  upBytesPerSecond: 10 * MB,
  latencyMs: 5,
  ...options,
});
const downloader = (options: Partial<SimPeer> = {}): SimPeer => ({
  role: "downloader",
  upBytesPerSecond: 10 * MB,
  downBytesPerSecond: 50 * MB,
  latencyMs: 5,
  ...options,
});
const several = (count: number, peer: () => SimPeer) => Array.from({ length: count }, peer);

/** How long a file takes over a line, and nothing else. */
const lineMs = (pieces: number, bytesPerSecond: number) => ((pieces * PIECE_BYTES) / bytesPerSecond) * 1_000;

function run(options: Omit<SimSwarmOptions, "seed">, seed: number): SimReport {
  const report = new SimSwarm({ ...options, seed }).run(HOUR_MS);
  for (const [index, peer] of options.peers.entries())
    if (peer.role === "downloader" && peer.leavesAtMs === undefined)
      expect(`${index} done: ${report.doneMs[index] !== undefined}`).toBe(`${index} done: true`);
  return report;
}

const lastMs = (report: SimReport) => Math.max(...report.doneMs.map((doneMs) => doneMs ?? 0));
const wastedPieces = (report: SimReport) =>
  report.wastedBytes.reduce((sum, bytes) => sum + bytes, 0) / PIECE_BYTES;

describe("one downloader", () => {
  test("fills the line of one seeder, slow or fast, near or far, and fetches nothing twice", () => {
    const lines = [
      { upBytesPerSecond: 50e3, latencyMs: 20, pieces: 10 },
      { upBytesPerSecond: 10 * MB, latencyMs: 5, pieces: 100 },
      { upBytesPerSecond: 1_000 * MB, latencyMs: 0, pieces: 1_000 },
      { upBytesPerSecond: 20 * MB, latencyMs: 100, pieces: 400 },
    ];
    for (const { pieces, ...line } of lines) {
      const alone = { pieces, peers: [seeder(line), downloader({ downBytesPerSecond: 1_000 * MB })] };
      const report = run(alone, 1);
      expect(lastMs(report)).toBeLessThan(
        lineMs(pieces, line.upBytesPerSecond) * 1.1 + 12 * line.latencyMs + 50,
      );
      expect([report.sentPieces[0], wastedPieces(report)]).toEqual([pieces, 0]);
    }
  });

  test("alone with complete peers goes in file order, else not", () => {
    const orders = [true, false].map((alone) => {
      const options = { pieces: 60, alone, peers: [seeder(), seeder(), downloader()] };
      return run(options, 1).requestOrder[2] ?? [];
    });
    const rising = [...Array(60).keys()] as PieceIndex[];
    expect(orders[0]).toEqual(rising);
    expect(orders[1]?.toSorted((left, right) => left - right)).toEqual(rising);
    expect(orders[1]).not.toEqual(rising);
  });

  test("adds up seeders of very different speed", () => {
    const peers = [seeder(), seeder({ upBytesPerSecond: 1 * MB }), downloader()];
    for (const seed of SEEDS) {
      const report = run({ pieces: 200, peers }, seed);
      expect(lastMs(report)).toBeLessThan(lineMs(200, 11 * MB) * 1.1);
      expect(wastedPieces(report)).toBeLessThan(4);
    }
  });

  test("finishes though most sources lie, stall or leave, and takes little longer than from the honest one", () => {
    const peers = [
      seeder(),
      ...several(4, () => seeder({ wrongShare: 1 })),
      ...several(4, () => seeder({ stallsAfterPieces: 2 })),
      seeder({ leavesAtMs: 1_000 }),
      downloader(),
    ];
    for (const seed of SEEDS) {
      const report = run({ pieces: 120, peers }, seed);
      expect(lastMs(report)).toBeLessThan(lineMs(120, 10 * MB) + 4_000);
      for (const liar of [1, 2, 3, 4]) expect(report.sentPieces[liar]).toBeLessThanOrEqual(40);
    }
  });

  test("blames liars alone and drops each after its last straw", () => {
    const swarm = new SimSwarm({
      pieces: 60,
      seed: 5,
      peers: [seeder(), seeder({ wrongShare: 1 }), seeder({ wrongShare: 0.5 }), downloader()],
    });
    swarm.run(HOUR_MS);
    const rows = swarm.machine(3).snapshot().peers;
    expect(rows.map(({ state }) => state)).toEqual(["connected", "dropped", "dropped"]);
    const wrong = rows.map(({ wrongPieces }) => wrongPieces);
    expect(wrong[0]).toBe(0);
    for (const count of wrong.slice(1)) expect(count).toBeGreaterThanOrEqual(WRONG_PIECES_MAX);
    const verified = rows.reduce((sum, { verifiedBytes }) => sum + verifiedBytes, 0);
    expect(verified).toBe(60 * PIECE_BYTES);
  });

  test("waits out a disk that is full now and then", () => {
    const peers = [seeder(), downloader({ diskFailures: 0.05 })];
    for (const seed of SEEDS) run({ pieces: 80, peers }, seed);
  });

  test("gets the last piece soon though the one that was asked for it stalls", () => {
    const peers = [seeder({ stallsAfterPieces: 0 }), seeder(), downloader()];
    for (const seed of SEEDS) expect(lastMs(run({ pieces: 1, peers }, seed))).toBeLessThan(5_000);
  });
});

describe("several downloaders", () => {
  test("help one another: a lone seeder does not send the file to each", () => {
    const peers = [seeder(), ...several(9, downloader)];
    for (const seed of SEEDS) {
      const report = run({ pieces: 120, peers, inputsPerCheck: 64 }, seed);
      expect(lastMs(report)).toBeLessThan(lineMs(120, 10 * MB) * 2);
      expect(report.sentPieces[0]).toBeLessThan(240);
      expect(wastedPieces(report)).toBeLessThan(0.05 * 9 * 120);
    }
  });

  test("thirty with a slow seeder, no faster than it themselves, finish together", () => {
    const slow = { upBytesPerSecond: 2 * MB };
    const peers = [seeder(slow), ...several(29, () => downloader(slow))];
    const report = run({ pieces: 30, peers, inputsPerCheck: 512 }, 1);
    // To each in turn it would take 29 times the line.
    expect(lastMs(report)).toBeLessThan(lineMs(30, 2 * MB) * 5);
  });

  test("finish after the only seeder has left, if together they have everything", () => {
    const peers = [seeder({ leavesAtMs: lineMs(60, 10 * MB) * 2.2 }), ...several(5, downloader)];
    for (const seed of SEEDS) run({ pieces: 60, peers }, seed);
  });

  test("that come late find the others' pieces", () => {
    const peers = [seeder({ upBytesPerSecond: 2 * MB }), downloader(), downloader({ joinsAtMs: 8_000 })];
    for (const seed of SEEDS) {
      const report = run({ pieces: 40, peers }, seed);
      expect(report.sentPieces[1]).toBeGreaterThan(10);
    }
  });
});

describe("a flash crowd: one seeder, all at once, everybody's line as wide as the seeder's", () => {
  /** A system's socket takes four pieces ahead of the line: they count as sent long before they are. */
  const one: Omit<SimPeer, "role"> = {
    upBytesPerSecond: 6.25 * MB,
    latencyMs: 0.2,
    socketBytes: 4 * PIECE_BYTES,
  };
  interface Crowd {
    readonly downloaders: number;
    readonly pieces: number;
    /** Of the least possible time. */
    readonly ceiling: number;
    readonly unlike?: (index: number) => Partial<SimPeer>;
  }
  /** @returns how much longer than the least possible the last one takes, and how often the seeder sent the file */
  function gather({ downloaders, pieces, unlike = () => ({}) }: Crowd, seed: number) {
    const peers: SimPeer[] = [{ ...one, role: "seed" }];
    for (let index = 1; index <= downloaders; index++)
      peers.push({ ...one, role: "downloader", ...unlike(index) });
    const report = run({ pieces, peers, inputsPerCheck: 4_096, budget: 56 }, seed);
    const up = peers.reduce((sum, peer) => sum + peer.upBytesPerSecond, 0);
    const least = Math.max(lineMs(pieces, one.upBytesPerSecond), downloaders * lineMs(pieces, up));
    const done = report.doneMs.flatMap((doneMs) => doneMs ?? []).toSorted((left, right) => left - right);
    const median = done[Math.floor(done.length / 2)] ?? Number.NaN;
    return {
      last: lastMs(report) / least,
      spread: lastMs(report) / median,
      seeded: (report.sentPieces[0] ?? 0) / pieces,
      wasted: wastedPieces(report) / (downloaders * pieces),
    };
  }
  const crowds: readonly (readonly [what: string, crowd: Crowd])[] = [
    ["8", { downloaders: 8, pieces: 128, ceiling: 1.12 }],
    ["30", { downloaders: 30, pieces: 64, ceiling: 1.5 }],
    ["100", { downloaders: 100, pieces: 24, ceiling: 4.5 }],
    [
      "12 with delays, losses, a stalling and a leaving one",
      {
        downloaders: 12,
        pieces: 96,
        ceiling: 2,
        unlike: (index) => ({
          latencyMs: index * 4,
          lossShare: index % 3 === 0 ? 0.002 : 0,
          upBytesPerSecond: (3 + index / 2) * MB,
          ...(index === 5 ? { stallsAfterPieces: 10 } : {}),
          ...(index === 6 ? { wrongShare: 0.3 } : {}),
          ...(index === 7 ? { leavesAtMs: 4_000 } : {}),
        }),
      },
    ],
  ];
  for (const [what, crowd] of crowds)
    test(`of ${what} is done near the least possible time, all of it together, and little is sent in vain`, () => {
      const { last, spread, seeded, wasted } = gather(crowd, 1);
      console.log(
        `crowd of ${what}: ${last.toFixed(3)} of the least possible time, last / median ${spread.toFixed(2)}, ` +
          `seeder sent ${seeded.toFixed(2)} files, wasted ${(wasted * 100).toFixed(1)} %`,
      );
      expect(last).toBeLessThan(crowd.ceiling);
      expect(spread).toBeLessThan(1.3);
      expect(wasted).toBeLessThan(0.25);
    });

  test("a lone seeder gives each piece once before any twice", () => {
    const peers: SimPeer[] = [
      { ...one, role: "seed" },
      ...several(8, () => ({ ...one, role: "downloader" })),
    ];
    for (const seed of SEEDS) {
      const { givenBeforeAnyTwice } = run({ pieces: 128, peers, inputsPerCheck: 4_096 }, seed);
      expect(givenBeforeAnyTwice[0]).toBeGreaterThanOrEqual(122);
    }
  });
});

test("without a holder of the rest nobody is done, and nothing is asked over and over", () => {
  const peers = [seeder({ leavesAtMs: 500 }), downloader(), downloader()];
  const report = new SimSwarm({ pieces: 100, peers, seed: 1 }).run(HOUR_MS);
  expect(report.doneMs).toEqual([undefined, undefined, undefined]);
  expect(report.endMs).toBeLessThan(120_000);
});

test("the same seed gives the same run", () => {
  const peers = [seeder(), seeder({ wrongShare: 0.2 }), ...several(4, downloader)];
  const once = () => run({ pieces: 40, peers }, 9);
  expect(once()).toEqual(once());
});

describe("any company", () => {
  const speed = fc.constantFrom(0.2 * MB, 1 * MB, 5 * MB, 50 * MB, 1_000 * MB);
  const stranger: fc.Arbitrary<SimPeer> = fc.record(
    {
      role: fc.constantFrom("seed" as const, "downloader" as const),
      upBytesPerSecond: speed,
      downBytesPerSecond: speed,
      latencyMs: fc.constantFrom(0, 1, 20, 150),
      wrongShare: fc.constantFrom(0, 0, 0.1, 1),
      stallsAfterPieces: fc.constantFrom(0, 3, 20),
      joinsAtMs: fc.constantFrom(0, 700),
      leavesAtMs: fc.constantFrom(300, 1_500, 6_000),
      diskFailures: fc.constantFrom(0, 0.1),
    },
    { requiredKeys: ["role", "upBytesPerSecond"] },
  );

  test("lets every downloader that stays finish while one honest holder lives", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(stranger, { maxLength: 8 }),
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom(1, 2, 5, 64),
        fc.boolean(),
        (seed, strangers, pieces, budget, alone) => {
          const peers = [seeder({ upBytesPerSecond: 5 * MB }), ...strangers, downloader()];
          run({ pieces, peers, budget, alone, inputsPerCheck: 4 }, seed);
        },
      ),
      { numRuns: 60 },
    );
  });
});
