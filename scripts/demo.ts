/**
 * The main job, shown: `npm run demo [-- --mib 1024]` builds the program, starts a tracker and three clients as real
 * processes of it, and moves a real file between them, every command and reply in view.
 *
 * The SHA-1 that decides about the exit code is computed here, from the files on disk. Processes and files are gone
 * afterwards, however it ends.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildBinary } from "../e2e/harness/binary.ts";
import type { Client } from "../e2e/harness/client.ts";
import { readDownloads, type ShownDownload } from "../e2e/harness/downloads.ts";
import { MiB, sha1Of, writeRandomFile } from "../e2e/harness/files.ts";
import { World } from "../e2e/harness/world.ts";
import { formatBytes } from "../src/base/text.ts";

const MIB_DEFAULT = 256;
const GROUP = "holiday";
const FILE = "film.bin";

const say = (line = "") => console.log(line);

/** Gives one command, as somebody at that machine's prompt would, and shows what comes back. */
async function type(client: Client, command: string): Promise<readonly string[]> {
  say(`  ${client.name}> ${command}`);
  const lines = await client.ok(command);
  for (const line of lines) say(`  ${" ".repeat(client.name.length)}  ${line}`);
  return lines;
}

/** Downloads the file and waits for its end. @returns what the client shows of it then */
async function download(client: Client, destination: string, bytes: number): Promise<ShownDownload> {
  const startedMs = performance.now();
  await type(client, `download_file ${GROUP} ${FILE} ${destination}`);
  await client.downloaded(destination);
  const seconds = (performance.now() - startedMs) / 1000;
  say(`  ${" ".repeat(client.name.length)}  Download complete: ${destination}`);
  const [shown] = readDownloads(await type(client, "show_downloads"));
  if (shown === undefined) throw new Error(`${client.name} shows no download`);
  say(
    `\n  ${formatBytes(bytes)} in ${seconds.toFixed(2)} s, verified and on disk: ${formatBytes(bytes / seconds)}/s`,
  );
  showShares(shown);
  return shown;
}

function showShares(shown: ShownDownload): void {
  const total = shown.sources.reduce((sum, source) => sum + source.bytes, 0);
  for (const { user, bytes } of shown.sources) {
    const percent = Math.round((100 * bytes) / Math.max(1, total));
    say(`  from ${user.padEnd(6)} ${formatBytes(bytes).padStart(9)} ${`${percent} %`.padStart(6)}`);
  }
}

/** @returns whether every promise was kept */
async function show(world: World, bytes: number): Promise<boolean> {
  say("\n1. A tracker and three clients, each a process of its own with its own key and folder");
  const tracker = await world.startTracker();
  say(`  p2p tracker tracker_info.txt 1                 (process ${tracker.pid})`);
  const [ann, bob, cem] = ["ann", "bob", "cem"].map((name) => world.startClient(name)) as [
    Client,
    Client,
    Client,
  ];
  for (const client of [ann, bob, cem])
    say(`  p2p client 127.0.0.1:0 tracker_info.txt        (process ${client.pid}, ${client.name})`);

  say("\n2. Accounts, and a group that its owner lets people into");
  for (const client of [ann, bob, cem]) {
    await type(client, `create_user ${client.name} secret-of-${client.name}`);
    await type(client, `login ${client.name} secret-of-${client.name}`);
  }
  await type(ann, `create_group ${GROUP}`);
  for (const client of [bob, cem]) await type(client, `join_group ${GROUP}`);
  await type(ann, `list_requests ${GROUP}`);
  for (const client of [bob, cem]) await type(ann, `accept_request ${GROUP} ${client.name}`);

  say(`\n3. ann shares a file of ${formatBytes(bytes)} of random bytes, where it lies`);
  const original = join(world.dir("ann", "files"), FILE);
  writeRandomFile(original, bytes, Date.now());
  await type(ann, `upload_file ${original} ${GROUP}`);
  await type(bob, `list_files ${GROUP}`);

  say("\n4. bob downloads it from ann");
  const ofBob = join(world.dir("bob", "files"), FILE);
  await download(bob, ofBob, bytes);

  say("\n5. cem downloads it from ann and bob at once");
  const ofCem = join(world.dir("cem", "files"), FILE);
  const fromBoth = await download(cem, ofCem, bytes);

  say("\n6. SHA-1 of the three files on disk, computed by this script");
  const sums = await Promise.all([original, ofBob, ofCem].map(sha1Of));
  for (const [index, client] of [ann, bob, cem].entries()) say(`  ${sums[index]}  ${client.name}`);

  for (const client of [cem, bob, ann]) await type(client, "logout");
  const givers = fromBoth.sources.filter((source) => source.bytes > 0);
  say();
  const kept = [
    check("the three files are the same", new Set(sums).size === 1),
    check("cem got parts of it from both", givers.length === 2),
  ];
  return kept.every(Boolean);
}

function check(promise: string, kept: boolean): boolean {
  say(`${kept ? "ok" : "NOT OK"}: ${promise}`);
  return kept;
}

function readMib(): number {
  const { values } = parseArgs({ options: { mib: { type: "string", default: String(MIB_DEFAULT) } } });
  const mib = Number(values.mib);
  if (!Number.isInteger(mib) || mib < 1)
    throw new Error(`--mib is a number of mebibytes, given: ${values.mib}`);
  return mib;
}

async function main(): Promise<number> {
  const bytes = readMib() * MiB;
  const interrupted = Promise.withResolvers<number>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => interrupted.resolve(130));
  say("0. The program is built");
  await buildBinary();
  await using world = new World();
  const shown = show(world, bytes).then((kept) => (kept ? 0 : 1));
  return await Promise.race([shown, interrupted.promise]);
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }),
);
