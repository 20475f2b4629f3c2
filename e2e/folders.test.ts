/** Many files in one step: a folder shared and fetched with its structure, patterns, times and programs kept. */
import { expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, sep } from "node:path";
import { HAS_LINKS } from "../src/testing/links.ts";
import { enter, formGroup, twoFriends } from "./harness/group.ts";
import { HAS_MODES } from "./harness/system.ts";
import { until } from "./harness/until.ts";
import { World } from "./harness/world.ts";

const FILES = {
  "runs/a.h5": "a",
  "runs/may/b.h5": "b",
  "runs/may/c.csv": "c",
  "runs/tool": "#!/bin/sh\n",
};
/** Long ago, and to the second. */
const CHANGED = new Date("2021-03-04T05:06:07Z");

function fill(folder: string): void {
  for (const [name, text] of Object.entries(FILES)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    utimesSync(path, CHANGED, CHANGED);
  }
  chmodSync(join(folder, "runs/tool"), 0o4755);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join("/"),
    )
    .sort();
}

test("a folder is shared and fetched in one step, with its structure, its times and its programs", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);
  const source = world.dir("ann", "files");
  fill(source);
  if (HAS_LINKS) symlinkSync("/etc/passwd", join(source, "runs", "leak"));
  expect(await ann.ok(`upload_file ${source}/runs lab`)).toEqual(["4 files uploaded successfully"]);
  if (HAS_LINKS)
    await ann.until("a word on the link", () => ann.told(/^1 link, socket or device left out$/)[0]);
  expect((await bob.ok("list_files lab")).map((line) => line.split("  ")[0])).toEqual(
    Object.keys(FILES).sort(),
  );
  expect(await bob.ok("search MAY/")).toHaveLength(2);

  const folder = world.dir("bob", "files");
  expect(await bob.ok(`download_file lab runs/ ${folder}`)).toEqual(["Download started"]);
  for (const name of Object.keys(FILES)) await bob.downloaded(join(folder, name));
  expect(filesBelow(folder)).toEqual(Object.keys(FILES).sort());
  for (const [name, text] of Object.entries(FILES)) {
    expect(readFileSync(join(folder, name), "utf8")).toBe(text);
    expect(statSync(join(folder, name)).mtime).toEqual(CHANGED);
  }
  // Nobody gets a right beyond that to run it: not to run as its owner.
  if (HAS_MODES) {
    expect(statSync(join(folder, "runs/tool")).mode & 0o7777).toBe(0o777 & ~process.umask());
    expect(statSync(join(folder, "runs/a.h5")).mode & 0o111).toBe(0);
  }
  expect((await bob.downloads()).map(({ name }) => name).sort()).toEqual(Object.keys(FILES).sort());

  writeFileSync(join(source, "runs", "new"), "new");
  writeFileSync(join(source, "runs", "twin"), "new");
  expect(await ann.ok(`upload_file lab ${source}/runs`)).toEqual(["6 files uploaded successfully"]);
  await ann.until("a word on the others", () => ann.told(/^4 of them were shared already$/)[0]);
  const listed = (await bob.ok("list_files lab")).map((line) => line.split("  ")[0]);
  expect(listed).toContain("runs/new");
  expect(listed).toContain("runs/twin");
});

test("patterns mean the files that match, on the disk and in the group", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);
  const source = world.dir("ann", "files");
  fill(source);
  writeFileSync(join(source, "[1].csv"), "odd");
  expect(await ann.ok(`upload_file '${source}/runs/**/*.h5' lab`)).toEqual(["2 files uploaded successfully"]);
  expect(await ann.ok(`upload_file '${source}/[1].csv' lab`)).toEqual(["File uploaded successfully"]);
  expect(await ann.ok("list_files lab")).toHaveLength(3);
  const folder = world.dir("bob", "files");
  await bob.ok(`download_file lab '[1].csv' ${folder}/`);
  await bob.downloaded(join(folder, "[1].csv"));
  await bob.ok(`download_file lab '*.h5' ${folder}/`);
  await bob.downloaded(join(folder, "a.h5"));
  await bob.downloaded(join(folder, "may/b.h5"));
  expect(await bob.refused(`download_file lab '*.zip' ${folder}/`)).toBe(
    "error: no file in lab is meant by *.zip; list_files lab shows all there are",
  );
  expect(await bob.refused(`download_file lab 'may/*.h5' ${folder}/no/such`)).toContain("no such folder");
  await bob.ok(`download_file lab '[1].csv' ${folder}/made/`);
  await bob.downloaded(join(folder, "made/[1].csv"));
});

test("what fails of a folder is told, the rest is shared, and the exit code says so", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  await enter(ann);
  await formGroup(ann, []);
  const source = world.dir("ann", "files");
  fill(source);
  await ann.ok(`upload_file ${source}/runs/a.h5 lab 'runs/may/b.h5'`);
  ann.write(`upload_file ${source}/runs lab\n`);
  await ann.until("the reply", () => ann.out.find((line) => line === "3 files uploaded successfully"));
  await ann.until("what failed", () => ann.told(/^error: runs\/may\/b\.h5: lab has another file named/)[0]);
  ann.write("quit\n");
  expect(await ann.exited()).toBe(1);
});

test("a client killed amid many small files goes on with the folder, and leaves nothing beside them", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);
  const source = join(world.dir("ann", "files"), "many");
  for (let at = 0; at < 1_500; at++) {
    const folder = join(source, String(at % 10));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${at}.txt`), `file ${at}`);
  }
  await ann.ok(`upload_file ${source} lab`);
  const got = world.dir("bob", "files");
  bob.write(`download_file lab many/ ${got}\n`);
  const placed = () => filesBelow(got).filter((name) => name.endsWith(".txt")).length;
  await until(async () => placed() > 0);
  await bob.crash();
  expect(placed()).toBeLessThan(1_500);
  const again = world.startClient("bob");
  await again.ok("login bob pw");
  again.write("wait\n");
  await again.ok("list_groups");
  expect(filesBelow(join(got, "many"))).toEqual(filesBelow(source));
  for (const name of filesBelow(source))
    expect(readFileSync(join(got, "many", name), "utf8")).toBe(readFileSync(join(source, name), "utf8"));
});
