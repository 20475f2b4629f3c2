/** Worlds of several trackers: all of them started, and clients that use a certain one. */
import type { Client } from "./client.ts";
import { inStep, type Tracker } from "./tracker.ts";
import type { World } from "./world.ts";

/** On a busy machine the first tracker of a list may be slower than the second. */
const TRIES_MAX = 20;

/** All of the world's list; they hold the same when this resolves. */
export async function startTrackers(world: World): Promise<Tracker[]> {
  const trackers = await Promise.all(world.ports.map((_, index) => world.startTracker(index + 1)));
  await inStep(...trackers);
  return trackers;
}

/** A client that uses the tracker of that number, and knows all. */
export async function clientAt(world: World, number: number, name: string): Promise<Client> {
  const numbers = world.ports.map((_, index) => index + 1);
  const ordered = [number, ...numbers.filter((each) => each !== number)];
  const trackerInfo = world.trackerList(ordered, `list-from-${number}.txt`);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const client = world.startClient(name, { trackerInfo });
    // A command that needs a tracker, whoever is logged in: it is refused by one.
    await client.run("login nobody nothing");
    if (client.tracker === world.address(number)) return client;
    client.write("exit\n");
    await client.exited();
  }
  throw new Error(`${name} never came to use tracker ${number}`);
}
