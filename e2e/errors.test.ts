/** What users do wrong, letter for letter: one line on standard error that says what to do, and nothing has happened. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./harness/client.ts";
import { MiB, writeRandomFile } from "./harness/files.ts";
import { enter } from "./harness/group.ts";
import { World } from "./harness/world.ts";

/** Commands and their errors, one after the other. */
async function expectErrors(client: Client, table: readonly (readonly [command: string, error: string])[]) {
  for (const [command, error] of table) expect(await client.refused(command)).toBe(`error: ${error}`);
}

test("before login, only accounts can be made", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  const logIn =
    "log in first: login <user_id> <passwd>; without an account yet: create_user <user_id> <passwd>";
  await expectErrors(ann, [
    ["login ann pw", "wrong user id or password"],
    ["logout", logIn],
    ["create_group lab", logIn],
    ["list_groups", logIn],
    ["list_files lab", logIn],
    ["download_file lab x /tmp/x", logIn],
    ["create_user", "create_user takes <user_id> <passwd>; got 0, needs 2"],
    ["create_user 'a b' pw", 'user id must be one word, without spaces: "a b"'],
    [`create_user ann ${"p".repeat(1025)}`, "the password is longer than 1024 bytes (it has 1025)"],
    ["create_user a/b pw", 'user id must not hold / or \\: "a/b"'],
    ["create_user a~abcde pw", 'a new name must not hold ~: "a~abcde"'],
  ]);
  await ann.ok("create_user ann pw");
  await expectErrors(ann, [
    ["create_user ann other", "there is a user ann already; choose another name"],
    ["create_user ANN other", "there is a user ann already; choose another name"],
    ["login ann wrong", "wrong user id or password"],
    ["login ann", "login takes <user_id> <passwd>; got 1, needs 2"],
  ]);
  await ann.ok("login ann pw");
  await expectErrors(ann, [["login ann pw", "already logged in as ann: logout first"]]);
});

test("groups: who may do what", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  const bob = world.startClient("bob");
  await enter(ann);
  await enter(bob);
  await ann.ok("create_group lab");

  await expectErrors(bob, [
    ["create_group LAB", "there is a group lab already; choose another name"],
    [`create_group ${"g".repeat(65)}`, `group id is longer than 64 bytes (it has 65): "${"g".repeat(65)}"`],
    ["join_group nowhere", "no group named nowhere; list_groups shows all"],
    ["leave_group lab", "not a member of lab"],
    ["list_requests lab", "only the owner of lab may do that, who is ann"],
    ["accept_request lab bob", "only the owner of lab may do that, who is ann"],
    ["list_files lab", "not a member of lab; join_group lab asks its owner"],
    ["delete_group lab", "only the owner of lab may do that, who is ann"],
  ]);
  await bob.ok("join_group lab");
  await expectErrors(bob, [
    ["join_group lab", "a request to join lab waits for its owner already"],
    ["list_files lab", "not a member of lab yet: the request waits for its owner"],
  ]);
  await expectErrors(ann, [
    ["accept_request lab cem", "no user named cem; check the spelling, names are one word"],
    ["leave_group lab", "the owner cannot leave lab; transfer_owner lab <user_id> or delete_group lab first"],
    ["remove_member lab bob", "bob is not a member of lab; list_members lab shows all"],
    ["transfer_owner lab bob", "bob is not a member of lab; list_members lab shows all"],
  ]);
  await bob.ok("leave_group lab");
  expect(await ann.ok("list_requests lab")).toEqual(["No pending requests"]);
  await bob.ok("join_group lab");
  await ann.ok("reject_request lab bob");
  await expectErrors(ann, [
    ["accept_request lab bob", "bob has not asked to join lab; list_requests lab shows who has"],
    ["reject_request lab bob", "bob has not asked to join lab; list_requests lab shows who has"],
  ]);
  await bob.ok("join_group lab");
  await ann.ok("accept_request lab bob");
  await expectErrors(ann, [["accept_request lab bob", "bob is a member of lab already"]]);
  await expectErrors(bob, [["join_group lab", "already a member of lab"]]);
});

test("files and downloads", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  await enter(ann);
  await ann.ok("create_group lab");
  const folder = world.dir("ann", "files");
  const one = join(folder, "notes.txt");
  writeFileSync(one, "one");
  const other = join(world.dir("ann", "other"), "notes.txt");
  writeFileSync(other, "another");
  const empty = world.dir("ann", "empty");
  const missing = join(folder, "missing");
  writeRandomFile(join(folder, "big"), MiB, 1);

  await expectErrors(ann, [
    [
      `upload_file ${missing} lab`,
      `no file at ${missing}; give the path of an existing file, between quotes if it holds blanks`,
    ],
    [`upload_file ${empty} lab`, `no files to share at ${empty}`],
    [`upload_file ${one} nowhere`, "no group named nowhere; list_groups shows all"],
    [
      "download_file lab notes.txt",
      "download_file takes <group_id> <file_name> <destination_path>; got 2, needs 3",
    ],
    [
      `download_file lab notes.txt ${folder}/`,
      "no file named notes.txt in lab; list_files lab shows all there are",
    ],
    ["pause_download lab notes.txt", "no download of notes.txt in lab; show_downloads shows all there are"],
    ["cancel_download lab notes.txt", "no download of notes.txt in lab; show_downloads shows all there are"],
  ]);
  await ann.ok(`upload_file ${one} lab`);
  await expectErrors(ann, [
    [
      `upload_file ${other} lab`,
      "lab has another file named notes.txt (3 B); to share this one: upload_file <path> lab <other name>",
    ],
  ]);
  const blank = 'file name must not begin or end with a blank: " notes.txt"';
  await expectErrors(ann, [[`upload_file ${other} lab ' notes.txt'`, blank]]);
  await ann.ok(`upload_file ${other} lab notes2.txt`);
  await ann.ok("stop_share lab notes.txt");
  expect(await ann.refused("stop_share lab notes.txt")).toMatch(/^error: .*(notes\.txt|lab).*; /);
});

test("what is no command is answered with the nearest one, and the line after it runs", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  await expectErrors(ann, [
    ["lst_groups", "unknown command: lst_groups; did you mean list_groups?"],
    ["xyzzyplugh", "unknown command: xyzzyplugh; help lists all commands"],
    ["exit now", "exit takes no arguments; got 1"],
  ]);
  await enter(ann);
  ann.endInput();
  expect(await ann.exited()).toBe(1);
});
