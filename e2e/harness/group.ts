/** What most tests begin with: people with accounts, and a group that they are in. Replies are for `journey.test.ts` to check. */
import type { Client } from "./client.ts";

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
