import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { GroupName, Uid, UserName } from "../base/ids.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { originOf, requestId, TestTracker } from "../testing/test-tracker.ts";
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
const nothing = () => undefined;
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
  let spread = () => Promise.resolve(1);
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
    committed: () => {},
    spread: () => spread(),
    holders: () => 1,
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
  const spreadBy = (by: () => Promise<number>) => {
    spread = by;
  };
  return { spreadBy, core, log, told, batches, turns, failures, announced, endTurn, breakDisk };
}

const outcome = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error) => (error instanceof Failure ? error.code : error),
  );

test("all commands of a turn are one transaction, answered after it and in order", async () => {
  const { log, told, turns, batches, endTurn } = setUp();
  for (const name of ["ada", "bob", "eve"])
    void log.run(createUser(name), nothing).then(() => told.push(name));
  expect(turns).toHaveLength(1);
  await endTurn();
  expect(told).toEqual(["append 3", "ada", "bob", "eve"]);
  expect(batches[0]?.map(({ key }) => key.seq)).toEqual([1, 2, 3]);
  void log.run(createUser("zoe"), nothing);
  await endTurn();
  expect(batches[1]?.map(({ key }) => key.seq)).toEqual([4]);
});

test("a command sees those before it in the same turn, and its refusal waits for them to be durable", async () => {
  const { log, endTurn, breakDisk } = setUp();
  await Promise.all([log.run(createUser("ada"), nothing), endTurn()]);
  const ada = deriveUid(requestId("ada"));
  const first = outcome(log.run(createGroup("lab", ada, "1"), nothing));
  const second = outcome(log.run(createGroup("lab", ada, "2"), nothing));
  await endTurn();
  expect([await first, await second]).toEqual(["done", "name-taken"]);

  breakDisk(new Error("full"));
  const third = outcome(log.run(createGroup("studio", ada, "3"), nothing));
  const fourth = outcome(log.run(createGroup("studio", ada, "4"), nothing));
  await endTurn();
  expect([await third, await fourth]).toEqual(["disk-error", "disk-error"]);
});

test("nothing is decided or applied before the turn ends", async () => {
  const { log, core, endTurn } = setUp();
  const done = log.run(createUser("ada"), nothing);
  expect(core.state.users.find("ada")).toEqual([]);
  await endTurn();
  await done;
  expect(core.state.users.find("ada")).toHaveLength(1);
});

test("a view is of the state right after its own command", async () => {
  const { log, endTurn } = setUp();
  const ada = deriveUid(requestId("ada"));
  const counts = [
    log.run(createUser("ada"), (state) => state.groups.ownedCount(ada)),
    log.run(createGroup("a", ada), (state) => state.groups.ownedCount(ada)),
    log.run(createGroup("b", ada), (state) => state.groups.ownedCount(ada)),
  ];
  await endTurn();
  expect((await Promise.all(counts)).map(({ value }) => value)).toEqual([0, 1, 2]);
});

test("a command is answered when the others have it, and says how many trackers do", async () => {
  const { log, told, spreadBy, endTurn } = setUp();
  const { promise, resolve } = Promise.withResolvers<number>();
  spreadBy(() => promise);
  void log.run(createUser("ada"), nothing).then(({ copies }) => told.push(`ada on ${copies}`));
  await endTurn();
  expect(told).toEqual(["append 1"]);
  resolve(2);
  await endTurn();
  expect(told).toEqual(["append 1", "ada on 2"]);
});

describe("entries of another tracker", () => {
  /** What another tracker has made: two accounts. */
  function fromElsewhere(): Entry[] {
    const other = new TestTracker(2);
    other.createUser("bob");
    other.createUser("eve");
    return other.log;
  }

  test("are durable before they are confirmed, share the turn's transaction, and wait for nobody else", async () => {
    const { core, log, told, spreadBy, endTurn } = setUp();
    spreadBy(() => new Promise(() => {}));
    void log.take(fromElsewhere()).then(() => told.push("taken"));
    void log.run(createUser("ada"), nothing);
    await endTurn();
    expect(told).toEqual(["append 3", "taken"]);
    expect(core.state.users.find("eve")).toHaveLength(1);
    expect(core.vector).toEqual(new Map([[originOf(2), 2]]).set(originOf(1), 1));
  });

  test("are seen by the commands behind them in the same turn", async () => {
    const { log, endTurn } = setUp();
    const taken = log.take(fromElsewhere());
    const taken2 = outcome(log.run(createUser("bob"), nothing));
    await endTurn();
    await taken;
    expect(await taken2).toBe("name-taken");
  });

  test("that are here already change nothing", async () => {
    const { log, batches, endTurn } = setUp();
    for (const entries of [fromElsewhere(), fromElsewhere().slice(0, 1)]) {
      const taken = log.take(entries);
      await endTurn();
      await taken;
    }
    expect(batches).toHaveLength(1);
  });

  test("with a hole, or under this run's own name, are refused whole, and nothing else notices", async () => {
    const { core, log, endTurn } = setUp();
    const [first, second] = fromElsewhere() as [Entry, Entry];
    const forged: Entry = { ...first, key: { origin: originOf(1), seq: 1 } };
    const refusals = [log.take([second]), log.take([first, forged])].map(outcome);
    const own = outcome(log.run(createUser("ada"), nothing));
    await endTurn();
    expect(await Promise.all(refusals)).toEqual(["protocol", "protocol"]);
    expect(await own).toBe("done");
    expect(core.vector).toEqual(new Map([[originOf(1), 1]]));
  });
});

test("a repeated command is answered without writing anything", async () => {
  const { log, batches, endTurn } = setUp();
  const first = outcome(log.run(createUser("ada"), nothing));
  const second = outcome(log.run(createUser("ada"), nothing));
  await endTurn();
  expect([await first, await second]).toEqual(["done", "done"]);
  expect(batches.flat()).toHaveLength(1);
  const third = outcome(log.run(createUser("ada"), nothing));
  await endTurn();
  expect(await third).toBe("done");
  expect(batches).toHaveLength(1);
});

test("announcements come after the commit and before the answers", async () => {
  const { log, told, endTurn } = setUp();
  const ada = deriveUid(requestId("ada"));
  await Promise.all([log.run(createUser("ada"), nothing), endTurn()]);
  await Promise.all([log.run(createUser("bob"), nothing), endTurn()]);
  await Promise.all([log.run(createGroup("lab", ada), nothing), endTurn()]);
  told.length = 0;
  const join = { kind: "join-group", request: requestId("join"), by: deriveUid(requestId("bob")) } as const;
  void log.run({ ...join, group: "lab" as GroupName }, nothing).then(() => told.push("answer"));
  await endTurn();
  expect(told).toEqual(["append 1", "announce 1", "answer"]);
});

test("a command that cannot even be decided is refused alone", async () => {
  const { log, failures, endTurn } = setUp();
  const broken = outcome(
    log.run({ ...createUser("ada"), kind: "unheard-of" } as unknown as Command, nothing),
  );
  const good = outcome(log.run(createUser("bob"), nothing));
  await endTurn();
  expect([await broken, await good]).toEqual(["internal", "done"]);
  expect(failures).toEqual([]);
});

test("after a failed append nothing is announced, and every later command is refused", async () => {
  const { log, failures, announced, turns, endTurn, breakDisk } = setUp();
  breakDisk(new Failure("disk-error", "no space left"));
  const during = outcome(log.run(createUser("ada"), nothing));
  await endTurn();
  expect(await during).toBe("disk-error");
  expect(failures.map(({ code }) => code)).toEqual(["disk-error"]);
  expect(failures[0]?.message).toContain("no space left");
  expect(announced).toEqual([]);
  expect(await outcome(log.run(createUser("bob"), nothing))).toBe("disk-error");
  expect(turns).toHaveLength(0);
});

test("stopping refuses those that wait, and their turn does nothing any more", async () => {
  const { log, batches, endTurn } = setUp();
  const waiting = outcome(log.run(createUser("ada"), nothing));
  log.stop(new Failure("try-later", "stopped"));
  expect(await waiting).toBe("try-later");
  await endTurn();
  expect(batches).toEqual([]);
});
