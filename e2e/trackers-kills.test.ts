/** SIGKILL of one tracker after the other among a thousand commands: each that was acknowledged is there, once, on both. */
import { expect, test } from "bun:test";
import { Prng } from "../src/base/prng.ts";
import { runSeed } from "../src/testing/run-seed.ts";
import { enter } from "./harness/group.ts";
import { RENAMED, Town } from "./harness/town.ts";
import { inStep, type Tracker } from "./harness/tracker.ts";
import { startTrackers } from "./harness/trackers.ts";
import { World } from "./harness/world.ts";

const CLIENTS = 10;
const ROUNDS = 20;
const COMMANDS_PER_ROUND = 50;
/** Of a machine that has other work too; a command that waits for a tracker that is gone takes longer than this. */
const COMMAND_MS_MAX = 15_000;
const TEST_MS_MAX = 600_000;

test(
  "trackers killed in turn among a thousand commands end equal, with all that was acknowledged, each once",
  async () => {
    const prng = new Prng(runSeed());
    await using world = new World(2);
    const trackers = await startTrackers(world);
    const clients = Array.from({ length: CLIENTS }, (_, each) => world.startClient(`u${each}`));
    await Promise.all(clients.map(enter));
    const town = new Town(world, clients, prng);

    for (let round = 0; round < ROUNDS; round++) {
      const number = 1 + (round % 2);
      const killAt = 1 + prng.below(COMMANDS_PER_ROUND - 10);
      const commands = town.round(round, COMMANDS_PER_ROUND / CLIENTS);
      await Promise.race([town.answered(killAt), commands]);
      await (trackers[number - 1] as Tracker).crash();
      trackers[number - 1] = await world.startTracker(number);
      await commands;
      await inStep(...trackers);
    }
    console.error(
      `${town.commands} commands, ${town.unanswered} of them without success, ` +
        `the longest took ${Math.round(town.longest.ms)} ms (${town.longest.kind}; ` +
        `timers were up to ${Math.round(town.longest.lateMs)} ms late meanwhile)`,
    );
    console.error([...town.kinds].map(([kind, times]) => `${kind} ${times}`).join(", "));

    expect(town.commands).toBe(ROUNDS * COMMANDS_PER_ROUND);
    expect(town.unanswered).toBeLessThanOrEqual(ROUNDS);
    expect(town.longest.ms).toBeLessThan(COMMAND_MS_MAX);
    const told = clients.flatMap((client) => client.told(RENAMED));
    expect(told).toEqual([]);
    const seen = await Promise.all(
      trackers.map((_, index) => {
        const trackerInfo = world.trackerList([index + 1], `only-${index + 1}.txt`);
        return town.seenBy(world.startClient(`reader-${index + 1}`, { trackerInfo }));
      }),
    );
    for (const view of seen) town.compare(view);
    expect(seen[0]).toEqual(seen[1] as (typeof seen)[0]);
    await inStep(...trackers);
    // Of a command that was not answered it is not known whether it made something.
    const { accounts, groups } = town.made;
    const records = `records: ${accounts} users, ${groups} groups, `;
    for (const tracker of trackers)
      if (town.unanswered === 0) expect((await tracker.status()).join("\n")).toContain(records);
  },
  TEST_MS_MAX,
);
