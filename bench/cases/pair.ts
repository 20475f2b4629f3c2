/** One seeder, one downloader, loopback: time, processor time and memory, beside each other client and a plain download. */
import { GiB, MiB } from "../../e2e/harness/files.ts";
import { formatBytes } from "../../src/base/text.ts";
import { type BenchCase, failures, loopbackLayout, type Setting, swarmTurns } from "../case.ts";
import { bestOf, type Comparison, compared } from "../comparison.ts";
import type { Measured } from "../measured.ts";
import { ownAddress } from "../own-address.ts";
import { type Run, runOnce, secondsOfLast } from "../swarm-run.ts";
import type { Turns } from "../turns.ts";

const CLIENT_AIM = 0.6;
const CURL_AIM = 1.1;
const PROCESSOR_AIM = 1;
const MEMORY_AIM_MB = 200;
const MB = 1e6;

export const pair: BenchCase = {
  name: "pair",
  async run(setting) {
    const { sizes, torrentClients, plainDownloads } = setting;
    const bytes = sizes.bytes(1024 * MiB, 64 * MiB);
    const original = await setting.original(bytes);
    const layout = loopbackLayout(ownAddress(), 1);
    const others = [...torrentClients, ...plainDownloads];
    const turns = await swarmTurns(setting, others, layout, original, sizes.rounds(5, 1));
    const what = `pair ${formatBytes(bytes)}`;
    return {
      comparisons: [...times(what, turns, setting), ...processorTimes(what, turns, bytes)],
      figures: [...memory(formatBytes(bytes), turns.ours), ...(await largeMemory(setting))],
      notes: failures(turns),
    };
  },
};

function times(what: string, { byName }: Turns<Run>, { torrentClients }: Setting): Comparison[] {
  const clients = new Map([...byName].filter(([name]) => torrentClients.some((each) => each.name === name)));
  const fastest = bestOf(clients, secondsOfLast);
  return [...byName].map(([against, turns]) => {
    const aim = against === fastest ? CLIENT_AIM : against === "curl to disk" ? CURL_AIM : undefined;
    return compared({ what, against, turns, measure: secondsOfLast, aim });
  });
}

/** Of both ends together. */
function processorTimes(what: string, { byName }: Turns<Run>, bytes: number): Comparison[] {
  return [...byName].flatMap(([against, turns]) => {
    const measure = (run: Run) => run.processorSeconds / (bytes / GiB);
    if (turns.some(({ theirs }) => Number.isNaN(theirs.processorSeconds))) return [];
    const aim = against === "libtorrent" ? PROCESSOR_AIM : undefined;
    return [compared({ what: `${what}, processor time a GiB`, against, turns, measure, aim })];
  });
}

function memory(size: string, runs: readonly Run[]): Measured[] {
  const aim = { atMost: MEMORY_AIM_MB };
  const peaks = (of: (run: Run) => number) => runs.map((run) => of(run) / MB);
  return [
    {
      what: `peak memory, downloader of ${size}`,
      unit: "MB",
      values: peaks((run) => run.peakDownloaderBytes),
      aim,
    },
    { what: `peak memory, seeder of ${size}`, unit: "MB", values: peaks((run) => run.peakSeederBytes), aim },
  ];
}

async function largeMemory(setting: Setting): Promise<Measured[]> {
  if (!setting.isLarge) return [];
  const bytes = 16 * GiB;
  const original = await setting.original(bytes);
  const run = await runOnce(setting.p2p, loopbackLayout(ownAddress(), 1), original);
  return memory(formatBytes(bytes), [run]);
}
