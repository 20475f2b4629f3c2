/** One content under several names in a group: a folder with empty and equal files comes out whole, and names end one by one. */
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { enter, formGroup, twoFriends } from "./harness/group.ts";
import { inStep, type Tracker } from "./harness/tracker.ts";
import { clientAt, startTrackers } from "./harness/trackers.ts";
import { World } from "./harness/world.ts";

const FILES = {
  "pkg/__init__.py": "",
  "pkg/a/__init__.py": "",
  "pkg/b/__init__.py": "",
  "pkg/copy.csv": "1,2\n",
  "pkg/table.csv": "1,2\n",
  "pkg/other.csv": "3,4\n",
};
const NAMES = Object.keys(FILES).sort();

/** Each of another time, to the second. */
function changedAt(name: string): Date {
  return new Date(Date.UTC(2021, 2, 4, 5, 6, NAMES.indexOf(name)));
}

function fill(folder: string): void {
  for (const [name, text] of Object.entries(FILES)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    utimesSync(path, changedAt(name), changedAt(name));
  }
}

function expectAllIn(folder: string): void {
  for (const [name, text] of Object.entries(FILES)) {
    expect(readFileSync(join(folder, name), "utf8")).toBe(text);
    expect(statSync(join(folder, name)).mtime).toEqual(changedAt(name));
  }
}

const namesOf = (listed: readonly string[]) => listed.map((line) => line.split("  ")[0] ?? "");

test("equal and empty files of a folder are all listed and fetched, and each name ends by itself", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);
  const source = world.dir("ann", "files");
  fill(source);
  expect(await ann.ok(`upload_file ${source}/pkg lab`)).toEqual(["6 files uploaded successfully"]);
  expect(namesOf(await bob.ok("list_files lab"))).toEqual(NAMES);
  expect(await bob.ok("search __init__")).toHaveLength(3);

  const folder = world.dir("bob", "files");
  await bob.ok(`download_file lab pkg/ ${folder}`);
  for (const name of NAMES) await bob.downloaded(join(folder, name));
  expectAllIn(folder);

  for (const client of [ann, bob])
    expect(await client.ok("stop_share lab pkg/copy.csv")).toEqual(["File sharing stopped"]);
  expect(namesOf(await bob.ok("list_files lab"))).toEqual(NAMES.filter((name) => name !== "pkg/copy.csv"));
  expect(await bob.refused("stop_share lab pkg/copy.csv")).toContain("shares no file named pkg/copy.csv");
});

test("a content is served from its other path when one is stopped, and after both have been ended and started", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);
  const source = world.dir("ann", "files");
  fill(source);
  await ann.ok(`upload_file ${source}/pkg lab`);
  await ann.ok("stop_share lab pkg/table.csv");
  rmSync(join(source, "pkg/table.csv"));
  const first = join(world.dir("bob", "first"), "copy.csv");
  await bob.ok(`download_file lab pkg/copy.csv ${first}`);
  await bob.downloaded(first);

  for (const client of [ann, bob]) await client.stop();
  const [annAgain, bobAgain] = [world.startClient("ann"), world.startClient("bob")];
  for (const client of [annAgain, bobAgain]) await client.ok(`login ${client.name} pw`);
  expect(namesOf(await bobAgain.ok("list_files lab"))).toEqual(
    NAMES.filter((name) => name !== "pkg/table.csv"),
  );
  const folder = world.dir("bob", "rest");
  await bobAgain.ok(`download_file lab pkg/a/ ${folder}`);
  await bobAgain.downloaded(join(folder, "pkg/a/__init__.py"));
});

test("both names of a content stand at two trackers, when one dies and comes back, and end at both", async () => {
  await using world = new World(2);
  const [first, second] = (await startTrackers(world)) as [Tracker, Tracker];
  const ann = await clientAt(world, 1, "ann");
  const bob = await clientAt(world, 2, "bob");
  for (const client of [ann, bob]) await enter(client);
  await formGroup(ann, [bob]);
  const source = world.dir("ann", "files");
  fill(source);
  const both = ["copy.csv", "table.csv"];
  for (const name of both) await ann.ok(`upload_file ${join(source, "pkg", name)} lab`);
  for (const client of [ann, bob]) expect(namesOf(await client.ok("list_files lab"))).toEqual(both);

  await first.crash();
  expect(namesOf(await ann.ok("list_files lab"))).toEqual(both);
  expect(ann.tracker).toBe(world.address(2));
  const copy = join(world.dir("bob", "files"), "copy.csv");
  await bob.ok(`download_file lab copy.csv ${copy}`);
  await bob.downloaded(copy);
  await ann.ok("stop_share lab table.csv");
  expect(namesOf(await bob.ok("list_files lab"))).toEqual(["copy.csv"]);

  const back = await world.startTracker(1);
  await inStep(second, back);
  await second.crash();
  expect(namesOf(await bob.ok("list_files lab"))).toEqual(["copy.csv"]);
  expect(bob.tracker).toBe(world.address(1));
  await ann.ok(`upload_file ${join(source, "pkg", "table.csv")} lab`);
  const table = join(world.dir("bob", "files"), "table.csv");
  await bob.ok(`download_file lab table.csv ${table}`);
  await bob.downloaded(table);
  for (const [name, path] of [
    ["copy.csv", copy],
    ["table.csv", table],
  ] as const)
    expect([readFileSync(path, "utf8"), statSync(path).mtime]).toEqual(["1,2\n", changedAt(`pkg/${name}`)]);

  for (const client of [ann, bob]) await client.ok("stop_share lab copy.csv");
  await inStep(back, await world.startTracker(2));
  await back.crash();
  expect(namesOf(await bob.ok("list_files lab"))).toEqual(["table.csv"]);
  expect(bob.tracker).toBe(world.address(2));
});
