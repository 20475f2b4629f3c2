/** Trackers that lose their disk, or get an old one: the others give back all, also what the loser itself had acknowledged. */
import { expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./harness/client.ts";
import { sha1Of } from "./harness/files.ts";
import { enter, formGroup } from "./harness/group.ts";
import { inStep, type Tracker } from "./harness/tracker.ts";
import { clientAt, startTrackers } from "./harness/trackers.ts";
import { World } from "./harness/world.ts";

const KEY_FILES = new Set(["identity.pem", "signing-key.pem"]);

/** Ends a tracker in order, so that its folder can be touched. */
async function quit(tracker: Tracker): Promise<void> {
  tracker.write("quit\n");
  expect(await tracker.exited()).toBe(0);
}

async function share(client: Client, world: World, name: string): Promise<void> {
  const path = join(world.dir(client.name, "files"), name);
  writeFileSync(path, `${name}, as ${client.name} wrote it`);
  await client.ok(`upload_file ${path} lab`);
}

/** What bob, who knows the tracker of that number only, is told of everything, with one file fetched. */
async function seenAt(world: World, number: number, run: number, file: string): Promise<readonly string[]> {
  const trackerInfo = world.trackerList([number], `only-${number}.txt`);
  const bob = world.startClient(`bob-at-${number}-${run}`, { trackerInfo });
  await bob.ok("login bob pw");
  const copy = join(world.dir(bob.name, "files"), file);
  await bob.ok(`download_file lab ${file} ${copy}`);
  await bob.downloaded(copy);
  expect(await sha1Of(copy)).toBe(await sha1Of(world.path("ann", "files", file)));
  await bob.ok(`stop_share lab ${file}`);
  const files = (await bob.ok("list_files lab")).map((line) => line.split(/ {2}/)[0] ?? "");
  const seen = [...(await bob.ok("list_groups")), ...(await bob.ok("list_members lab")), ...files];
  expect(bob.told(/now called|~/)).toEqual([]);
  bob.write("exit\n");
  await bob.exited();
  return seen.map((line) => line.replace(/ +(?:online|offline|last seen .*)$/, "").trimEnd());
}

async function bothSee(world: World, run: number, file: string, groups: readonly string[]): Promise<void> {
  const first = await seenAt(world, 1, run, file);
  expect(first.filter((line) => groups.includes(line.split(" ")[0] ?? ""))).toHaveLength(groups.length);
  expect(first).toContain(file);
  expect(await seenAt(world, 2, run, file)).toEqual(first);
}

/** ann shares a file with bob in the group lab; all is acknowledged by tracker 2, the very one that loses its disk. */
async function sharedThroughSecond(world: World) {
  const [first, second] = (await startTrackers(world)) as [Tracker, Tracker];
  const ann = await clientAt(world, 2, "ann");
  const bob = world.startClient("bob");
  for (const client of [ann, bob]) await enter(client);
  await formGroup(ann, [bob]);
  await share(ann, world, "notes.txt");
  await inStep(first, second);
  return { first, second, ann };
}

test("a tracker whose records are gone, but not its keys, gets all back from the other", async () => {
  await using world = new World(2);
  const { first, second, ann } = await sharedThroughSecond(world);

  await second.crash();
  const data = world.path("tracker-2", "data");
  for (const name of readdirSync(data))
    if (!KEY_FILES.has(name)) rmSync(join(data, name), { recursive: true });
  await ann.ok("create_group meanwhile");
  const again = await world.startTracker(2);
  await inStep(first, again);
  await bothSee(world, 1, "notes.txt", ["lab", "meanwhile"]);
  await ann.ok("create_group afterwards");
  await inStep(first, again);
  await bothSee(world, 2, "notes.txt", ["lab", "meanwhile", "afterwards"]);
});

test("a tracker whose folder is gone is a stranger until its old key is forgotten, then it gets all back", async () => {
  await using world = new World(2);
  const [first, second] = (await startTrackers(world)) as [Tracker, Tracker];
  const ann = world.startClient("ann");
  await enter(ann);
  const bob = world.startClient("bob");
  await enter(bob);
  await formGroup(ann, [bob]);
  await share(ann, world, "notes.txt");
  await inStep(first, second);

  await quit(second);
  rmSync(world.path("tracker-2", "data"), { recursive: true });
  const again = await world.startTracker(2);
  const known = world.path("tracker-1", "data", "known-trackers.json");
  const refusal = await first.line(/another key/);
  expect(refusal).toContain(`the tracker at ${world.address(2)} shows another key`);
  expect(refusal).toContain(
    `if the tracker was set up anew, remove the entry for ${world.address(2)} in ${known}`,
  );

  await quit(first);
  const entries = JSON.parse(readFileSync(known, "utf8")) as Record<string, string>;
  delete entries[world.address(2)];
  writeFileSync(known, JSON.stringify(entries));
  const back = await world.startTracker(1);
  await inStep(back, again);
  await bothSee(world, 1, "notes.txt", ["lab"]);
});

test("a tracker that gets an old copy of its folder loses nothing, and binds nothing twice", async () => {
  await using world = new World(2);
  const { first, second, ann } = await sharedThroughSecond(world);

  await quit(second);
  const data = world.path("tracker-2", "data");
  cpSync(data, world.path("backup"), { recursive: true });
  const afterBackup = await world.startTracker(2);
  await inStep(first, afterBackup);
  // Back to the tracker whose backup is put back.
  await quit(first);
  for (const name of ["later-1", "later-2", "later-3"]) await ann.ok(`create_group ${name}`);
  expect(ann.tracker).toBe(world.address(2));
  await share(ann, world, "later.txt");
  const firstAgain = await world.startTracker(1);
  await inStep(firstAgain, afterBackup);

  await quit(afterBackup);
  rmSync(data, { recursive: true });
  cpSync(world.path("backup"), data, { recursive: true });
  const restored = await world.startTracker(2);
  await inStep(firstAgain, restored);
  const later = ["lab", "later-1", "later-2", "later-3"];
  await bothSee(world, 1, "later.txt", later);
  // What it makes from now on does not collide with what it made before.
  await quit(firstAgain);
  await ann.ok("create_group last");
  await inStep(await world.startTracker(1), restored);
  await bothSee(world, 2, "notes.txt", [...later, "last"]);
});
