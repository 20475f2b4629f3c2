/** One tracker, ann who owns a group and shares, and bob who fetches: those who must not notice an attack. */
import { join } from "node:path";
import type { Client } from "./client.ts";
import { writeRandomFile } from "./files.ts";
import { twoFriends } from "./group.ts";
import type { Tracker } from "./tracker.ts";
import type { World } from "./world.ts";

export interface Lab {
  readonly world: World;
  readonly tracker: Tracker;
  readonly trackerPort: number;
  readonly ann: Client;
  /** Where ann listens. */
  readonly seederPort: number;
  readonly bob: Client;
}

export async function openLab(world: World): Promise<Lab> {
  const { tracker, ann, bob } = await twoFriends(world);
  const [trackerPort = 0] = world.ports;
  return { world, tracker, trackerPort, ann, seederPort: await portOf(ann), bob };
}

/** Where a client listens: of what `whoami` says, which follows every command. */
export async function portOf(client: Client): Promise<number> {
  await client.ok("list_groups");
  const line = client.out.findLast((text) => text.startsWith("listening")) ?? "";
  return Number(/:(\d+)$/.exec(line)?.[1]);
}

let filesMade = 0;

/** Ann shares a new file. @param name one of its own by default. @returns its path */
export async function shareFile(
  { world, ann }: Lab,
  bytes: number,
  name = `film-${++filesMade}.bin`,
): Promise<string> {
  const path = join(world.dir("ann", "files"), name);
  writeRandomFile(path, bytes, filesMade);
  await ann.ok(`upload_file ${path} lab`);
  return path;
}
