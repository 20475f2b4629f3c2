/**
 * Every command of the prompt in every role, at the built program: one tracker, one client a role, the table of
 * `prompt-access-table.ts` row by row. What a row changes is changed back before the next one, as far as that can be.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS } from "../src/repl/commands.ts";
import type { Client } from "./harness/client.ts";
import { enter, formGroup } from "./harness/group.ts";
import { until } from "./harness/until.ts";
import { World } from "./harness/world.ts";
import { DELETED_GROUP_COMMANDS, PROMPT_ACCESS, REFUSALS, REPLIES } from "./prompt-access-table.ts";

const NAMES = {
  nobody: "nino",
  outsider: "otto",
  requester: "rita",
  rejected: "rolf",
  removed: "remo",
  left: "lena",
  member: "mia",
  former: "fred",
  owner: "olga",
} as const;
type Role = keyof typeof NAMES;
const ROLES = Object.keys(NAMES) as Role[];

/** Roles that see no more of lab than that it is there. */
const OUTSIDE: readonly Role[] = ["outsider", "requester", "rejected", "removed", "left"];
const HIDDEN = ["cut.txt", "waits.txt", "mia", "fred", "sam"];

interface Town {
  readonly world: World;
  readonly clients: Readonly<Record<Role, Client>>;
}

/** Fred made lab and gave it to olga. Mia shares cut.txt, sam waits.txt, and sam is not there. */
async function settle(world: World): Promise<Town> {
  await world.startTracker();
  const clients = Object.fromEntries(
    ROLES.map((role) => [role, world.startClient(NAMES[role])]),
  ) as unknown as Record<Role, Client>;
  const sam = world.startClient("sam");
  const { nobody: _, ...users } = clients;
  await Promise.all([...Object.values(users), sam].map(enter));
  const { former, owner, member, removed, left, rejected, requester } = clients;
  await formGroup(former, [owner, member, removed, left, sam]);
  await former.ok("remove_member lab remo");
  await left.ok("leave_group lab");
  await rejected.ok("join_group lab");
  await former.ok("reject_request lab rolf");
  await requester.ok("join_group lab");
  for (const client of Object.values(clients))
    writeFileSync(join(world.dir(client.name, "files"), "own.txt"), "own");
  for (const [client, name] of [
    [sam, "waits.txt"],
    [member, "cut.txt"],
  ] as const) {
    const path = join(world.dir(client.name, "files"), name);
    writeFileSync(path, `${client.name}'s`);
    await client.ok(`upload_file ${path} lab`);
  }
  await sam.ok("logout");
  // Sam is away, but a member still.
  await former.ok("transfer_owner lab olga");
  return { world, clients };
}

/** What follows the command's name. */
function argsOf({ world }: Town, command: string, role: Role): string {
  const name = NAMES[role];
  const folder = world.dir(name, "files");
  const own: Readonly<Record<string, string>> = {
    create_user: `${name}2 pw`,
    login: "olga guess",
    change_password: "pw fresh",
    search: "txt",
    create_group: `of-${name}`,
    upload_file: `${join(folder, "own.txt")} lab`,
    stop_share: "lab own.txt",
    download_file: `lab cut.txt ${join(folder, "copy.txt")}`,
    follow: `lab ${folder}`,
    unfollow: "lab",
    set_limit: "up 100M",
    pause_download: "lab waits.txt",
    resume_download: "lab waits.txt",
    cancel_download: "lab waits.txt",
    reject_request: "lab rita",
    accept_request: "lab rita",
    remove_member: "lab rita",
    transfer_owner: "lab mia",
  };
  return (
    own[command] ??
    (/_(group|members|files|requests)$/.test(command) && command !== "list_groups" ? "lab" : "")
  );
}

/** Before the row, and after it: what it needs, and what takes it back. */
const BEFORE: Readonly<Record<string, (town: Town) => Promise<unknown>>> = {
  pause_download: async ({ world, clients: { member, former, owner } }) => {
    for (const client of [member, former, owner])
      await client.ok(`download_file lab waits.txt ${world.dir(client.name, "files")}/`);
  },
};
const AFTER: Readonly<Record<string, (town: Town) => Promise<unknown>>> = {
  follow: async ({ clients: { member, former, owner } }) => {
    for (const client of [member, former, owner])
      await until(async () => (await client.run("cancel_download lab waits.txt")).error === undefined);
  },
  join_group: async ({ clients: { outsider, rejected, removed, left } }) => {
    for (const client of [outsider, rejected, removed, left]) await client.ok("leave_group lab");
  },
  leave_group: async ({ clients: { requester, member, former, owner } }) => {
    for (const client of [requester, member, former]) await client.ok("join_group lab");
    for (const name of ["mia", "fred"]) await owner.ok(`accept_request lab ${name}`);
  },
  reject_request: ({ clients: { requester } }) => requester.ok("join_group lab"),
  transfer_owner: ({ clients: { member } }) => member.ok("transfer_owner lab olga"),
};

async function cell(town: Town, command: string, role: Role): Promise<string> {
  const client = town.clients[role];
  const args = argsOf(town, command, role);
  const { lines, error } = await client.run(`${command} ${args}`);
  const said = error ?? lines.join("\n");
  if (OUTSIDE.includes(role) && !command.startsWith("help"))
    expect({
      command,
      role,
      told: HIDDEN.filter((name) => said.includes(name) && !args.includes(name)),
    }).toEqual({
      command,
      role,
      told: [],
    });
  if (error === undefined) {
    if (command === "search" && lines[0] === "No files") return "nothing";
    return REPLIES[command]?.test(lines[0] ?? "") === true ? "ok" : said;
  }
  const meant = Object.entries(REFUSALS).find(
    ([, line]) => error === `error: ${line.replace("$1", client.name)}`,
  );
  return meant?.[0] ?? error;
}

/** All who are refused, then those who are not: what these change must not show in the answers of the others. */
async function askRow(town: Town, command: string, expected: Readonly<Record<string, string>>) {
  const outcomes: Record<string, string> = {};
  const changes = (role: Role) => expected[role] === "ok";
  const ask = async (role: Role) => {
    outcomes[role] = await cell(town, command, role);
  };
  await Promise.all(ROLES.filter((role) => !changes(role)).map(ask));
  await Promise.all(ROLES.filter(changes).map(ask));
  return outcomes;
}

/** Says nothing, or says what marks the end of every reply. */
async function askSilent({ clients }: Town): Promise<void> {
  for (const [role, client] of Object.entries(clients)) {
    client.write("wait\n");
    await client.ok("help wait");
    const user = client.out.findLast((line) => /^user +/.test(line));
    expect(user).toMatch(role === "nobody" ? /^user +-|^user +\(?no/ : new RegExp(`^user +${client.name}$`));
  }
}

/** The group is gone: its former owner and members find none, as everybody. */
async function askDeleted(town: Town): Promise<void> {
  const expected = Object.fromEntries(ROLES.map((role) => [role, role === "nobody" ? "log-in" : "no-group"]));
  for (const command of DELETED_GROUP_COMMANDS)
    expect({ command, ...(await askRow(town, command, expected)) }).toEqual({ command, ...expected });
}

/** The two that end the program. */
async function leave({ clients }: Town): Promise<void> {
  const ended = Object.values(clients).map(async (client, index) => {
    client.write(index % 2 === 0 ? "exit\n" : "quit\n");
    expect(await client.exited()).toBe(1);
  });
  await Promise.all(ended);
}

const APART = ["whoami", "wait", "exit", "quit"];

test("every command has a row", () => {
  expect([...PROMPT_ACCESS.keys()].sort()).toEqual([...COMMANDS.keys()].sort());
});

test("each command in each role is done or refused as the table says, also on a group that is no more", async () => {
  await using world = new World();
  const town = await settle(world);
  await askSilent(town);
  for (const [command, expected] of PROMPT_ACCESS) {
    if (APART.includes(command)) continue;
    if (command === "logout") await askDeleted(town);
    await BEFORE[command]?.(town);
    expect({ command, ...(await askRow(town, command, expected)) }).toEqual({ command, ...expected });
    await AFTER[command]?.(town);
  }
  await leave(town);
});
