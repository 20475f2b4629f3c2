/** How long a tracker with much to remember needs until it answers, what memory that takes, and what it keeps on disk. */
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { join } from "node:path";
import { World } from "../e2e/harness/world.ts";
import { systemClock } from "../src/base/system-clock.ts";
import { trackerDialler } from "../src/client/dial-tracker.ts";
import { loadOrMakeIdentity } from "../src/net/identity.ts";
import { KnownTrackers } from "../src/net/known-trackers.ts";
import { TlsTcpTransport } from "../src/net/tls-tcp.ts";
import { CLIENT_TRACKER_VERSION } from "../src/wire/client-tracker.ts";
import { bytesByKind } from "./bytes-by-kind.ts";
import type { FillRequest } from "./fill-tracker.ts";
import type { HistorySizes } from "./made-history.ts";
import type { Measured } from "./measured.ts";
import { peakResidentBytes } from "./process-cost.ts";
import { answerOf } from "./run-script.ts";
import { shownNumber } from "./table.ts";

export interface StartUpSizes {
  readonly history: HistorySizes;
  readonly rounds: number;
}

const AIM_SECONDS = 5;
const TRY_AGAIN_MS = 5;
const MIB = 2 ** 20;

export async function measureStartUp({ history, rounds }: StartUpSizes): Promise<Measured[]> {
  await using world = new World();
  const folder = world.dir("tracker-1", "data");
  const request: FillRequest = { folder, sizes: history, log: "trimmed", machines: [] };
  await answerOf("fill-tracker.ts", request);
  const database = join(folder, "tracker.sqlite");
  const diskBytes = statSync(database).size;
  const hello = await greeter(world);
  const [seconds, peaks, reading, cats]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let round = 0; round < rounds; round++) {
    reading.push(await timed(() => readAll(database)));
    cats.push(await timed(() => cat(database)));
    const startedMs = performance.now();
    const starting = world.startTracker();
    await hello();
    seconds.push((performance.now() - startedMs) / 1000);
    const tracker = await starting;
    peaks.push(peakResidentBytes(tracker) / MIB);
    await tracker.crash();
  }
  const { users, groups, members, files } = history;
  const size = `${shownNumber(users)} users, ${shownNumber(groups)} groups, ${shownNumber(members)} further members, ${shownNumber(files)} files`;
  return [
    {
      what: "start to first hello",
      unit: "s",
      values: seconds,
      alone: { what: "SQLite reads all rows of the state", values: reading },
      aim: { atMost: AIM_SECONDS },
      note: `${size}; cat of the file ${shownNumber(Math.min(...cats))} s; all from the page cache`,
    },
    { what: "peak memory at first hello", unit: "MiB", values: peaks },
    { what: "database", unit: "MiB", values: [diskBytes / MIB] },
    ...diskRows(database, diskBytes),
  ];
}

/** The file's bytes, its free space and tree included, shared out by what the rows hold. */
function diskRows(database: string, diskBytes: number): Measured[] {
  return bytesByKind(database, diskBytes).map(({ kind, count, bytes }) => ({
    what: `disk for a ${kind}`,
    unit: "bytes",
    values: [bytes / count],
  }));
}

/** Asks until a tracker answers. */
async function greeter(world: World): Promise<() => Promise<void>> {
  const folder = world.dir("greeter");
  const identity = await loadOrMakeIdentity(folder);
  const known = await KnownTrackers.open(folder);
  const ignore = () => {};
  const transport = new TlsTcpTransport(
    { identity, clock: systemClock, report: ignore },
    { connectionsMax: 1, perAddressMax: 1 },
  );
  const address = { host: "127.0.0.1", port: world.ports[0] ?? 0 };
  const log = { info: ignore, warn: ignore, error: ignore };
  const dial = trackerDialler({ transport, known, clock: systemClock, log }, [
    { no: 1, address, pin: undefined },
  ]);
  const greet = async () => {
    const link = await dial(0, { notice: ignore, closed: ignore });
    await link.call("hello", { version: CLIENT_TRACKER_VERSION, program: "bench" });
    link.close();
  };
  return async () => {
    while (
      !(await greet().then(
        () => true,
        () => false,
      ))
    )
      await Bun.sleep(TRY_AGAIN_MS);
  };
}

async function timed(run: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await run();
  return (performance.now() - startedMs) / 1000;
}

function readAll(database: string): number {
  using db = new Database(database, { readonly: true });
  let chars = 0;
  for (const { text } of db.query<{ text: string }, []>("SELECT text FROM state_row ORDER BY key").iterate())
    chars += text.length;
  return chars;
}

async function cat(database: string): Promise<void> {
  await Bun.spawn(["cat", database], { stdio: ["ignore", "ignore", "inherit"] }).exited;
}
