/**
 * The main job, short: what every binary of a release has to be able to do, on whatever runs it.
 *
 * Two accounts, a group, a file of several pieces, an empty one, a folder; what arrives is compared here, on disk. It takes
 * nothing from the program but its replies and exit codes, and all of it is gone with the world that it is given.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { MiB, sha1Of, writeRandomFile } from "./files.ts";
import { enter, formGroup } from "./group.ts";
import type { Program } from "./program.ts";
import type { World } from "./world.ts";

export interface SmokeOptions {
  /** The first word of `--version`. */
  readonly version: string;
  /** A path of this machine as the program shows it. */
  readonly shown?: (path: string) => string;
}

/** By the name that they get in the group. Several pieces, none, and a folder. */
const FILES: Readonly<Record<string, number>> = {
  "film.bin": 2 * MiB + 17,
  "empty.txt": 0,
  "papers/one.bin": 700_001,
  "papers/more/two.bin": 5,
};

function same(what: string, found: unknown, wanted: unknown): void {
  const [shown, hoped] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (shown !== hoped) throw new Error(`${what}: ${shown} in place of ${hoped}`);
}

async function endsWith(exitCode: number, program: Program): Promise<Program> {
  const code = await program.exited();
  if (code !== exitCode)
    throw new Error(`${program.name} ended with ${code} in place of ${exitCode}\n${program.transcript()}`);
  return program;
}

function fill(folder: string): void {
  for (const [index, [name, bytes]] of Object.entries(FILES).entries()) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeRandomFile(join(folder, name), bytes, index + 1);
  }
}

async function sha1Below(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
  const sums: Record<string, string> = {};
  for (const name of names) sums[name] = await sha1Of(join(folder, name));
  return sums;
}

/** @throws if anything is not as it has to be */
export async function smokeJourney(world: World, options: SmokeOptions): Promise<void> {
  const { version, shown = (path) => path } = options;
  const about = await endsWith(0, world.start("version", ["--version"]));
  same("the version", about.out[0]?.split(" ")[0], version);
  await endsWith(2, world.start("usage", ["no-such-command"]));

  const tracker = await world.startTracker();
  const [ann, bob] = [world.startClient("ann"), world.startClient("bob")];
  for (const client of [ann, bob]) await enter(client);
  await formGroup(ann, [bob]);
  const [source, copy] = [world.dir("ann", "files"), world.dir("bob", "files")];
  fill(source);
  for (const name of ["film.bin", "empty.txt"]) {
    same(name, await ann.ok(`upload_file "${join(source, name)}" lab`), ["File uploaded successfully"]);
    await bob.ok(`download_file lab "${name}" "${join(copy, name)}"`);
    await bob.downloaded(shown(join(copy, name)));
  }
  same("a folder", await ann.ok(`upload_file "${join(source, "papers")}" lab`), [
    "2 files uploaded successfully",
  ]);
  await bob.ok(`download_file lab papers/ "${copy}"`);
  for (const name of ["papers/one.bin", "papers/more/two.bin"]) await bob.downloaded(shown(join(copy, name)));
  same("what arrived", await sha1Below(copy), await sha1Below(source));

  await endsWith(0, world.start("doctor", ["doctor", world.trackerInfo, "--data-dir", world.path("cem")]));
  for (const client of [ann, bob]) {
    client.write("exit\n");
    await endsWith(0, client);
  }
  tracker.write("quit\n");
  await endsWith(0, tracker);
}
