/** Limits on rates as users see them: kept by real programs over real sockets, shared evenly, lifted while it runs. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Client } from "./harness/client.ts";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { enter, formGroup } from "./harness/group.ts";
import { allowedMs, type Timed, timed } from "./harness/timing.ts";
import { until } from "./harness/until.ts";
import { World } from "./harness/world.ts";

/** What was not used is saved up for a tenth of a second at most: some 2 % of the times here. */
const TOLERANCE = 0.05;

/** Holds the time against what so many bytes take at that rate; a busy machine may be late, and never early. */
function expectRate(run: Timed<unknown>, bytes: number, bytesPerSecond: number): void {
  const dueMs = (bytes / bytesPerSecond) * 1_000;
  expect(run.ms).toBeGreaterThan(dueMs * (1 - TOLERANCE));
  expect(run.ms).toBeLessThan(allowedMs(dueMs * (1 + TOLERANCE), run));
}

/** Shares a new file of that size. @returns its path */
async function shareNew(world: World, owner: Client, name: string, bytes: number): Promise<string> {
  const path = join(world.dir(owner.name, "files"), name);
  writeRandomFile(path, bytes, bytes);
  await owner.ok(`upload_file ${path} lab`);
  return path;
}

/** @returns where it lies when it is complete */
async function fetch(world: World, client: Client, name: string): Promise<string> {
  const copy = join(world.dir(client.name, "in"), name);
  await client.ok(`download_file lab ${name} ${copy}`);
  await client.downloaded(copy);
  return copy;
}

/** Begins a download that would take half a minute, has the limit lifted, and waits for its end. */
async function lifted(world: World, client: Client, name: string, lift: () => Promise<unknown>) {
  const copy = join(world.dir(client.name, "in"), name);
  await client.ok(`download_file lab ${name} ${copy}`);
  await until(async () =>
    (await client.downloads()).some((shown) => shown.name === name && shown.percent >= 3),
  );
  return timed(async () => {
    await lift();
    await client.downloaded(copy);
  });
}

test("a seeder started with --limit-up keeps the rate, gives both who fetch an even share, and lets them go when it is lifted", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann", { args: ["--limit-up", "4M"] });
  const [bob, cid] = [world.startClient("bob"), world.startClient("cid")];
  for (const client of [ann, bob, cid]) await enter(client);
  await formGroup(ann, [bob, cid]);
  expect(ann.out).toContainEqual(expect.stringMatching(/^limits +up 4\.0 MiB\/s$/));
  const first = await shareNew(world, ann, "first", 12 * MiB);
  await shareNew(world, ann, "second", 12 * MiB + 1);
  await shareNew(world, ann, "large", 128 * MiB);

  const run = await timed(() =>
    Promise.all([timed(() => fetch(world, bob, "first")), timed(() => fetch(world, cid, "second"))]),
  );
  expectRate(run, 24 * MiB, 4 * MiB);
  // With an even share both end together.
  for (const one of run.value) expect(one.ms).toBeGreaterThan(run.ms * 0.9);
  expect(await sha1Of(run.value[0].value)).toBe(await sha1Of(first));

  const { ms } = await lifted(world, bob, "large", () => ann.ok("set_limit up off"));
  expect(ms).toBeLessThan(16_000);
});

test("a client started with --limit-down keeps the rate from two sources together, and goes on at full speed when it is lifted", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  const bob = world.startClient("bob", { args: ["--limit-down=2M"] });
  const cid = world.startClient("cid");
  for (const client of [ann, bob, cid]) await enter(client);
  await formGroup(ann, [bob, cid]);
  const file = await shareNew(world, ann, "film", 13 * MiB);
  await shareNew(world, ann, "large", 64 * MiB);
  await fetch(world, cid, "film");

  const run = await timed(() => fetch(world, bob, "film"));
  expectRate(run, 13 * MiB, 2 * MiB);
  expect(await sha1Of(run.value)).toBe(await sha1Of(file));
  const [shown] = await bob.downloads();
  expect(shown?.sources.map(({ user }) => user).sort()).toEqual(["ann", "cid"]);

  const { ms } = await lifted(world, bob, "large", () => bob.ok("set_limit down off"));
  expect(ms).toBeLessThan(16_000);
});
