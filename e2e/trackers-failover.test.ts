/** Trackers that die, hang or never come back: users go on with those that are there, and are told what they must know. */
import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./harness/client.ts";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { enter, formGroup } from "./harness/group.ts";
import { HAS_SIGNALS } from "./harness/system.ts";
import { allowedMs, timed } from "./harness/timing.ts";
import { inStep, outOfReach, type Tracker } from "./harness/tracker.ts";
import { clientAt, startTrackers } from "./harness/trackers.ts";
import { until } from "./harness/until.ts";
import { World } from "./harness/world.ts";

/** Within which a client goes on with another tracker. */
const FAILOVER_MS = 2_000;
/** How long a command waits for another tracker. */
const SPREAD_MS = 250;
const ALONE = /^Warning: this, and what follows, stands on one tracker only: /;

/** @returns how many sources the client is shown for the one file of the group */
async function sources(client: Client, group: string): Promise<number> {
  const [line = ""] = await client.ok(`list_files ${group}`);
  return Number(/ (\d+) sources? /.exec(line)?.[1]);
}

test("a client whose tracker is killed goes on at another: commands, shares and a running download", async () => {
  await using world = new World(2);
  const [first] = (await startTrackers(world)) as [Tracker, Tracker];
  const ann = await clientAt(world, 1, "ann");
  const bob = await clientAt(world, 2, "bob");
  const cem = await clientAt(world, 1, "cem");
  for (const client of [ann, bob, cem]) await enter(client);
  await formGroup(ann, [bob, cem]);
  expect([ann, bob, cem].map(({ tracker }) => tracker)).toEqual([1, 2, 1].map((no) => world.address(no)));

  const film = join(world.dir("ann", "files"), "film.bin");
  writeRandomFile(film, 256 * MiB, 11);
  await ann.ok(`upload_file ${film} lab`);
  const bobsCopy = join(world.dir("bob", "files"), "film.bin");
  await bob.ok(`download_file lab film.bin ${bobsCopy}`);
  await bob.downloaded(bobsCopy);
  // Each is logged in at another tracker, and each sees both.
  for (const client of [ann, bob]) await until(async () => (await sources(client, "lab")) === 2);

  const copy = join(world.dir("cem", "files"), "film.bin");
  await cem.ok(`download_file lab film.bin ${copy}`);
  await cem.download("begun", ({ percent }) => percent > 0);
  await first.crash();
  expect(existsSync(copy)).toBe(false);
  const failover = await timed(() => ann.ok("create_group after"));
  console.error(`failover after SIGKILL: ${Math.round(failover.ms)} ms`);
  expect(failover.ms).toBeLessThan(allowedMs(FAILOVER_MS, failover));
  expect(ann.tracker).toBe(world.address(2));

  await cem.downloaded(copy);
  expect(await sha1Of(copy)).toBe(await sha1Of(film));
  await until(async () => (await sources(bob, "lab")) === 3);
  const notes = join(world.dir("ann", "files"), "notes.txt");
  writeFileSync(notes, "shared after the failover");
  await ann.ok(`upload_file ${notes} lab`);
  const notesCopy = join(world.dir("cem", "files"), "notes.txt");
  await cem.ok(`download_file lab notes.txt ${notesCopy}`);
  await cem.downloaded(notesCopy);
  expect(await sha1Of(notesCopy)).toBe(await sha1Of(notes));
});

test("of three trackers any one is enough", async () => {
  await using world = new World(3);
  const [first, second, third] = (await startTrackers(world)) as [Tracker, Tracker, Tracker];
  const ann = world.startClient("ann");
  await enter(ann);
  await ann.ok("create_group one");
  await first.crash();
  await ann.ok("create_group two");
  expect(ann.told(ALONE)).toEqual([]);
  await second.crash();
  const last = await timed(() => ann.ok("create_group three"));
  expect(last.ms).toBeLessThan(allowedMs(FAILOVER_MS, last));
  expect(ann.tracker).toBe(world.address(3));
  // Standard error is another pipe: its line may come later than the reply.
  await ann.line(ALONE);
  expect(ann.told(ALONE)).toHaveLength(1);
  expect(ann.told(ALONE)[0]).toEndWith("the other 2 do not answer");

  const back = [await world.startTracker(1), await world.startTracker(2)] as const;
  await inStep(third, ...back);
  await third.crash();
  const listed = (await ann.ok("list_groups")).map((line) => line.split(" ")[0]);
  expect(listed).toEqual(["one", "three", "two"]);
});

test.skipIf(!HAS_SIGNALS)(
  "a tracker that hangs holds up nobody for long, and has everything when it goes on",
  async () => {
    await using world = new World(2);
    const [first, second] = (await startTrackers(world)) as [Tracker, Tracker];
    const ann = await clientAt(world, 1, "ann");
    const bob = await clientAt(world, 2, "bob");
    for (const client of [ann, bob]) await enter(client);
    expect(ann.tracker).toBe(world.address(1));

    first.kill("SIGSTOP");
    const going = timed(() => ann.ok("create_group ann-0"));
    const waited = await timed(() => bob.ok("create_group bob-0"));
    const ms: number[] = [];
    let lateMs = 0;
    for (let each = 1; each <= 20; each++) {
      const next = await timed(() => bob.ok(`create_group bob-${each}`));
      ms.push(next.ms);
      lateMs = Math.max(lateMs, next.lateMs);
    }
    const failover = await going;
    console.error(
      `failover after SIGSTOP: ${Math.round(failover.ms)} ms; at the other tracker: ` +
        `${Math.round(waited.ms)} ms, then at most ${Math.round(Math.max(...ms))} ms`,
    );
    expect(failover.ms).toBeLessThan(allowedMs(FAILOVER_MS, failover));
    expect(ann.tracker).toBe(world.address(2));
    expect(waited.ms).toBeLessThan(allowedMs(2 * SPREAD_MS, waited));
    expect(Math.max(...ms)).toBeLessThan(SPREAD_MS + 4 * lateMs);
    await bob.line(ALONE);
    expect(bob.told(ALONE)).toHaveLength(1);

    // What waits in its sockets is done only now, for the second time: that must change nothing.
    first.kill("SIGCONT");
    await inStep(first, second);
    await bob.ok("create_group together");
    await bob.line(/^Commands stand on more than one tracker again$/);
    const cem = world.startClient("cem", { trackerInfo: world.trackerList([1], "first-alone.txt") });
    await enter(cem);
    const groups = ["ann-0", ...Array.from({ length: 21 }, (_, each) => `bob-${each}`), "together"].sort();
    for (const client of [bob, cem]) {
      const listed = (await client.ok("list_groups")).map((line) => line.split(" ")[0]);
      expect(listed.sort()).toEqual(groups);
    }
    await second.crash();
    await ann.ok("create_group back");
    expect(ann.tracker).toBe(world.address(1));
  },
);

test("a listed tracker that never comes back slows nothing, and is told of once until it is taken out", async () => {
  await using world = new World(2);
  const [first, second] = (await startTrackers(world)) as [Tracker, Tracker];
  const ann = world.startClient("ann");
  await enter(ann);
  await second.crash();
  await outOfReach(first, 2);
  const ms: number[] = [];
  let lateMs = 0;
  for (let each = 0; each < 20; each++) {
    const next = await timed(() => ann.ok(`create_group g${each}`));
    ms.push(next.ms);
    lateMs = Math.max(lateMs, next.lateMs);
  }
  console.error(`alone: at most ${Math.round(Math.max(...ms))} ms`);
  expect(Math.max(...ms.slice(1))).toBeLessThan(SPREAD_MS + 4 * lateMs);
  await ann.line(ALONE);
  expect(ann.told(ALONE)).toEqual([
    "Warning: this, and what follows, stands on one tracker only: the other one does not answer",
  ]);
  await first.line(new RegExp(`tracker 2 at ${world.address(2)} is out of reach: `));

  first.write("quit\n");
  expect(await first.exited()).toBe(0);
  ann.write("exit\n");
  await ann.exited();
  const trackerInfo = world.trackerList([1]);
  const again = await world.startTracker(1, { trackerInfo });
  const back = world.startClient("ann", { trackerInfo });
  await back.ok("login ann pw");
  await back.ok("create_group last");
  expect(await back.ok("list_groups")).toHaveLength(21);
  expect(back.told(ALONE)).toEqual([]);
  expect((await again.status()).join("\n")).not.toContain(world.address(2));
  expect(again.err.join("\n")).not.toContain(world.address(2));
});
