/** What every user does, through pipes: each command of the design, its reply letter for letter, and its errors. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./harness/client.ts";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { formGroup, twoFriends } from "./harness/group.ts";
import { until } from "./harness/until.ts";
import { World } from "./harness/world.ts";

async function enter(client: Client): Promise<void> {
  expect(await client.ok(`create_user ${client.name} pw-${client.name}`)).toEqual([
    "User created successfully",
  ]);
  expect(await client.ok(`login ${client.name} pw-${client.name}`)).toEqual(["Login successful"]);
}

test("accounts, groups, a file, and back again: every reply letter for letter", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  const bob = world.startClient("bob");
  const file = join(world.dir("ann", "files"), "film.bin");
  const copy = join(world.dir("bob", "files"), "film.bin");
  writeRandomFile(file, 5 * MiB + 17, 1);
  const sha1 = await sha1Of(file);

  await enter(ann);
  await enter(bob);
  expect(await ann.ok("list_groups")).toEqual(["No groups"]);
  expect(await ann.ok("create_group lab")).toEqual(["Group created successfully"]);
  expect(await bob.ok("list_groups")).toEqual(["lab  ann  1 member  none"]);
  expect(await ann.ok("list_requests lab")).toEqual(["No pending requests"]);

  expect(await bob.ok("join_group lab")).toEqual(["Join request sent"]);
  expect(await ann.ok("list_requests lab")).toEqual(["bob"]);
  expect(await ann.ok("reject_request lab bob")).toEqual(["Join request rejected"]);
  expect(await ann.ok("list_requests lab")).toEqual(["No pending requests"]);
  expect(await bob.ok("join_group lab")).toEqual(["Join request sent"]);
  expect(await bob.ok("list_groups")).toEqual(["lab  ann  1 member  requested"]);
  expect(await ann.ok("accept_request lab bob")).toEqual(["User accepted to group"]);
  expect(await bob.ok("list_groups")).toEqual(["lab  ann  2 members  member"]);

  expect(await bob.ok("list_files lab")).toEqual(["No files"]);
  expect(await ann.ok(`upload_file ${file} lab`)).toEqual(["File uploaded successfully"]);
  expect(await bob.ok("list_files lab")).toEqual([`film.bin  5.0 MiB  1 source  ${sha1}`]);

  expect(await bob.ok("list_files lab --sort date --match *.BIN")).toHaveLength(1);
  expect(await bob.ok("list_files lab --match '*.iso'")).toEqual(["No files"]);

  expect(await bob.ok("show_downloads")).toEqual(["No downloads"]);
  expect(await bob.ok(`download_file lab film.bin ${copy}`)).toEqual(["Download started"]);
  await bob.downloaded(copy);
  expect(await sha1Of(copy)).toBe(sha1);
  const [head, details] = await bob.ok("show_downloads");
  expect(head).toBe("[C] [lab] film.bin");
  expect(details).toMatch(/^ {2}5\.0 MiB; 5\.0 MiB \(100%\) from ann@127\.0\.0\.1:\d+; to /);
  expect(details).toEndWith(`; to ${copy}`);
  expect(await bob.ok("list_files lab")).toEqual([`film.bin  5.0 MiB  2 sources  ${sha1}`]);

  expect(await ann.ok("stop_share lab film.bin")).toEqual(["File sharing stopped"]);
  expect(await bob.ok("list_files lab")).toEqual([`film.bin  5.0 MiB  1 source  ${sha1}`]);
  expect(await bob.ok("logout")).toEqual(["Logged out successfully"]);
  expect(await ann.ok("list_files lab")).toEqual([`film.bin  5.0 MiB  0 sources  ${sha1}`]);
  expect(await bob.ok("login bob pw-bob")).toEqual(["Login successful"]);
  await until(async () => (await ann.ok("list_files lab"))[0]?.includes("1 source") === true);

  expect(await bob.ok("leave_group lab")).toEqual(["Left group successfully"]);
  expect(await ann.ok("list_groups")).toEqual(["lab  ann  1 member  owner"]);
  for (const client of [ann, bob]) {
    client.write("exit\n");
    expect(await client.exited()).toBe(0);
  }
});

/** Resolves when the client has said that line besides its replies. */
async function noted(client: Client, line: string): Promise<void> {
  await client.until(line, () => client.err.find((each) => each === line));
}

test("the commands beyond: members, ownership, passwords, search, groups that end", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);

  expect(await ann.ok("list_members lab")).toEqual(["ann  owner   online", "bob  member  online"]);
  expect(await ann.ok("transfer_owner lab bob")).toEqual(["Ownership transferred"]);
  expect(await ann.ok("list_groups")).toEqual(["lab  bob  2 members  member"]);
  expect(await bob.ok("remove_member lab ann")).toEqual(["Member removed"]);
  expect(await ann.refused("list_files lab")).toContain("lab");
  expect(await ann.ok("join_group lab")).toEqual(["Join request sent"]);
  expect(await bob.ok("accept_request lab ann")).toEqual(["User accepted to group"]);

  const file = join(world.dir("ann", "files"), "Holiday Notes.txt");
  writeFileSync(file, "sun, sea");
  expect(await ann.ok(`upload_file "${file}" lab`)).toEqual(["File uploaded successfully"]);
  const [hit, ...others] = await bob.ok("search holiday");
  expect(hit).toMatch(/^lab {2}Holiday Notes\.txt {2}8 B {2}1 source {2}[0-9a-f]{40}$/);
  expect(others).toEqual([]);
  expect(await bob.ok("search nothing-like-it")).toEqual(["No files"]);

  expect(await bob.ok("change_password pw new-pw")).toEqual(["Password changed"]);
  expect(await bob.ok("logout")).toEqual(["Logged out successfully"]);
  expect(await bob.refused("login bob pw")).toMatch(/^error: /);
  expect(await bob.ok("login bob new-pw")).toEqual(["Login successful"]);
  expect(await bob.ok("delete_group lab")).toEqual(["Group deleted"]);
  expect(await ann.ok("list_groups")).toEqual(["No groups"]);
});

test("a download can be paused, resumed and cancelled, and waits for a source that is away", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);
  const file = join(world.dir("ann", "files"), "film.bin");
  const copy = join(world.dir("bob", "files"), "film.bin");
  writeRandomFile(file, 3 * MiB, 2);
  await ann.ok(`upload_file ${file} lab`);
  await ann.ok("logout");

  expect(await bob.ok(`download_file lab film.bin ${copy}`)).toEqual(["Download started"]);
  const waiting = await bob.download("waits for a source", (shown) =>
    shown.details.includes("waiting for a source"),
  );
  expect(waiting).toMatchObject({ state: "D", percent: 0 });
  expect(await bob.ok("pause_download lab film.bin")).toEqual(["Download paused"]);
  expect((await bob.downloads())[0]?.state).toBe("P");
  expect(await bob.refused("pause_download lab film.bin")).toContain("is paused already");
  expect(await bob.ok("resume_download lab film.bin")).toEqual(["Download resumed"]);
  expect(await bob.refused("resume_download lab film.bin")).toContain("is running already");
  expect(await bob.ok("cancel_download lab film.bin")).toEqual(["Download cancelled"]);
  expect(await bob.ok("show_downloads")).toEqual(["No downloads"]);
  expect(existsSync(copy)).toBe(false);
  expect(existsSync(`${copy}.part`)).toBe(false);

  expect(await bob.ok(`download_file lab film.bin ${copy}`)).toEqual(["Download started"]);
  await ann.ok("login ann pw");
  await bob.downloaded(copy);
  expect(await sha1Of(copy)).toBe(await sha1Of(file));
});

test("commands are understood as they are meant: dashes, spaces, capitals, quotes, swapped arguments", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  await enter(ann);
  const file = join(world.dir("ann", "my files"), "a b.txt");
  writeFileSync(file, "x");
  expect(await ann.ok("CREATE-GROUP lab")).toEqual(["Group created successfully"]);
  expect(await ann.ok("create group lab2")).toEqual(["Group created successfully"]);
  expect(await ann.ok("\u200bcreate_group\u00a0lab3")).toEqual(["Group created successfully"]);
  expect(await ann.ok(`upload_file lab '${file}'`)).toEqual(["File uploaded successfully"]);
  await noted(ann, `taken as: upload_file '${file}' lab`);
  expect(await ann.ok(`upload_file ${file.replaceAll(" ", "\\ ")} lab2`)).toEqual([
    "File uploaded successfully",
  ]);
  expect((await ann.ok("list_files lab2"))[0]).toStartWith("a b.txt  ");
  expect(await ann.refused("list_group")).toContain("list_groups");
  expect(await ann.ok("help list_groups")).not.toBeEmpty();
});

test("a content is listed under each name, and it is said where it lies if it is shared so from another path", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world, "dup");
  const uploaded = ["File uploaded successfully"];
  const path = (client: Client, name: string) => join(world.dir(client.name, "files"), name);
  for (const [client, name, as] of [
    [ann, "one.txt", ""],
    [bob, "two.txt", ""],
    [ann, "three.txt", " one.txt"],
  ] as const) {
    writeFileSync(path(client, name), "the same");
    expect(await client.ok(`upload_file ${path(client, name)} dup${as}`)).toEqual(uploaded);
  }
  await noted(ann, `dup has this content from here already: one.txt, from ${path(ann, "one.txt")}`);
  const listed = await bob.ok("list_files dup");
  expect(listed.map((line) => line.slice(0, line.lastIndexOf("  ")))).toEqual([
    "one.txt  8 B  1 source",
    "two.txt  8 B  1 source",
  ]);
  expect(new Set(listed.map((line) => line.slice(line.lastIndexOf("  ")))).size).toBe(1);
});

test("a member no more: a download is paused with its reason, or has failed with the group", async () => {
  await using world = new World();
  await world.startTracker();
  const [ann, bob, cem] = ["ann", "bob", "cem"].map((name) => world.startClient(name)) as [
    Client,
    Client,
    Client,
  ];
  for (const client of [ann, bob, cem]) await enter(client);
  const file = join(world.dir("cem", "files"), "film.bin");
  writeRandomFile(file, MiB, 3);
  for (const name of ["lab", "studio"]) {
    await formGroup(ann, [bob], name);
    await cem.ok(`join_group ${name}`);
    await ann.ok(`accept_request ${name} cem`);
    await cem.ok(`upload_file ${file} ${name}`);
  }
  await cem.ok("logout");
  for (const name of ["lab", "studio"])
    await bob.ok(`download_file ${name} film.bin ${world.dir("bob", name)}/`);

  await ann.ok("remove_member lab bob");
  const paused = await bob.download("paused", ({ state }) => state === "P");
  expect(paused.details).toContain("paused at 0% of 1.0 MiB: you are no longer a member of group lab; ");
  await noted(bob, "Download of film.bin of group lab: paused: you are no longer a member of group lab");
  expect(await bob.refused("resume_download lab film.bin")).toContain("join_group lab");

  await ann.ok("delete_group studio");
  await bob.line(/^error: download of film\.bin of group studio failed: the group was deleted$/);
  const failed = (await bob.downloads())[1];
  expect(failed?.state).toBe("F");
  expect(failed?.details).toContain("failed at 0% of 1.0 MiB: the group was deleted; ");
});

test("a destination follows cp: a folder means inside it, a taken name is not overwritten", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);
  const file = join(world.dir("ann", "files"), "notes.txt");
  writeFileSync(file, "what ann wrote");
  await ann.ok(`upload_file ${file} lab`);

  const folder = world.dir("bob", "files");
  await bob.ok(`download_file lab notes.txt ${folder}`);
  await bob.downloaded(join(folder, "notes.txt"));
  expect(readFileSync(join(folder, "notes.txt"), "utf8")).toBe("what ann wrote");

  const taken = join(folder, "taken.txt");
  writeFileSync(taken, "what bob wrote");
  expect(await bob.refused(`download_file lab notes.txt ${taken}`)).toContain("taken.txt");
  expect(readFileSync(taken, "utf8")).toBe("what bob wrote");
});

test("empty files and files of one piece more or less arrive whole", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);
  for (const bytes of [0, 1, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1]) {
    const file = join(world.dir("ann", "files"), `size-${bytes}`);
    const copy = join(world.dir("bob", "files"), `size-${bytes}`);
    writeRandomFile(file, bytes, bytes);
    await ann.ok(`upload_file ${file} lab`);
    await bob.ok(`download_file lab size-${bytes} ${copy}`);
    await bob.downloaded(copy);
    expect(await sha1Of(copy)).toBe(await sha1Of(file));
  }
});
