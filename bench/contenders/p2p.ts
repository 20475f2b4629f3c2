/** The built program itself: a tracker in the hub, a client in each seat, all in one group. */
import { basename, join } from "node:path";
import { buildBinary } from "../../e2e/harness/binary.ts";
import type { Client } from "../../e2e/harness/client.ts";
import { World } from "../../e2e/harness/world.ts";
import { version } from "../../package.json";
import { SLOWEST_STEP_MS } from "../slowest-step.ts";
import type { Contender, Downloader, Layout, Original, Seat, Swarm } from "./contender.ts";

const GROUP = "bench";
const PASSWORD = "secret";

export class P2p implements Contender {
  readonly name = "p2p";
  readonly inside =
    "TLS 1.3, verification (SHA-1 and SHA-256 of each piece, SHA-1 of the whole), data synced to disk";
  readonly isSwarm = true;

  async missing(): Promise<string | undefined> {
    await buildBinary();
    return undefined;
  }

  async version(): Promise<string> {
    return `${version} on Bun ${Bun.version}`;
  }

  async open(_folder: string, layout: Layout, original: Original): Promise<Swarm> {
    const world = new World([layout.hub.host]);
    try {
      await world.startTracker(1, { within: layout.hub.within });
      const start = ({ name, within, host }: Seat) =>
        world.startClient(name, { within, host, waitMsMax: SLOWEST_STEP_MS });
      const seeders = layout.seeders.map(start);
      const clients = layout.downloaders.map(start);
      await gather([...seeders, ...clients]);
      for (const seeder of seeders) await seeder.ok(`upload_file ${original.path} ${GROUP}`);
      return {
        seederPids: seeders.map(({ pid }) => pid),
        downloaders: clients.map((client) => downloaderOf(world, client, basename(original.path))),
        [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
      };
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }
}

async function gather([owner, ...members]: readonly Client[]): Promise<void> {
  if (owner === undefined) return;
  const all = [owner, ...members];
  await Promise.all(
    all.map((each) => each.all([`create_user ${each.name} ${PASSWORD}`, `login ${each.name} ${PASSWORD}`])),
  );
  await owner.ok(`create_group ${GROUP}`);
  await Promise.all(members.map((each) => each.ok(`join_group ${GROUP}`)));
  await owner.all(members.map(({ name }) => `accept_request ${GROUP} ${name}`));
}

function downloaderOf(world: World, client: Client, file: string): Downloader {
  const destination = join(world.dir(client.name, "files"), file);
  return {
    destination,
    pid: () => client.pid,
    fetch: async () => {
      client.write(`download_file ${GROUP} ${file} ${destination}\n`);
      await client.downloaded(destination);
    },
  };
}
