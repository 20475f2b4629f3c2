import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { GroupName, Uid, UserName } from "../base/ids.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { originOf, requestId } from "../testing/test-tracker.ts";
import type { Entry } from "../wire/entry.ts";
import type { Announcement } from "./announcements.ts";
import { CommandLog } from "./command-log.ts";
import type { Command } from "./core/commands.ts";
import { deriveUid } from "./core/derived-ids.ts";
import { TrackerCore } from "./core/machine.ts";

const createUser = (name: string): Command => ({
  kind: "create-user",
  request: requestId(name),
  name: name as UserName,
  passwordHash: "hash",
});
const createGroup = (name: string, by: Uid, request = name): Command => ({
  kind: "create-group",
  request: requestId(request),
  by,
  group: name as GroupName,
});

/** A log whose turns end when the test says so, and which tells in order what it does. */
function setUp() {
  const told: string[] = [];
  const batches: Entry[][] = [];
  const turns: (() => void)[] = [];
  const failures: Failure[] = [];
  const announced: Announcement[] = [];
  let broken: Error | undefined;
  const core = new TrackerCore(originOf(1));
  const log = new CommandLog({
    core,
    clock: new ManualClock(),
    store: {
      append(entries) {
        if (broken !== undefined) throw broken;
        told.push(`append ${entries.length}`);
        batches.push([...entries]);
      },
    },
    announce(announcements) {
      told.push(`announce ${announcements.length}`);
      announced.push(...announcements);
    },
    failed: (failure) => failures.push(failure),
    afterTurn: (run) => turns.push(run),
  });
  const endTurn = async () => {
    for (const run of turns.splice(0)) run();
    await settle();
  };
  const breakDisk = (error: Error) => {
    broken = error;
  };
  return { core, log, told, batches, turns, failures, announced, endTurn, breakDisk };
}

const outcome = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error) => (error instanceof Failure ? error.code : error),
  );

test("all commands of a turn are one transaction, answered after it and in order", async () => {
  const { log, told, turns, batches, endTurn } = setUp();
  for (const name of ["ada", "bob", "eve"]) void log.run(createUser(name)).then(() => told.push(name));
  expect(turns).toHaveLength(1);
  await endTurn();
  expect(told).toEqual(["append 3", "ada", "bob", "eve"]);
  expect(batches[0]?.map(({ key }) => key.seq)).toEqual([1, 2, 3]);
  void log.run(createUser("zoe"));
  await endTurn();
  expect(batches[1]?.map(({ key }) => key.seq)).toEqual([4]);
});

test("a command sees those before it in the same turn, and its refusal waits for them to be durable", async () => {
  const { log, endTurn, breakDisk } = setUp();
  await Promise.all([log.run(createUser("ada")), endTurn()]);
  const ada = deriveUid(requestId("ada"));
  const first = outcome(log.run(createGroup("lab", ada, "1")));
  const second = outcome(log.run(createGroup("lab", ada, "2")));
  await endTurn();
  expect([await first, await second]).toEqual(["done", "name-taken"]);

  breakDisk(new Error("full"));
  const third = outcome(log.run(createGroup("studio", ada, "3")));
  const fourth = outcome(log.run(createGroup("studio", ada, "4")));
  await endTurn();
  expect([await third, await fourth]).toEqual(["disk-error", "disk-error"]);
});

test("nothing is decided or applied before the turn ends", async () => {
  const { log, core, endTurn } = setUp();
  const done = log.run(createUser("ada"));
  expect(core.state.users.find("ada")).toEqual([]);
  await endTurn();
  await done;
  expect(core.state.users.find("ada")).toHaveLength(1);
});

test("a view is of the state right after its own command", async () => {
  const { log, endTurn } = setUp();
  const ada = deriveUid(requestId("ada"));
  const counts = [
    log.runThen(createUser("ada"), (state) => state.groups.ownedCount(ada)),
    log.runThen(createGroup("a", ada), (state) => state.groups.ownedCount(ada)),
    log.runThen(createGroup("b", ada), (state) => state.groups.ownedCount(ada)),
  ];
  await endTurn();
  expect(await Promise.all(counts)).toEqual([0, 1, 2]);
});

test("a repeated command is answered without writing anything", async () => {
  const { log, batches, endTurn } = setUp();
  const first = outcome(log.run(createUser("ada")));
  const second = outcome(log.run(createUser("ada")));
  await endTurn();
  expect([await first, await second]).toEqual(["done", "done"]);
  expect(batches.flat()).toHaveLength(1);
  const third = outcome(log.run(createUser("ada")));
  await endTurn();
  expect(await third).toBe("done");
  expect(batches).toHaveLength(1);
});

test("announcements come after the commit and before the answers", async () => {
  const { log, told, endTurn } = setUp();
  const ada = deriveUid(requestId("ada"));
  await Promise.all([log.run(createUser("ada")), endTurn()]);
  await Promise.all([log.run(createUser("bob")), endTurn()]);
  await Promise.all([log.run(createGroup("lab", ada)), endTurn()]);
  told.length = 0;
  const join = { kind: "join-group", request: requestId("join"), by: deriveUid(requestId("bob")) } as const;
  void log.run({ ...join, group: "lab" as GroupName }).then(() => told.push("answer"));
  await endTurn();
  expect(told).toEqual(["append 1", "announce 1", "answer"]);
});

test("a command that cannot even be decided is refused alone", async () => {
  const { log, failures, endTurn } = setUp();
  const broken = outcome(log.run({ ...createUser("ada"), kind: "unheard-of" } as unknown as Command));
  const good = outcome(log.run(createUser("bob")));
  await endTurn();
  expect([await broken, await good]).toEqual(["internal", "done"]);
  expect(failures).toEqual([]);
});

test("after a failed append nothing is announced, and every later command is refused", async () => {
  const { log, failures, announced, turns, endTurn, breakDisk } = setUp();
  breakDisk(new Failure("disk-error", "no space left"));
  const during = outcome(log.run(createUser("ada")));
  await endTurn();
  expect(await during).toBe("disk-error");
  expect(failures.map(({ code }) => code)).toEqual(["disk-error"]);
  expect(failures[0]?.message).toContain("no space left");
  expect(announced).toEqual([]);
  expect(await outcome(log.run(createUser("bob")))).toBe("disk-error");
  expect(turns).toHaveLength(0);
});

test("stopping refuses those that wait, and their turn does nothing any more", async () => {
  const { log, batches, endTurn } = setUp();
  const waiting = outcome(log.run(createUser("ada")));
  log.stop(new Failure("try-later", "stopped"));
  expect(await waiting).toBe("try-later");
  await endTurn();
  expect(batches).toEqual([]);
});
