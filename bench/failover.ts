/**
 * From `kill -9` of the tracker in use to the first command answered by the other one, for a real client process. The
 * dead one comes back each time and is next to take over, so the client changes to and fro.
 */
import { join } from "node:path";
import type { Program } from "../e2e/harness/program.ts";
import { World } from "../e2e/harness/world.ts";
import { hasReached, holdsAllOf } from "./in-step.ts";
import type { Measured } from "./measured.ts";
import { percentile } from "./ratios.ts";

const AIM_SECONDS = 2;

export async function measureFailover(rounds: number): Promise<Measured[]> {
  await using world = new World(2);
  let inUse = { no: 1, tracker: await world.startTracker(1) };
  let other = { no: 2, tracker: await world.startTracker(2) };
  await meet(world, inUse, other);
  const client = world.startClient("client");
  await client.ok("create_user client secret");
  await client.ok("login client secret");
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await client.ok(`create_group before-${round}`);
    const startedMs = performance.now();
    inUse.tracker.kill("SIGKILL");
    client.write(`create_group group-${round}\n`);
    await client.until("the next tracker's answer", () => told(client) === 2 * (round + 1) || undefined);
    seconds.push((performance.now() - startedMs) / 1000);
    await inUse.tracker.crash();
    [inUse, other] = [other, { no: inUse.no, tracker: await world.startTracker(inUse.no) }];
    await meet(world, inUse, other);
  }
  const common = { unit: "s", aim: { atMost: AIM_SECONDS } };
  return [
    { ...common, what: `failover, ${rounds} kills`, values: seconds },
    { ...common, what: "failover, p99", values: [percentile(seconds, 0.99)] },
  ];
}

interface Numbered {
  readonly no: number;
  readonly tracker: Program;
}

/** The one that was started last meets the other anew. */
async function meet(world: World, one: Numbered, other: Numbered): Promise<void> {
  await hasReached(other.tracker, one.no);
  const databaseOf = ({ no }: Numbered) => join(world.path(`tracker-${no}`, "data"), "tracker.sqlite");
  await holdsAllOf(databaseOf(other), databaseOf(one));
}

function told({ out }: Program): number {
  return out.filter((line) => line === "Group created successfully").length;
}
