import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Gid, Uid } from "../base/ids.ts";
import { CHECKPOINT_AFTER_MS, CHECKPOINT_ENTRIES, REPEATABLE_MS, ROW_SLICE_ROWS } from "../base/limits.ts";
import { Prng } from "../base/prng.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { randomHistory } from "../testing/random-history.ts";
import {
  deviceOf,
  file,
  fileOf,
  group,
  originOf,
  requestId,
  TestTracker,
  user,
} from "../testing/test-tracker.ts";
import type { Entry } from "../wire/entry.ts";
import { type RowOf, rowKey, type SharedRow, type StateRow } from "../wire/state-row.ts";
import { Checkpointer } from "./checkpointer.ts";
import { TrackerCore } from "./core/machine.ts";
import { checkInvariants } from "./core/state.ts";
import { rowsOf, stateHash } from "./core/state-rows.ts";
import { MemoryDisk, MemoryStore } from "./store/memory-store.ts";

class CountingStore extends MemoryStore {
  readonly slices: number[] = [];
  /** Accounts and groups whose rows were read after the start; undefined where it was all of them. */
  readonly reads: unknown[] = [];
  broken = false;

  override loadAccounts(uid?: Uid): Iterable<RowOf<"account">> {
    this.reads.push(uid);
    return super.loadAccounts(uid);
  }

  override loadShared(gid?: Gid): Iterable<SharedRow> {
    this.reads.push(gid);
    return super.loadShared(gid);
  }

  override saveRows(rows: readonly StateRow[]): void {
    if (this.broken) throw new Failure("disk-error", "no space left on device");
    this.slices.push(rows.length);
    super.saveRows(rows);
  }
}

/** One run of a tracker on a disk that outlives it; its turns end when the test says so. */
class Run {
  readonly clock = new ManualClock();
  readonly core: TrackerCore;
  readonly store: CountingStore;
  readonly checkpointer: Checkpointer;
  readonly failures: Failure[] = [];
  turns: (() => void)[] = [];

  constructor(
    readonly disk = new MemoryDisk(),
    run = 1,
  ) {
    this.store = new CountingStore(disk);
    this.core = new TrackerCore(originOf(9, run));
    this.checkpointer = new Checkpointer({
      core: this.core,
      store: this.store,
      clock: this.clock,
      afterTurn: (work) => this.turns.push(work),
      failed: (failure) => this.failures.push(failure),
    });
    this.checkpointer.restore();
  }

  get hash(): string {
    return stateHash(this.core.state);
  }

  take(entries: readonly Entry[]): void {
    this.store.append(entries);
    this.core.apply(entries, 1_000_000);
    this.checkpointer.applied(entries);
  }

  endTurn(): boolean {
    const turns = this.turns;
    this.turns = [];
    for (const work of turns) work();
    return turns.length > 0;
  }

  /** Until there is nothing more to do. */
  endTurns(): void {
    while (this.endTurn());
  }

  checkpointAll(): void {
    this.clock.advance(CHECKPOINT_AFTER_MS);
    this.endTurns();
  }
}

function tracker(...names: string[]): TestTracker {
  const made = new TestTracker(1);
  for (const name of names) made.createUser(name);
  return made;
}

test("some seconds after a change it is in the rows, and the checkpoint has risen to it", () => {
  const run = new Run();
  const { log, core } = tracker("ann", "bob");
  run.take(log);
  expect(run.checkpointer.hashAt()).toBeUndefined();
  run.clock.advance(CHECKPOINT_AFTER_MS - 1);
  expect(run.endTurn()).toBe(false);
  run.checkpointAll();
  expect([...run.store.loadRows()].map(rowKey).sort()).toEqual([...rowsOf(core.state)].map(rowKey).sort());
  expect(run.store.checkpointed()).toEqual(new Map(core.vector));
  expect(run.checkpointer.hashAt()).toEqual({ vector: new Map(core.vector), hash: run.hash });
  expect(run.clock.pending).toBe(0);
});

test("after many entries it does not wait for the time", () => {
  const run = new Run();
  const { log } = tracker("ann");
  const many = Array.from({ length: CHECKPOINT_ENTRIES }, (_, at): Entry => {
    const [entry] = log as [Entry];
    return { ...entry, key: { ...entry.key, seq: at + 1 }, request: requestId(at) };
  });
  run.take(many);
  run.endTurns();
  expect(run.store.checkpointed()).toEqual(run.store.vector());
  expect(run.clock.pending).toBe(0);
});

test("a round writes a slice a turn; what changes meanwhile is in the next one", () => {
  const run = new Run();
  const made = tracker();
  for (let number = 0; number < 2 * ROW_SLICE_ROWS + 1; number++) made.createUser(`user${number}`);
  run.take(made.log);
  run.clock.advance(CHECKPOINT_AFTER_MS);
  run.endTurn();
  expect(run.store.slices).toEqual([ROW_SLICE_ROWS]);
  const before = made.log.length;
  made.createUser("late");
  run.take(made.log.slice(before));
  run.endTurns();
  expect(run.store.slices).toEqual([ROW_SLICE_ROWS, ROW_SLICE_ROWS, 1]);
  expect(run.store.checkpointed().get(originOf(1))).toBe(before);
  expect(run.checkpointer.hashAt()).toBeUndefined();
  run.checkpointAll();
  expect(run.checkpointer.hashAt()?.hash).toBe(run.hash);
});

test("a start from rows and log is the state before, wherever the last run was killed", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const { entries, hash } = randomHistory(seed);
    const random = new Prng(seed);
    let run = new Run();
    const disk = run.disk;
    for (let at = 0, runs = 1; at < entries.length; ) {
      const next = at + 1 + random.below(9);
      run.take(entries.slice(at, next));
      at = next;
      if (random.below(2) === 0) run.clock.advance(CHECKPOINT_AFTER_MS);
      if (random.below(3) > 0) run.endTurn();
      run.checkpointer.settled([]);
      if (random.below(5) === 0) run.clock.advance(REPEATABLE_MS);
      if (random.below(6) === 0) run = new Run(disk, ++runs);
    }
    expect(run.hash).toBe(hash);
    run.endTurns();
    run.checkpointAll();
    expect(run.checkpointer.hashAt()?.hash).toBe(hash);
    const again = new Run(disk, 100);
    checkInvariants(again.core.state);
    expect([again.hash, again.checkpointer.hashAt()?.hash]).toEqual([hash, hash]);
    expect(again.core.vector).toEqual(run.core.vector);
  }
});

test("the rows of a deleted group are dropped slice by slice, also where a run was killed between", () => {
  const made = tracker("ann");
  const ann = made.log[0]?.body.kind === "account-created" ? made.log[0].body.uid : undefined;
  if (ann === undefined) throw new Error("no account");
  made.createGroup(ann, "lab");
  for (let number = 0; number < ROW_SLICE_ROWS; number++) made.share(ann, "lab", `file ${number}`);
  const run = new Run();
  run.take(made.log);
  run.checkpointAll();
  const before = made.log.length;
  made.must({ kind: "delete-group", by: ann, group: group("lab") });
  run.take(made.log.slice(before));
  run.clock.advance(CHECKPOINT_AFTER_MS);
  run.endTurn();
  run.endTurn();
  expect(run.disk.rows.size).toBeGreaterThan(2);
  // Killed; and as if the deletion had come as a row, which no log tells of.
  run.disk.checkpointed = run.store.vector();
  const again = new Run(run.disk, 2);
  expect(again.hash).toBe(stateHash(made.state));
  again.checkpointAll();
  expect(again.disk.rows.size).toBe(2);
  expect(again.checkpointer.hashAt()?.hash).toBe(again.hash);
});

/** Ann shares a file in her group; all of it is in the rows, none in the log. */
function sharing(): { disk: MemoryDisk; made: TestTracker; ann: Uid; gid: Gid } {
  const made = new TestTracker(1);
  const ann = made.createUser("ann");
  const gid = made.createGroup(ann, "lab");
  made.share(ann, "lab", "a.txt");
  const run = new Run();
  run.take(made.log);
  run.checkpointAll();
  run.clock.advance(REPEATABLE_MS);
  run.checkpointer.settled([made.core.vector]);
  run.endTurns();
  expect([...run.store.replay()]).toEqual([]);
  return { disk: run.disk, made, ann, gid };
}

test("what a group shares is read when somebody asks for it, once", () => {
  const { disk, made, gid } = sharing();
  const again = new Run(disk, 2);
  const { shares } = again.core.state;
  expect([again.hash, again.store.reads]).toEqual([stateHash(made.state), [undefined, undefined, undefined]]);
  for (let round = 0; round < 2; round++) expect([...shares.listed(gid)]).toHaveLength(1);
  expect(again.store.reads.slice(3)).toEqual([gid]);
  expect(again.hash).toBe(stateHash(made.state));
  checkInvariants(again.core.state);
  expect([shares.fileCount("0".repeat(32) as Gid), shares.fileCount(gid)]).toEqual([0, 1]);
});

test("of an account the name is known at once; the rest is read when somebody asks for it, once", () => {
  const { disk, made, ann } = sharing();
  const again = new Run(disk, 2);
  const { users } = again.core.state;
  expect([users.find("Ann"), users.has(ann), users.name(ann), users.size]).toEqual([
    [ann],
    true,
    user("ann"),
    1,
  ]);
  expect(again.store.reads).toEqual([undefined]);
  for (let round = 0; round < 2; round++) expect(users.passwordHash(ann)).toBe("hash of ann");
  expect(again.store.reads).toEqual([undefined, ann]);
  expect(again.hash).toBe(stateHash(made.state));
  checkInvariants(again.core.state);
});

test("what is decided is above all that was read for it", () => {
  const { disk, made, ann } = sharing();
  const { core } = new Run(disk, 2);
  const about = { kind: "share-file", request: requestId(9), by: ann, device: deviceOf(ann) } as const;
  const shared = { group: group("lab"), name: file("b.txt"), file: fileOf("b"), counter: 1 };
  const executed = core.execute({ ...about, ...shared }, 0);
  if (executed instanceof Failure) throw executed;
  const last = made.log.at(-1)?.stamp as string;
  expect(executed.entries.map(({ stamp }) => stamp > last)).toEqual([true, true]);
});

test("rows that cannot be read change nothing, and are read again by whoever asks next", () => {
  const { disk, gid } = sharing();
  const [key, text] = [...disk.rows].findLast(([each]) => each.startsWith(`s/${gid}`)) as [string, string];
  disk.rows.set(key, "{}");
  const again = new Run(disk, 2);
  const { shares } = again.core.state;
  for (let round = 0; round < 2; round++) expect(() => shares.fileCount(gid)).toThrow("damaged");
  disk.rows.set(key, text);
  expect([...shares.listed(gid)]).toHaveLength(1);
});

test("an orderly end leaves nothing to be read of the log", () => {
  const run = new Run();
  const { log } = tracker("ann", "bob");
  run.take(log.slice(0, 1));
  run.clock.advance(CHECKPOINT_AFTER_MS);
  run.take(log.slice(1));
  run.checkpointer.close();
  expect(run.store.checkpointed()).toEqual(run.store.vector());
  run.endTurns();
  expect([run.clock.pending, run.failures.length]).toEqual([0, 0]);
  expect(new Run(run.disk, 2).checkpointer.hashAt()?.hash).toBe(run.hash);
});

test("rows of another tracker are durable before they stand for its log", async () => {
  const other = tracker("ann", "bob");
  const run = new Run();
  const rows = [...rowsOf(other.state)];
  run.core.merge(rows, 1_000_000);
  run.checkpointer.merged(rows);
  const adopted = run.checkpointer.adopt(other.core.vector);
  expect(run.core.vector.size).toBe(0);
  while (run.disk.checkpointed.size === 0) {
    run.endTurns();
    await Promise.resolve();
  }
  await adopted;
  expect(run.core.vector).toEqual(other.core.vector);
  expect(run.store.vector()).toEqual(new Map(other.core.vector));
  expect(run.checkpointer.hashAt()).toEqual({ vector: new Map(other.core.vector), hash: run.hash });
  expect(new Run(run.disk, 2).hash).toBe(run.hash);
});

test("the log is trimmed to what every tracker has, once its requests are not repeated any more", () => {
  const run = new Run();
  const { log, core } = tracker("ann", "bob", "cy");
  run.take(log);
  run.checkpointAll();
  run.checkpointer.settled([core.vector, new Map([[originOf(1), 2]])]);
  run.endTurns();
  expect(run.store.floor()).toEqual(new Map());
  run.clock.advance(REPEATABLE_MS);
  run.checkpointer.settled([core.vector, new Map([[originOf(1), 2]])]);
  run.endTurns();
  expect(run.store.floor()).toEqual(new Map([[originOf(1), 2]]));
  expect(new Run(run.disk, 2).hash).toBe(run.hash);
});

test("a request whose entry is in the rows is still known as done after a start", () => {
  const run = new Run();
  const { log } = tracker("ann");
  run.take(log);
  run.checkpointAll();
  run.checkpointer.settled([]);
  run.endTurns();
  const again = new Run(run.disk, 2);
  const request = (log[0] as Entry).request;
  const command = { kind: "create-user", request, name: user("other"), passwordHash: "hash" } as const;
  expect(again.core.execute(command, 1_000_000)).toEqual({ entries: [] });
});

test("an entry of a kind that is not known stays in the log, and is read at every start", () => {
  const run = new Run();
  const { log } = tracker("ann", "bob");
  const [ann, bob] = log as [Entry, Entry];
  const unknown: Entry = { ...bob, body: { kind: "opaque", text: '{"kind":"from-the-future"}' } };
  run.take([ann, unknown, { ...bob, key: { ...bob.key, seq: 3 } }]);
  run.checkpointAll();
  run.clock.advance(REPEATABLE_MS);
  run.checkpointer.settled([]);
  run.endTurns();
  expect(run.store.floor()).toEqual(new Map([[originOf(1), 1]]));
  const again = new Run(run.disk, 2);
  expect([again.hash, again.core.holdsUnknown]).toEqual([run.hash, true]);
  expect(again.core.covered().get(originOf(1))).toBe(1);
});

test("a disk that fails is told once, and nothing is written any more", async () => {
  const run = new Run();
  run.take(tracker("ann").log);
  run.store.broken = true;
  const adopted = run.checkpointer.adopt(new Map()).catch((error: unknown) => error);
  run.clock.advance(CHECKPOINT_AFTER_MS);
  await Promise.resolve();
  run.endTurns();
  expect(run.failures.map(({ code }) => code)).toEqual(["disk-error"]);
  expect(await adopted).toBeInstanceOf(Failure);
  run.store.broken = false;
  run.checkpointer.close();
  run.endTurns();
  expect([run.disk.rows.size, run.clock.pending]).toEqual([0, 0]);
});
