/** Durable commands a second of one tracker, and of two in step, beside SQLite with the same batches. */
import { Database } from "bun:sqlite";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "../e2e/harness/program.ts";
import { World } from "../e2e/harness/world.ts";
import { loadOrMakeIdentity } from "../src/net/identity.ts";
import type { ClientsPlan, ClientsRun } from "./command-clients.ts";
import type { Filled, FillRequest } from "./fill-tracker.ts";
import { hasReached } from "./in-step.ts";
import type { Measured } from "./measured.ts";
import { plainRowsPerSecond } from "./plain-sqlite.ts";
import { processorSeconds } from "./process-cost.ts";
import { spreadOf } from "./ratios.ts";
import { answerOf, Script } from "./run-script.ts";
import { shownNumber } from "./table.ts";
import { committedTransactions } from "./wal-index.ts";

export interface CommandRateSizes {
  readonly trackers: 1 | 2;
  readonly clients: number;
  readonly rounds: number;
  readonly seconds: number;
}

const AIM = { clients: 100, perSecond: 20_000 };
const WARM_SECONDS = 0.5;

interface Round {
  readonly perSecond: number;
  /** Commands of one transaction. */
  readonly batch: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Microseconds of processor time a command: of all trackers, of all clients. */
  readonly trackerUs: number;
  readonly clientUs: number;
}

export async function measureCommandRate(sizes: CommandRateSizes): Promise<Measured> {
  const { trackers: count, clients, rounds, seconds } = sizes;
  await using world = new World(count);
  const plans = await prepare(world, sizes);
  const trackers: Program[] = [];
  for (let no = 1; no <= count; no++) trackers.push(await world.startTracker(no));
  const [first, second] = trackers;
  if (first !== undefined && second !== undefined) {
    await Promise.all([hasReached(first, 2), hasReached(second, 1)]);
  }
  await using scripts = new AsyncDisposableStack();
  const groups = plans.map((plan) => scripts.use(new Script("command-clients.ts", plan)));
  for (const group of groups) await group.line();
  const databases = trackers.map((_, index) => databaseOf(world, index + 1));
  const runOnce = (runSeconds: number) => measureRound(runSeconds, { groups, trackers, databases });
  await runOnce(WARM_SECONDS);
  const measured: Round[] = [];
  const alone: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const one = await runOnce(seconds);
    measured.push(one);
    const like = lastEntry(databases[0] ?? "");
    alone.push(plainRowsPerSecond(world.folder, like, { batch: one.batch, seconds: Math.min(seconds, 1) }));
  }
  const median = (of: (round: Round) => number) => shownNumber(spreadOf(measured.map(of)).median);
  return {
    what: `commands, ${count === 1 ? "1 tracker" : "2 trackers in step"}, ${clients} client${clients === 1 ? "" : "s"}`,
    unit: "1/s",
    values: measured.map(({ perSecond }) => perSecond),
    alone: { what: `SQLite, ${median((round) => round.batch)} such rows a transaction`, values: alone },
    ...(clients === AIM.clients ? { aim: { atLeast: AIM.perSecond } } : {}),
    note: `answered after p50 ${median((round) => round.p50Ms)} ms, p99 ${median((round) => round.p99Ms)} ms; processor time of a command ${median((round) => round.trackerUs)} us in trackers, ${median((round) => round.clientUs)} us in clients`,
  };
}

/** Each client is an account with a group of its own and a file that its machine shares. */
async function prepare(world: World, { trackers, clients }: CommandRateSizes): Promise<ClientsPlan[]> {
  const machines = Array.from({ length: Math.min(2, clients) }, (_, index) => world.dir(`machine-${index}`));
  const sizes = { users: clients, groups: clients, members: 0, files: clients };
  const folder = world.dir("tracker-1", "data");
  const request: FillRequest = { folder, sizes, log: "whole", machines };
  const { tokens } = await answerOf<Filled>("fill-tracker.ts", request);
  const tokensFile = world.path("tokens.json");
  writeFileSync(tokensFile, JSON.stringify(tokens));
  if (trackers === 2) {
    world.dir("tracker-2", "data");
    copyFileSync(databaseOf(world, 1), databaseOf(world, 2));
  }
  return await Promise.all(
    machines.map(async (machine, index) => {
      const no = 1 + (index % trackers);
      const { fingerprint } = await loadOrMakeIdentity(world.dir(`tracker-${no}`, "data"));
      return {
        folder: machine,
        address: { host: "127.0.0.1", port: world.ports[no - 1] ?? 0 },
        pin: fingerprint,
        tokensFile,
        users: Array.from({ length: clients }, (_, user) => user).filter(
          (user) => user % machines.length === index,
        ),
      };
    }),
  );
}

function databaseOf(world: World, no: number): string {
  return join(world.path(`tracker-${no}`, "data"), "tracker.sqlite");
}

interface Running {
  readonly groups: readonly Script[];
  readonly trackers: readonly Program[];
  readonly databases: readonly string[];
}

async function measureRound(seconds: number, { groups, trackers, databases }: Running): Promise<Round> {
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  const look = () => ({
    transactions: total(databases.map(committedTransactions)),
    trackerSeconds: total(trackers.map(processorSeconds)),
    clientSeconds: total(groups.map(processorSeconds)),
  });
  const before = look();
  for (const group of groups) group.write(String(seconds));
  const runs = await Promise.all(
    groups.map(async (group): Promise<ClientsRun> => JSON.parse(await group.line())),
  );
  const after = look();
  const commands = total(runs.map((run) => run.commands));
  // Each tracker writes all commands, its own and those of the other.
  const written = commands * trackers.length;
  return {
    perSecond: commands / Math.max(...runs.map((run) => run.seconds)),
    batch: written / Math.max(1, after.transactions - before.transactions),
    p50Ms: Math.max(...runs.map((run) => run.p50Ms)),
    p99Ms: Math.max(...runs.map((run) => run.p99Ms)),
    trackerUs: ((after.trackerSeconds - before.trackerSeconds) / commands) * 1e6,
    clientUs: ((after.clientSeconds - before.clientSeconds) / commands) * 1e6,
  };
}

/** An entry as the tracker has written it. */
function lastEntry(database: string): { stamp: string; request: string; body: string } {
  using db = new Database(database, { readonly: true });
  const found = db
    .query<{ stamp: string; request: string; body: string }, []>(
      "SELECT stamp, request, body FROM entry ORDER BY stamp DESC LIMIT 1",
    )
    .get();
  if (found === null) throw new Error("the tracker has written nothing");
  return found;
}
