/** What most tests begin with: people with accounts, and a group that they are in. Replies are for `journey.test.ts` to check. */
import type { Client } from "./client.ts";
import type { Tracker } from "./tracker.ts";
import type { World } from "./world.ts";

/** Makes an account with the client's name and the password `pw`, and logs in. */
export async function enter(client: Client): Promise<void> {
  await client.ok(`create_user ${client.name} pw`);
  await client.ok(`login ${client.name} pw`);
}

/** All of them are logged in. */
export async function formGroup(owner: Client, members: readonly Client[], name = "lab"): Promise<void> {
  await owner.ok(`create_group ${name}`);
  for (const member of members) {
    await member.ok(`join_group ${name}`);
    await owner.ok(`accept_request ${name} ${member.name}`);
  }
}

export interface Friends {
  readonly tracker: Tracker;
  /** Who owns the group. */
  readonly ann: Client;
  readonly bob: Client;
}

/** One tracker, and two who are logged in and members of one group. */
export async function twoFriends(world: World, group = "lab"): Promise<Friends> {
  const tracker = await world.startTracker();
  const ann = world.startClient("ann");
  const bob = world.startClient("bob");
  for (const client of [ann, bob]) await enter(client);
  await formGroup(ann, [bob], group);
  return { tracker, ann, bob };
}
