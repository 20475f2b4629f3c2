/** What whoever runs trackers reads and types: the first lines, `status`, `quit`, and what is said of keys that are wrong. */
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { enter } from "./harness/group.ts";
import { inStep, outOfReach, type Tracker } from "./harness/tracker.ts";
import { startTrackers } from "./harness/trackers.ts";
import { World } from "./harness/world.ts";

test("a tracker says who it is, how the others are, and ends at quit, not at the end of input", async () => {
  await using world = new World(2);
  const [first, second] = (await startTrackers(world)) as [Tracker, Tracker];
  await first.line(/\bquit ends it\b/);
  expect(first.out).toContain(`Keeps in step with tracker 2 at ${world.address(2)}`);
  expect(first.out).toContain(`Tracker 1 listening on ${world.address(1)}`);
  expect(first.out).toContain(`Data in ${world.path("tracker-1", "data")}`);
  expect(await first.pin()).toMatch(/^sha256:[0-9a-f]{64}$/);
  const ann = world.startClient("ann");
  await enter(ann);
  await inStep(first, second);

  const status = await first.status();
  expect(status[0]).toStartWith(`tracker 1 of 2, listening on ${world.address(1)}`);
  expect(status.join("\n")).toMatch(/^key: sha256:[0-9a-f]{64}$/m);
  expect(status.join("\n")).toMatch(/\bclients?\b/);
  expect(status.join("\n")).toMatch(/^records: 1 user, 0 groups, 0 files/m);
  expect(status.join("\n")).toMatch(/^last snapshot: /m);
  const other = status.find((line) => line.startsWith(`tracker 2 at ${world.address(2)}: `));
  expect(other).toMatch(/: in step/);
  expect(other).toMatch(/\bclock\b/);
  // An alive tracker answers what it does not know with one line.
  first.write("stats\n");
  await first.line(/^error: unknown command: stats; .*\bquit ends /);

  second.endInput();
  await ann.ok("create_group lab");
  await inStep(first);
  expect(second.exitCode).toBeUndefined();
  first.write("quit\n");
  expect(await first.exited()).toBe(0);
  expect(await ann.ok("list_groups")).toEqual(["lab  ann  1 member  owner"]);
  expect(ann.tracker).toBe(world.address(2));
});

test("a tracker whose key has changed is refused by the other, which says so and what to do", async () => {
  await using world = new World(2);
  const [first, second] = (await startTrackers(world)) as [Tracker, Tracker];
  const pin = await second.pin();
  await second.crash();
  rmSync(world.path("tracker-2", "data", "identity.pem"));
  const stranger = await world.startTracker(2);
  const newPin = await stranger.pin();
  expect(newPin).not.toBe(pin);
  const refusal = await first.line(/shows another key/);
  expect(refusal).toEndWith(
    `tracker 2 at ${world.address(2)} is out of reach: the tracker at ${world.address(2)} shows another key ` +
      `(${newPin}) than at the first contact (${pin}): somebody may be in between; if the tracker was set up ` +
      `anew, remove the entry for ${world.address(2)} in ${world.path("tracker-1", "data", "known-trackers.json")}`,
  );
  const ann = world.startClient("ann", { trackerInfo: world.trackerList([1], "first-alone.txt") });
  await enter(ann);
  await ann.ok("create_group lab");
  await outOfReach(first, 2);
  const eve = world.startClient("eve", { trackerInfo: world.trackerList([2], "second-alone.txt") });
  await enter(eve);
  expect(await eve.ok("list_groups")).toEqual(["No groups"]);
});

test("a pinned key that is another tracker's is never talked to", async () => {
  await using world = new World(2);
  const wrong = `sha256:${"ab".repeat(32)}`;
  const pinning = world.trackerList([1, 2], "pinning.txt", { 2: wrong });
  const first = await world.startTracker(1, { trackerInfo: pinning });
  const second = await world.startTracker(2);
  const shown = await second.pin();
  const refusal = await first.line(/shows another key/);
  expect(refusal).toContain(
    `shows another key (${shown}) than tracker_info.txt says (${wrong}): somebody may be in between; ` +
      `if the tracker was set up anew, edit the pin of ${world.address(2)} in tracker_info.txt`,
  );
  for (const number of [1, 2]) {
    const alone = { trackerInfo: world.trackerList([number], `only-${number}.txt`) };
    const client = world.startClient(`user${number}`, alone);
    await enter(client);
    await client.ok(`create_group of-${number}`);
    expect((await client.ok("list_groups")).map((line) => line.split(" ")[0])).toEqual([`of-${number}`]);
  }
  await outOfReach(first, 2);
  await outOfReach(second, 1);
});
