/**
 * Many small files against one file of the same size, shared and fetched by the same program: what each file costs beyond
 * its bytes. Beside it what the machine itself takes to copy them, which is the least that any program could take.
 */

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeRandomFile } from "../../e2e/harness/files.ts";
import { World } from "../../e2e/harness/world.ts";
import { formatBytes } from "../../src/base/text.ts";
import type { BenchCase } from "../case.ts";
import type { Measured } from "../measured.ts";
import { SLOWEST_STEP_MS } from "../slowest-step.ts";

const FILE_BYTES = 4096;
const FILES_PER_FOLDER = 100;

/** Seconds. */
interface Times {
  readonly upload: number;
  readonly download: number;
  /** Of `cp -R` and `sync`, of the same files from one folder to another. */
  readonly copy: number;
}

export const manyFiles: BenchCase = {
  name: "many-files",
  async run({ sizes, say }) {
    const files = sizes.count(10_000, 1_000);
    const rounds = sizes.rounds(3, 1);
    const one: Times[] = [];
    const many: Times[] = [];
    for (let round = 0; round < rounds; round++) {
      one.push(await moved(1, files * FILE_BYTES));
      many.push(await moved(files, FILE_BYTES));
      say(`one file ${shown(one.at(-1))}, ${files} files ${shown(many.at(-1))}`);
    }
    const what = `${files} files of ${formatBytes(FILE_BYTES)}, of the time of one file of that size`;
    return {
      comparisons: [],
      figures: (["upload", "download"] as const).flatMap((way) => figures(way, what, files, { one, many })),
      notes: [],
    };
  },
};

function figures(
  way: "upload" | "download",
  what: string,
  files: number,
  { one, many }: { readonly one: readonly Times[]; readonly many: readonly Times[] },
): Measured[] {
  return [
    {
      what: `${way} of ${what}`,
      unit: "times",
      values: many.map((each, round) => each[way] / (one[round]?.[way] ?? Number.NaN)),
    },
    {
      what: `${way} of ${files} files`,
      unit: "files/s",
      values: many.map((each) => files / each[way]),
      ...(way === "download" ? { alone: copies(files, many) } : {}),
    },
  ];
}

function copies(files: number, many: readonly Times[]): NonNullable<Measured["alone"]> {
  return { what: "`cp -R` of them, then `sync`", values: many.map(({ copy }) => files / copy) };
}

function shown(times: Times | undefined): string {
  if (times === undefined) return "";
  const { upload, download, copy } = times;
  return `up ${upload.toFixed(2)} s, down ${download.toFixed(2)} s, copied ${copy.toFixed(2)} s`;
}

/** By clients that keep nothing from before. */
async function moved(files: number, bytes: number): Promise<Times> {
  await using world = new World();
  await world.startTracker();
  const start = (name: string) => world.startClient(name, { waitMsMax: SLOWEST_STEP_MS });
  const [ann, bob] = [start("ann"), start("bob")];
  for (const each of [ann, bob])
    await each.all([`create_user ${each.name} secret`, `login ${each.name} secret`]);
  await ann.ok("create_group bench");
  await bob.ok("join_group bench");
  await ann.ok("accept_request bench bob");
  const source = join(world.dir("ann", "files"), "data");
  fill(source, files, bytes);
  const startedMs = performance.now();
  await ann.ok(`upload_file ${source} bench`);
  const sharedMs = performance.now();
  const destination = world.dir("bob", "files");
  await bob.ok(`download_file bench data/ ${destination}`);
  // It replies nothing: the answer to what follows says that it has ended.
  bob.write("wait\n");
  await bob.ok("list_groups");
  const fetchedMs = performance.now();
  const found = readdirSync(destination, { recursive: true, withFileTypes: true });
  const whole = found.filter((entry) => entry.isFile() && !entry.name.endsWith(".part")).length;
  if (whole !== files) throw new Error(`${whole} of ${files} files arrived`);
  const copy = await copied(source, join(destination, "copy"));
  return { upload: (sharedMs - startedMs) / 1000, download: (fetchedMs - sharedMs) / 1000, copy };
}

async function copied(from: string, to: string): Promise<number> {
  const startedMs = performance.now();
  for (const command of [["cp", "-R", from, to], ["sync"]])
    if ((await Bun.spawn(command).exited) !== 0) throw new Error(`${command[0]} has failed`);
  return (performance.now() - startedMs) / 1000;
}

function fill(folder: string, files: number, bytes: number): void {
  for (let at = 0; at < files; at++) {
    const inner = join(folder, String(Math.floor(at / FILES_PER_FOLDER)));
    mkdirSync(inner, { recursive: true });
    const path = join(inner, `${at}.bin`);
    if (bytes > 1024 * 1024) writeRandomFile(path, bytes, 1);
    else writeFileSync(path, randomBytes(bytes));
  }
}
