/**
 * A client that shares many files and has nothing to do: how soon all of it is offered again after a login, whether anything
 * is hashed again for that, and what idling costs. And its memory with as many shares as people have.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "../../e2e/harness/client.ts";
import { readBytes } from "../../e2e/harness/vitals.ts";
import { World } from "../../e2e/harness/world.ts";
import type { BenchCase } from "../case.ts";
import type { Measured } from "../measured.ts";
import { processorSeconds, residentBytes } from "../process-cost.ts";
import { shownNumber } from "../table.ts";

const FILE_BYTES = 64 * 1024;
const COMMANDS_AT_ONCE = 500;
const READY_SECONDS_MAX = 60;
/** The engine collects the garbage of the login some seconds later: 0.1 s of a core, once. */
const SETTLE_MS = 10_000;
const MB = 1e6;

const READY_AIM_SECONDS = 2;
const PROCESSOR_AIM_PERCENT = 0.5;
/** A tenth: its own records are read, the shared files are not. */
const READ_AIM_PERCENT = 10;
const MEMORY_AIM_MB = 90;

export const idle: BenchCase = {
  name: "idle",
  async run({ sizes, say }) {
    const few = 100;
    const many = sizes.count(10_000, 1_000);
    const idleSeconds = sizes.count(20, 5);
    say(`sharing ${shownNumber(few)} files`);
    const small = await idleClient(few, idleSeconds);
    say(`sharing ${shownNumber(many)} files`);
    const large = await idleClient(many, idleSeconds);
    return {
      comparisons: [],
      figures: [memory(few, small, MEMORY_AIM_MB), ...figures(many, large)],
      notes: [],
    };
  },
};

interface Idle {
  readonly readySeconds: number;
  /** Read by the whole of that process until then, of what is shared. */
  readonly readPercent: number;
  readonly processorPercent: number;
  readonly residentBytes: number;
}

function memory(files: number, { residentBytes: bytes }: Idle, atMost?: number): Measured {
  const aim = atMost === undefined ? {} : { aim: { atMost } };
  return {
    what: `memory of an idle client, ${shownNumber(files)} shares`,
    unit: "MB",
    values: [bytes / MB],
    ...aim,
  };
}

function figures(files: number, idle: Idle): Measured[] {
  const shares = `${shownNumber(files)} shares`;
  return [
    {
      what: `login to all ${shares} offered`,
      unit: "s",
      values: [idle.readySeconds],
      aim: { atMost: READY_AIM_SECONDS },
      note: "to the reply of `login`, which waits for the shares for 3 s; another member then sees each with a source",
    },
    {
      what: `read after a new start, ${shares}`,
      unit: "% of them",
      values: [idle.readPercent],
      aim: { atMost: READ_AIM_PERCENT },
    },
    {
      what: `idle, ${shares}`,
      unit: "% of a core",
      values: [idle.processorPercent],
      aim: { atMost: PROCESSOR_AIM_PERCENT },
    },
    memory(files, idle),
  ];
}

async function idleClient(files: number, idleSeconds: number): Promise<Idle> {
  await using world = new World();
  await world.startTracker();
  const onlooker = await shareAll(world, files);
  const sharer = world.startClient("sharer");
  await sharer.ok("help exit");
  const startedMs = performance.now();
  await sharer.ok("login sharer secret");
  const readySeconds = (performance.now() - startedMs) / 1000;
  await offered(onlooker, files);
  const readPercent = (readBytes(sharer) / (files * FILE_BYTES)) * 100;
  await Bun.sleep(SETTLE_MS);
  const before = processorSeconds(sharer);
  await Bun.sleep(idleSeconds * 1000);
  const spent = processorSeconds(sharer) - before;
  return {
    readySeconds,
    readPercent,
    processorPercent: (spent / idleSeconds) * 100,
    residentBytes: residentBytes(sharer),
  };
}

/** @returns another member; the sharer has ended */
async function shareAll(world: World, files: number): Promise<Client> {
  const folder = world.dir("sharer", "files");
  const sharer = world.startClient("sharer");
  const onlooker = world.startClient("onlooker");
  for (const client of [sharer, onlooker])
    await client.all([`create_user ${client.name} secret`, `login ${client.name} secret`]);
  await sharer.ok("create_group bench");
  await onlooker.ok("join_group bench");
  await sharer.ok("accept_request bench onlooker");
  const commands = Array.from({ length: files }, (_, index) => {
    const path = join(folder, `file${index}.bin`);
    writeFileSync(path, Buffer.alloc(FILE_BYTES, `${index},`));
    return `upload_file ${path} bench`;
  });
  for (let at = 0; at < files; at += COMMANDS_AT_ONCE)
    await sharer.all(commands.slice(at, at + COMMANDS_AT_ONCE));
  await offered(onlooker, files);
  sharer.write("exit\n");
  await sharer.exited();
  await offered(onlooker, 0);
  return onlooker;
}

/** Resolves when that many files have a source. */
async function offered(onlooker: Client, files: number): Promise<void> {
  const deadline = performance.now() + READY_SECONDS_MAX * 1000;
  for (;;) {
    const lines = await onlooker.ok("list_files bench");
    const now = lines.filter((line) => line.includes("  1 source  ")).length;
    if (now === files) return;
    if (performance.now() > deadline) throw new Error(`${now} of ${files} files are offered after a minute`);
  }
}
