/** Four seeders, one downloader, loopback. */
import { MiB } from "../../e2e/harness/files.ts";
import { formatBytes } from "../../src/base/text.ts";
import { type BenchCase, failures, loopbackLayout, swarmClients, swarmTurns } from "../case.ts";
import { bestOf, compared } from "../comparison.ts";
import { ownAddress } from "../own-address.ts";
import { secondsOfLast } from "../swarm-run.ts";

const SEEDERS = 4;
const AIM = 0.6;

export const fanIn: BenchCase = {
  name: "fan-in",
  async run(setting) {
    const { sizes } = setting;
    const bytes = sizes.bytes(1024 * MiB, 64 * MiB);
    const original = await setting.original(bytes);
    const layout = loopbackLayout(ownAddress(), SEEDERS);
    const turns = await swarmTurns(setting, swarmClients(setting), layout, original, sizes.rounds(3, 1));
    const fastest = bestOf(turns.byName, secondsOfLast);
    const comparisons = [...turns.byName].map(([against, each]) =>
      compared({
        what: `${SEEDERS} seeders, ${formatBytes(bytes)}`,
        against,
        turns: each,
        measure: secondsOfLast,
        aim: against === fastest ? AIM : undefined,
      }),
    );
    return { comparisons, figures: [], notes: failures(turns) };
  },
};
