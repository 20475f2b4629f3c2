/**
 * One seeder, many downloaders, all at once, everybody's line up narrow: how near the last one comes to the least time that
 * any program can need, and what the other clients make of it.
 */
import { MiB } from "../../e2e/harness/files.ts";
import { formatBytes } from "../../src/base/text.ts";
import { leastSeconds } from "../bounds.ts";
import { type BenchCase, failures, type Setting, swarmClients, swarmTurns } from "../case.ts";
import { bestOf, compared, comparedWithBound } from "../comparison.ts";
import type { Layout, Original } from "../contenders/contender.ts";
import type { Measured } from "../measured.ts";
import { percentile } from "../ratios.ts";
import { ShapedNetwork, whyNoShapedNetwork } from "../shaped-network.ts";
import { type Run, secondsOfLast } from "../swarm-run.ts";
import type { Turns } from "../turns.ts";

const UP_BITS = 50e6;
const UP_BYTES = UP_BITS / 8;

interface Crowd {
  readonly downloaders: number;
  readonly bytes: number;
  readonly rounds: number;
  readonly isAgainstOthers: boolean;
}

/** A few, beside the other clients. */
export const crowd: BenchCase = {
  name: "crowd",
  missing: whyNoShapedNetwork,
  async run(setting) {
    const { sizes } = setting;
    const size = { bytes: sizes.bytes(64 * MiB, 8 * MiB), rounds: sizes.rounds(3, 1), downloaders: 8 };
    const { what, turns, bound } = await gather(setting, { ...size, isAgainstOthers: true });
    const best = bestOf(turns.byName, secondsOfLast);
    const others = [...turns.byName].map(([against, each]) =>
      compared({
        what,
        against,
        turns: each,
        measure: secondsOfLast,
        aim: against === best ? 0.75 : undefined,
      }),
    );
    const last = turns.ours.map(secondsOfLast);
    return {
      comparisons: [comparedWithBound(what, "least possible", last, bound, 1.12), ...others],
      figures: [],
      notes: failures(turns),
    };
  },
};

/** Many: does it stay near the bound, and does anybody wait much longer than the others? */
export const largeCrowd: BenchCase = {
  name: "crowd-30",
  missing: whyNoShapedNetwork,
  async run(setting) {
    const { sizes } = setting;
    const size = { bytes: sizes.bytes(64 * MiB, 4 * MiB), rounds: sizes.rounds(3, 1), downloaders: 30 };
    const { what, turns, bound } = await gather(setting, { ...size, isAgainstOthers: false });
    return {
      comparisons: [comparedWithBound(what, "least possible", turns.ours.map(secondsOfLast), bound, 1.2)],
      figures: [evenness(what, turns.ours)],
      notes: [],
    };
  },
};

async function gather(setting: Setting, { downloaders, bytes, rounds, isAgainstOthers }: Crowd) {
  const machines = Array.from({ length: downloaders + 1 }, (_, index) => ({
    name: index === 0 ? "seeder" : `peer${index}`,
    upBitsPerSecond: UP_BITS,
  }));
  using network = new ShapedNetwork(machines);
  const layout: Layout = {
    hub: network.hub,
    seeders: network.seats.slice(0, 1),
    downloaders: network.seats.slice(1),
  };
  const original: Original = await setting.original(bytes);
  const others = isAgainstOthers ? swarmClients(setting) : [];
  const turns: Turns<Run> = await swarmTurns(setting, others, layout, original, rounds);
  const up = Array<number>(downloaders).fill(UP_BYTES);
  const down = Array<number>(downloaders).fill(Number.POSITIVE_INFINITY);
  const lines = { seedersUp: [UP_BYTES], downloadersUp: up, downloadersDown: down };
  const bound = leastSeconds(bytes, lines);
  return { what: `crowd of ${downloaders}, ${formatBytes(bytes)}`, turns, bound };
}

function evenness(what: string, runs: readonly Run[]): Measured {
  return {
    what: `${what}: p99 of finishing / p50`,
    unit: "ratio",
    values: runs.map(({ seconds }) => percentile(seconds, 0.99) / percentile(seconds, 0.5)),
    aim: { atMost: 1.2 },
  };
}
