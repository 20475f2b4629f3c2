/** Following a group, as users do: files come by themselves, only once, and across restarts. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./harness/client.ts";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { enter, twoFriends } from "./harness/group.ts";
import { until } from "./harness/until.ts";
import { World } from "./harness/world.ts";

async function share(world: World, owner: Client, name: string, bytes = 2 * MiB): Promise<string> {
  const path = join(world.dir(owner.name, "files"), name);
  writeRandomFile(path, bytes, Bun.hash.crc32(name));
  await owner.ok(`upload_file ${path} lab`);
  return path;
}

/** Resolves when a line like that was said besides replies. */
async function noted(client: Client, pattern: RegExp): Promise<void> {
  await client.until(`${pattern}`, () => client.err.find((line) => pattern.test(line)));
}

test("a followed group's files arrive, new ones too, and after a restart only those that are new", async () => {
  await using world = new World();
  const friends = await twoFriends(world);
  const { ann } = friends;
  let { bob } = friends;
  const folder = world.dir("bob", "in");
  await share(world, ann, "first");
  await share(world, ann, "taken");
  writeFileSync(join(folder, "taken"), "something else");

  expect(await bob.ok(`follow lab ${folder}`)).toEqual([`Following lab into ${folder}`]);
  expect(await bob.ok("list_follows")).toEqual([`lab  ${folder}`]);
  await bob.downloaded(join(folder, "first"));
  await noted(bob, /^Warning: taken of lab is not fetched: /);
  const second = await share(world, ann, "second");
  await bob.downloaded(join(folder, "second"));
  expect(await sha1Of(join(folder, "second"))).toBe(await sha1Of(second));
  const deep = join(world.dir("ann", "files"), "deep");
  writeFileSync(deep, "deep");
  expect(await ann.ok(`upload_file ${deep} lab runs/may/deep`)).toEqual(["File uploaded successfully"]);
  await bob.downloaded(join(folder, "runs/may/deep"));

  bob.write("exit\n");
  expect(await bob.exited()).toBe(0);
  rmSync(join(folder, "first"));
  await share(world, ann, "third");
  bob = world.startClient("bob");
  await bob.ok("login bob pw");
  await bob.downloaded(join(folder, "third"));
  await share(world, ann, "fourth");
  await bob.downloaded(join(folder, "fourth"));
  expect(readdirSync(folder).sort()).toEqual(["fourth", "runs", "second", "taken", "third"]);
  expect(bob.told(/not fetched/)).toEqual([]);

  await ann.ok("remove_member lab bob");
  await noted(bob, /^No longer following lab: you are no longer a member of the group$/);
  expect(await bob.ok("list_follows")).toEqual(["No group is followed"]);
  expect(await bob.refused("unfollow lab")).toBe(
    "error: lab is not followed here; list_follows shows what is",
  );
});

test("a tracker that comes back is asked what is new, and a folder must be there", async () => {
  await using world = new World();
  const { tracker, ann, bob } = await twoFriends(world);
  const folder = world.dir("bob", "in");
  const missing = world.path("bob", "none");
  expect(await bob.refused(`follow lab ${missing}`)).toBe(
    `error: no such folder: ${missing}; make it first or name another one`,
  );
  await bob.ok(`follow lab ${folder}`);
  await tracker.crash();
  await world.startTracker();
  await share(world, ann, "after");
  await bob.downloaded(join(folder, "after"));
  expect(await bob.ok("unfollow lab")).toEqual(["No longer following lab"]);
  await share(world, ann, "unseen");
  await until(async () => (await bob.ok("list_files lab")).length === 2);
  expect(existsSync(join(folder, "unseen"))).toBe(false);
});

test("a script that follows ends when all that is there has come", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  await enter(ann);
  await ann.ok("create_group lab");
  for (let each = 0; each < 12; each++) await share(world, ann, `file${each}`, 100_000 + each);
  const folder = world.dir("bob", "in");
  const script = world.startClient("bob");
  script.write(`login ann pw\nfollow lab ${folder}\n`);
  script.endInput();
  expect(await script.exited()).toBe(0);
  expect(readdirSync(folder)).toHaveLength(12);
});
