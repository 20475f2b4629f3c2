/**
 * What trackers take and what they cost, as real processes: `npm run bench:trackers [-- --quick --only commands --rounds 1]`.
 *
 * Printed, never asserted: a number depends on the machine. Beside each stands, where there is such a thing, what the
 * machine alone does with the same bytes, measured in turn with it.
 */
import { parseArgs } from "node:util";
import { buildBinary } from "../e2e/harness/binary.ts";
import { measureCatchUp } from "./catch-up.ts";
import { measureCommandRate } from "./command-rate.ts";
import { measureFailover } from "./failover.ts";
import { machine } from "./machine.ts";
import type { HistorySizes } from "./made-history.ts";
import { MEASURED_HEAD, type Measured, measuredNote, measuredRow } from "./measured.ts";
import { measureStartUp } from "./start-up.ts";
import { markdownTable } from "./table.ts";

const QUICK_PART = 20;
/** 1,000,000 entries. */
const CATCH_UP_HISTORY: HistorySizes = { users: 200_000, groups: 20_000, members: 100_000, files: 270_000 };
const START_UP_HISTORY: HistorySizes = {
  users: 1_000_000,
  groups: 100_000,
  members: 200_000,
  files: 1_000_000,
};

interface Scale {
  readonly isQuick: boolean;
  /** How often each figure is taken, if not as often as usual. */
  readonly rounds: number | undefined;
}

interface Part {
  readonly name: string;
  readonly run: (scale: Scale) => AsyncGenerator<Measured>;
}

const PARTS: readonly Part[] = [
  {
    name: "commands",
    async *run({ isQuick, rounds = isQuick ? 3 : 5 }) {
      for (const trackers of [1, 2] as const)
        for (const clients of isQuick ? [1, 50] : [1, 100, 1_000])
          yield await measureCommandRate({
            trackers,
            clients,
            rounds,
            seconds: isQuick ? 0.5 : 3,
          });
    },
  },
  {
    name: "catch-up",
    async *run({ isQuick, rounds = isQuick ? 2 : 3 }) {
      yield* measureCatchUp({ history: scaled(CATCH_UP_HISTORY, isQuick), rounds });
    },
  },
  {
    name: "start-up",
    async *run({ isQuick, rounds = 3 }) {
      yield* await measureStartUp({ history: scaled(START_UP_HISTORY, isQuick), rounds });
    },
  },
  {
    name: "failover",
    async *run({ isQuick, rounds = isQuick ? 5 : 50 }) {
      yield* await measureFailover(rounds);
    },
  },
];

function scaled({ users, groups, members, files }: HistorySizes, isQuick: boolean): HistorySizes {
  const part = (value: number) => (isQuick ? value / QUICK_PART : value);
  return { users: part(users), groups: part(groups), members: part(members), files: part(files) };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      rounds: { type: "string" },
    },
  });
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
    throw new Error(`--rounds is a number from 1, given: ${values.rounds}`);
  if (process.platform !== "linux") {
    console.log("skipped: what processes cost is read from /proc, which only Linux has");
    return;
  }
  await buildBinary();
  console.log(`before: ${machine()}`);
  if (values.quick)
    console.log(
      `skipped: 100 and 1,000 clients, and histories of full size: a ${QUICK_PART}th of all, by --quick`,
    );
  const measured: Measured[] = [];
  for (const { name, run } of PARTS) {
    if (values.only !== undefined && !values.only.includes(name)) {
      console.log(`skipped: ${name}, not asked for`);
      continue;
    }
    for await (const one of run({ isQuick: values.quick, rounds })) {
      measured.push(one);
      console.log(`  ${measuredRow(one).join("  ")}`);
    }
  }
  console.log(`after: ${machine()}\n`);
  for (const line of markdownTable(MEASURED_HEAD, measured.map(measuredRow))) console.log(line);
  for (const note of measured.flatMap(measuredNote)) console.log(`- ${note}`);
}

process.exit(
  await main().then(
    () => 0,
    (error: unknown) => {
      console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    },
  ),
);
