/** Four sources, one of them at a hundredth of the others' rate: does the slow one hold up the end? */
import { MiB } from "../../e2e/harness/files.ts";
import { formatBytes } from "../../src/base/text.ts";
import { leastSeconds } from "../bounds.ts";
import { type BenchCase, type Setting, swarmTurns } from "../case.ts";
import { type Comparison, comparedWithBound } from "../comparison.ts";
import { ShapedNetwork, whyNoShapedNetwork } from "../shaped-network.ts";
import { secondsOfLast } from "../swarm-run.ts";

const UP_BITS = [50e6, 50e6, 50e6, 0.5e6];
/** A larger file has more time to make up for the start and the end. */
const USUAL = [
  { usual: 64 * MiB, aim: 1.09 },
  { usual: 256 * MiB, aim: 1.06 },
];

export const slowSource: BenchCase = {
  name: "slow-source",
  missing: whyNoShapedNetwork,
  async run(setting) {
    const { sizes } = setting;
    const comparisons: Comparison[] = [];
    const measured = new Set<number>();
    for (const { usual, aim } of USUAL) {
      const bytes = sizes.bytes(usual, usual / 4);
      // With `--mib` all are of one size.
      if (measured.has(bytes)) continue;
      measured.add(bytes);
      comparisons.push(await measure(setting, bytes, aim));
    }
    return { comparisons, figures: [], notes: [] };
  },
};

async function measure(setting: Setting, bytes: number, aim: number): Promise<Comparison> {
  const sources = UP_BITS.map((upBitsPerSecond, index) => ({ name: `source${index + 1}`, upBitsPerSecond }));
  using network = new ShapedNetwork([...sources, { name: "downloader", upBitsPerSecond: 50e6 }]);
  const layout = {
    hub: network.hub,
    seeders: network.seats.slice(0, UP_BITS.length),
    downloaders: network.seats.slice(UP_BITS.length),
  };
  const original = await setting.original(bytes);
  const turns = await swarmTurns(setting, [], layout, original, setting.sizes.rounds(3, 1));
  const bound = leastSeconds(bytes, {
    seedersUp: UP_BITS.map((bits) => bits / 8),
    downloadersUp: [],
    downloadersDown: [Number.POSITIVE_INFINITY],
  });
  const what = `one of four sources at 1 %, ${formatBytes(bytes)}`;
  return comparedWithBound(what, "least possible", turns.ours.map(secondsOfLast), bound, aim);
}
