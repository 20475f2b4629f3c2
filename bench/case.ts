/** What every case of the bench gets, and what it gives. */
import type { Comparison } from "./comparison.ts";
import type { Contender, Layout, Original, Seat } from "./contenders/contender.ts";
import type { Measured } from "./measured.ts";
import { type Run, runOnce, secondsOfLast } from "./swarm-run.ts";
import { type Taker, type Turns, takeTurns } from "./turns.ts";

export interface Outcome {
  readonly comparisons: readonly Comparison[];
  readonly figures: readonly Measured[];
  /** What was left out and why, and what else there is to say. */
  readonly notes: readonly string[];
}

export interface Sizes {
  /** By `--mib`, or as given here. */
  bytes(usual: number, quick: number, large?: number): number;
  rounds(usual: number, quick: number): number;
  /** Of anything else. */
  count(usual: number, quick: number): number;
}

export interface Setting {
  readonly sizes: Sizes;
  readonly isLarge: boolean;
  readonly isQuick: boolean;
  readonly p2p: Contender;
  /** Those that can run on this machine. */
  readonly torrentClients: readonly Contender[];
  readonly plainDownloads: readonly Contender[];
  /** @returns a random file, the same for all cases that ask for this size */
  original(bytes: number): Promise<Original>;
  say(line: string): void;
}

export interface BenchCase {
  readonly name: string;
  /** @returns why this machine cannot do it; undefined if it can */
  missing?(): string | undefined;
  run(setting: Setting): Promise<Outcome>;
}

/** p2p between all of the others, each run told as it ends. */
export async function swarmTurns(
  { p2p, say }: Setting,
  others: readonly Contender[],
  layout: Layout,
  original: Original,
  rounds: number,
): Promise<Turns<Run>> {
  const taker = (contender: Contender): Taker<Run> => ({
    name: contender.name,
    run: async () => {
      const run = await runOnce(contender, layout, original);
      say(`${contender.name} ${secondsOfLast(run).toFixed(2)} s`);
      return run;
    },
  });
  return await takeTurns(taker(p2p).run, others.map(taker), rounds);
}

/** Those that the larger swarms are compared with. Whoever needs half a minute to begin is seen to work in the pair already. */
export function swarmClients({ torrentClients, isQuick }: Setting): readonly Contender[] {
  return isQuick ? torrentClients.filter(({ name }) => name !== "transmission") : torrentClients;
}

const REASON_CHARS_MAX = 300;

export function failures({ failed }: Turns<unknown>): string[] {
  return [...failed].map(
    ([name, why]) => `skipped: ${name}: ${why.replaceAll(/\s+/g, " ").slice(0, REASON_CHARS_MAX)}`,
  );
}

/** All on this machine, over its loopback device. */
export function loopbackLayout(host: string, seeders: number): Layout {
  const seat = (name: string): Seat => ({ name, within: [], host });
  return {
    hub: seat("hub"),
    seeders: Array.from({ length: seeders }, (_, index) => seat(`seeder${index + 1}`)),
    downloaders: [seat("downloader")],
  };
}
