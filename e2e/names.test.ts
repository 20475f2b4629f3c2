/** Names that other people chose: none leads out of the destination, none reaches a terminal as it is. */
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HAS_LINKS } from "../src/testing/links.ts";
import type { Client } from "./harness/client.ts";
import { enter, formGroup, twoFriends } from "./harness/group.ts";
import { World } from "./harness/world.ts";
import { Machine } from "./hostile/machine.ts";
import { RawLink } from "./hostile/raw-link.ts";

const HOSTILE_NAMES = [
  "../../x",
  "a/../../x",
  "a//b",
  "a/",
  "a/./b",
  "runs/..\\..\\x",
  "..\\..\\x",
  "/etc/passwd",
  "..",
  ".",
  "a\u202eb",
  "a\u001b[31mb",
  "a\nb",
  "a\u200bb",
  "",
  "x".repeat(300),
];
/** What a terminal acts on, or shows otherwise than it is. */
const RAW = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069]/;

function expectClean(client: Client): void {
  for (const line of [...client.out, ...client.err]) expect(line).not.toMatch(RAW);
}

test("no hostile name can be given to a file", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  await enter(ann);
  await formGroup(ann, []);
  const file = join(world.dir("ann", "files"), "x.txt");
  writeFileSync(file, "x");
  // A line ends at the line feed, and pasted invisible characters are dropped: those two never arrive as typed.
  for (const name of HOSTILE_NAMES.filter((each) => !/[\n\u200b]/.test(each)))
    expect(await ann.refused(`upload_file ${file} lab '${name}'`)).toStartWith("error: ");
  expect(await ann.ok("list_files lab")).toEqual(["No files"]);
  expectClean(ann);
});

test("a tracker takes no hostile name from a client that does not check", async () => {
  await using world = new World();
  await world.startTracker();
  const ann = world.startClient("ann");
  await enter(ann);
  await formGroup(ann, []);
  const file = join(world.dir("ann", "files"), "x.txt");
  writeFileSync(file, "x");
  await ann.ok(`upload_file ${file} lab`);

  const machine = await Machine.make();
  const [port = 0] = world.ports;
  for (const name of HOSTILE_NAMES) {
    const link = new RawLink(await machine.dial(port));
    await link.call("hello", { version: 1, program: "hostile" });
    await link.call("login", { name: "ann", password: "pw", listening: { host: "127.0.0.1", port: 9 } });
    const { file: content } = (await link.call("find_file", { group: "lab", name: "x.txt" })) as {
      file: unknown;
    };
    const id = randomBytes(16).toString("hex");
    const refused = link.call("share", { id, group: "lab", name, file: content, counter: 1 });
    expect(
      await refused.then(
        () => "taken",
        () => "refused",
      ),
    ).toBe("refused");
    link.close();
  }
  expect(await ann.ok("list_files lab")).toHaveLength(1);
  expectClean(ann);
});

test("a client believes no hostile name of a tracker", async () => {
  await using world = new World();
  const machine = await Machine.make();
  const [port = 0] = world.ports;
  let hostileName = "";
  const token = { uid: "0".repeat(32), name: "ann", token: "t", news: [] };
  const summary = { fileId: "0".repeat(64), size: 0, sha1: "0".repeat(40), digest: "0".repeat(64) };
  const answers: Readonly<Record<string, () => unknown>> = {
    hello: () => ({ tracker: 1, clockMs: Date.now(), keys: [] }),
    login: () => token,
    resume: () => token,
    own_shares: () => ({ rows: [] }),
    list_files: () => ({ rows: [{ name: hostileName, ...summary, sources: 1 }] }),
    find_file: () => ({ gid: "0".repeat(32), name: hostileName, file: summary }),
  };
  const listener = await machine.listen(port, (connection) => {
    new RawLink(connection, ({ method }) => answers[method]?.() ?? {});
  });
  const ann = world.startClient("ann");
  await ann.ok("login ann pw");
  const folder = world.dir("ann", "files");
  for (const name of HOSTILE_NAMES) {
    hostileName = name;
    expect(await ann.refused("list_files lab")).toStartWith("error: ");
    expect(await ann.refused(`download_file lab x.txt ${folder}/`)).toStartWith("error: ");
  }
  expect(readdirSync(folder)).toEqual([]);
  expectClean(ann);
  listener.close();
});

test.skipIf(!HAS_LINKS)(
  "a name that leads through folders stays below the destination, and follows no link there",
  async () => {
    await using world = new World();
    const { ann, bob } = await twoFriends(world);
    const source = join(world.dir("ann", "files"), "x.txt");
    const folder = world.dir("bob", "files");
    const elsewhere = world.dir("elsewhere");
    const kept = { "runs/may/a.h5": "runs/may/a.h5", "C:/CON/b. ./c": "C_/_CON/b___/c" };
    for (const [name, keptAs] of Object.entries(kept)) {
      writeFileSync(source, name);
      await ann.ok(`upload_file ${source} lab '${name}'`);
      await bob.ok(`download_file lab '${name}' ${folder}/`);
      await bob.downloaded(join(folder, keptAs));
      expect(readFileSync(join(folder, keptAs), "utf8")).toBe(name);
    }
    expect(readdirSync(folder).sort()).toEqual(["C_", "runs"]);

    mkdirSync(join(folder, "trap"));
    symlinkSync(elsewhere, join(folder, "trap", "out"));
    writeFileSync(join(folder, "plain"), "");
    writeFileSync(source, "trapped");
    for (const [name, where] of [
      ["trap/out/x", "trap/out"],
      ["trap/out/deep/x", "trap/out"],
      ["plain/x", "plain"],
    ]) {
      await ann.ok(`upload_file ${source} lab '${name}'`);
      expect(await bob.refused(`download_file lab '${name}' ${folder}/`)).toContain(
        join(folder, where ?? ""),
      );
      await ann.ok(`stop_share lab '${name}'`);
    }
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(existsSync(join(folder, "trap", "x"))).toBe(false);
  },
);

test("a name that Windows keeps for a device arrives as a plain file inside the destination", async () => {
  await using world = new World();
  const { ann, bob } = await twoFriends(world);
  const source = join(world.dir("ann", "files"), "x.txt");
  const folder = world.dir("bob", "files");
  const kept = { CON: "_CON", "nul.txt": "_nul.txt", "a:b": "a_b", "what?": "what_", "dots...": "dots___" };
  for (const [name, keptAs] of Object.entries(kept)) {
    writeFileSync(source, name);
    await ann.ok(`upload_file ${source} lab '${name}'`);
    await bob.ok(`download_file lab '${name}' ${folder}/`);
    await bob.downloaded(join(folder, keptAs));
  }
  expect(readdirSync(folder).sort()).toEqual(Object.values(kept).sort());
});
