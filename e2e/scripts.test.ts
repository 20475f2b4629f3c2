/** How programs drive the client: commands in its words or through a pipe, lines of JSON out, exit codes. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { ScriptingPage } from "../src/testing/scripting-page.ts";
import { MiB, sha1Of, writeRandomFile } from "./harness/files.ts";
import { enter } from "./harness/group.ts";
import type { Program } from "./harness/program.ts";
import { HAS_SIGNALS } from "./harness/system.ts";
import { World } from "./harness/world.ts";

const page = new ScriptingPage();

/** What it said, each line held against the page. */
function recordsOf(program: Program): Record<string, unknown>[] {
  const faults = program.out.flatMap((line) => page.faultsOfLine(line).map((fault) => `${fault} in ${line}`));
  expect(faults).toEqual([]);
  return program.out.map((line) => JSON.parse(line));
}

const ofType = (program: Program, type: string) => recordsOf(program).filter((each) => each["type"] === type);

test("commands in -c run in order and ask nothing, and the exit code says whether all were done", async () => {
  await using world = new World();
  await world.startTracker();
  const good = world.startClient("good", {
    args: ["-c", "create_user ann 'p;w'; login ann 'p;w'", "-c", "list_groups"],
  });
  expect(await good.exited()).toBe(0);
  expect(good.out).toEqual(["User created successfully", "Login successful", "No groups"]);
  const bad = world.startClient("bad", { args: ["-c", "login ann; login ann 'p;w'; list_groups"] });
  expect(await bad.exited()).toBe(1);
  expect(bad.err).toEqual(["error: login takes <user_id> <passwd>; got 1, needs 2"]);
  expect(bad.out).toEqual(["Login successful", "No groups"]);
  const quiet = world.startClient("quiet", { args: ["--quiet", "-c", "login ann 'p;w'; list_groups; x"] });
  expect(await quiet.exited()).toBe(1);
  expect(quiet.out).toEqual(["No groups"]);
  expect(quiet.err).toHaveLength(1);
  const wrong = world.startClient("wrong", { args: ["-c"] });
  expect(await wrong.exited()).toBe(2);
});

test("a whole exchange in JSON: every line has the shape that the page promises", async () => {
  await using world = new World();
  await world.startTracker();
  const file = join(world.dir("ann", "files"), "film.bin");
  writeRandomFile(file, 32 * MiB, 7);
  const ann = world.startClient("ann", { args: ["--json", "--stay"] });
  ann.write("create_user ann pw\nlogin ann pw\ncreate_group lab\n");
  ann.write(`upload_file ${file} lab\nlist_files lab\nwhoami\nhelp login\n`);
  await ann.line(/"command":"help"/);

  const copy = join(world.dir("bob", "files"), "film.bin");
  const bob = world.startClient("bob", { args: ["--json"] });
  bob.write("create_user bob pw\nlogin bob pw\nlist_files lab\njoin_group lab\n");
  await ann.line(/"event":"join-request"/);
  ann.write("list_requests lab\naccept_request lab bob\nlist_members lab\n");
  await bob.line(/"event":"accepted"/);
  bob.write(`download_file lab film.bin ${copy}\nwait\nshow_downloads\nsearch film\nnonsense\n`);
  bob.endInput();
  expect(await bob.exited()).toBe(1);
  await ann.stop();

  expect([...ann.err, ...bob.err]).toEqual([]);
  expect(await sha1Of(copy)).toBe(await sha1Of(file));
  const replies = ofType(bob, "reply").map(({ command }) => command);
  expect(replies).toEqual([
    "create_user",
    "login",
    "join_group",
    "download_file",
    "wait",
    "show_downloads",
    "search",
  ]);
  expect(ofType(bob, "error").map(({ command, code }) => [command, code])).toEqual([
    ["list_files", "not-member"],
    [undefined, "usage"],
  ]);
  expect(ofType(bob, "event")).toContainEqual(
    expect.objectContaining({ event: "download-complete", path: copy, size: 32 * MiB, state: "complete" }),
  );
  const upload = ofType(ann, "reply").find(({ command }) => command === "upload_file");
  expect(upload?.["result"]).toEqual({
    group: "lab",
    name: "film.bin",
    path: file,
    size: 32 * MiB,
    sha1: await sha1Of(file),
    kept: null,
  });
  expect(ofType(ann, "progress").every(({ progress }) => progress === "hashing")).toBe(true);
});

test("what keeps a client from starting is a line of JSON too, with the same exit code as ever", async () => {
  await using world = new World();
  const first = world.startClient("ann", { args: ["--json"] });
  first.write("whoami\n");
  await first.line(/"command":"whoami"/);
  const second = world.startClient("ann", { args: ["--json", "-c", "whoami"] });
  expect(await second.exited()).toBe(1);
  expect(recordsOf(second)).toEqual([expect.objectContaining({ type: "error", code: "data-folder-in-use" })]);
  const lost = world.start("lost", ["client", "127.0.0.1:0", world.path("none"), "--json"]);
  expect(await lost.exited()).toBe(2);
  expect(recordsOf(lost)).toEqual([expect.objectContaining({ type: "error", code: "usage" })]);
  expect([...second.err, ...lost.err]).toEqual([]);
});

test.skipIf(!HAS_SIGNALS)(
  "a tracker in a script ends in order by each signal, its input long closed",
  async () => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      await using world = new World();
      const tracker = await world.startTracker();
      tracker.endInput();
      const client = world.startClient("ann", { args: ["-c", "create_user ann pw"] });
      expect(await client.exited()).toBe(0);
      tracker.kill(signal);
      expect(await tracker.exited()).toBe(0);
    }
  },
);

/** The largest file that it may write, in blocks of 512 bytes: what a full disk is to it. */
const SMALL_DISK_BLOCKS = 600;

test.skipIf(!HAS_SIGNALS)("a tracker whose disk fails ends, with 1 and the reason", async () => {
  await using world = new World();
  const limited = `ulimit -f ${SMALL_DISK_BLOCKS}; trap "" XFSZ; exec "$@"`;
  const tracker = await world.startTracker(1, { within: ["sh", "-c", limited, "sh"] });
  const ann = world.startClient("ann");
  await ann.ok("create_user ann pw");
  await ann.ok("login ann pw");
  const names = Array.from({ length: 3_000 }, (_, index) => `create_group ${"g".repeat(40)}${index}\n`);
  ann.write(names.join(""));
  expect(await tracker.exited()).toBe(1);
  expect(tracker.err.at(-1)).toMatch(/^error: the tracker cannot keep its log and stops: /);
});

test("a service that starts before its tracker logs in when it is there; a wrong password ends it with 1", async () => {
  await using world = new World();
  const first = await world.startTracker();
  const ann = world.startClient("ann");
  await enter(ann);
  ann.write("quit\n");
  await ann.exited();
  first.kill("SIGTERM");
  await first.exited();
  const service = world.startClient("ann", { args: ["--stay", "-c", "login ann pw; list_groups"] });
  await service.line(/^Not logged in yet: no tracker answers: .*; trying until one does$/);
  await world.startTracker();
  await service.line(/^No groups$/);
  expect(service.out).toEqual(["Login successful", "No groups"]);
  service.kill("SIGTERM");
  expect(await service.exited()).toBe(0);

  const wrong = world.startClient("ann", { args: ["--stay", "-c", "login ann wrong; list_groups"] });
  expect(await wrong.exited()).toBe(1);
  expect(wrong.err).toContain("error: wrong user id or password");
});
