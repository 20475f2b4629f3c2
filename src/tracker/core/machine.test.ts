import { describe, expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import { originOf, requestId, TestTracker, user } from "../../testing/test-tracker.ts";
import type { Entry } from "../../wire/entry.ts";
import { makeStamp } from "./hybrid-time.ts";
import { TrackerCore } from "./machine.ts";
import { rowsOf, stateHash } from "./state-rows.ts";

function create(core: TrackerCore, name: string, nowMs = 5): readonly Entry[] {
  const command = {
    kind: "create-user",
    request: requestId(name),
    name: user(name),
    passwordHash: "hash",
  } as const;
  const executed = core.execute(command, nowMs);
  if (executed instanceof Failure) throw executed;
  return executed.entries;
}

describe("tracker core", () => {
  test("entries carry the origin of this run, a sequence without holes, rising stamps, and their request", () => {
    const core = new TrackerCore(originOf(3));
    const entries = ["ann", "bob"].flatMap((name) => {
      const made = create(core, name);
      core.apply(made, 5);
      return made;
    });
    expect(entries.map(({ key }) => key)).toEqual([
      { origin: originOf(3), seq: 1 },
      { origin: originOf(3), seq: 2 },
    ]);
    expect((entries[0]?.stamp ?? "") < (entries[1]?.stamp ?? "")).toBe(true);
    expect(entries[0]?.request).toBe(requestId("ann"));
  });

  test("what was not applied has not happened: its sequence is given again", () => {
    const core = new TrackerCore(originOf(1));
    create(core, "lost");
    expect(create(core, "kept")[0]?.key.seq).toBe(1);
  });

  test("an own entry out of sequence is a bug", () => {
    const core = new TrackerCore(originOf(1));
    const entries = create(core, "ann");
    core.apply(entries, 5);
    expect(() => core.apply(entries, 5)).toThrow();
  });

  test("a new run restores the same state and goes on above its stamps, under its own origin", () => {
    const before = new TestTracker(1, 50_000);
    const ann = before.createUser("ann");
    before.createGroup(ann, "lab");
    const after = new TrackerCore(originOf(1, 2));
    after.restore(before.log, 50_000);
    expect(stateHash(after.state)).toBe(stateHash(before.state));
    const [entry] = create(after, "bob", 0);
    expect(entry?.key).toEqual({ origin: originOf(1, 2), seq: 1 });
    expect((entry?.stamp ?? "") > (before.log.at(-1)?.stamp ?? "")).toBe(true);
  });

  test("a stamp from far ahead is applied but does not drag the clock along", () => {
    const ahead = new TestTracker(2, 2 ** 40);
    ahead.createUser("ann");
    const core = new TrackerCore(originOf(1));
    core.apply(ahead.log, 1_000);
    expect(create(core, "bob", 1_000)[0]?.stamp).toBe(makeStamp(1_000, 0));
  });
});

describe("what the core has seen", () => {
  const unknown = (seq: number): Entry => ({
    key: { origin: originOf(2), seq },
    stamp: makeStamp(1, 0),
    request: requestId(`unknown ${seq}`),
    body: { kind: "opaque", text: '{"kind":"from-the-future"}' },
  });

  test("is a vector of all that was applied, whoever made it", () => {
    const core = new TrackerCore(originOf(1));
    const other = new TestTracker(2);
    other.createUser("ann");
    other.createUser("bob");
    core.apply(create(core, "cy"), 5);
    core.apply(other.log, 5);
    core.apply(other.log.slice(0, 1), 5);
    expect(core.vector).toEqual(
      new Map([
        [originOf(1), 1],
        [originOf(2), 2],
      ]),
    );
    expect(core.covered()).toEqual(new Map(core.vector));
  });

  test("its rows stand for an origin's log only as far as every kind is known", () => {
    const core = new TrackerCore(originOf(1));
    const other = new TestTracker(2);
    other.createUser("ann");
    core.apply(
      [...other.log, unknown(2), { ...(other.log[0] as Entry), key: unknown(3).key }, unknown(4)],
      5,
    );
    expect(core.vector.get(originOf(2))).toBe(4);
    expect(core.covered().get(originOf(2))).toBe(1);
    expect(core.holdsUnknown).toBe(true);
    core.adopt(new Map([[originOf(2), 3]]));
    expect(core.covered().get(originOf(2))).toBe(3);
    core.adopt(new Map([[originOf(2), 7]]));
    expect([core.vector.get(originOf(2)), core.covered().get(originOf(2))]).toEqual([7, 7]);
    expect(core.holdsUnknown).toBe(false);
  });

  test("rows bring it to the same state, above the same stamps, and its own log goes on", () => {
    const before = new TestTracker(2, 50_000);
    const ann = before.createUser("ann");
    before.createGroup(ann, "lab");
    before.share(ann, "lab", "a.txt");
    const core = new TrackerCore(originOf(1));
    core.restoreRows(rowsOf(before.state), 60_000);
    core.adopt(before.core.vector);
    core.restore(before.log.slice(-1), 60_000);
    expect(stateHash(core.state)).toBe(stateHash(before.state));
    expect(core.vector).toEqual(new Map(before.core.vector));
    const [entry] = create(core, "bob", 0);
    expect(entry?.key).toEqual({ origin: originOf(1), seq: 1 });
    expect((entry?.stamp ?? "") > (before.log.at(-1)?.stamp ?? "")).toBe(true);
    core.apply([entry as Entry], 0);
    expect(create(core, "cy", 0)[0]?.key.seq).toBe(2);
  });

  test("rows of another tracker tell whose standing became another", () => {
    const other = new TestTracker(2);
    const ann = other.createUser("ann");
    const gid = other.createGroup(ann, "lab");
    const core = new TrackerCore(originOf(1));
    expect(core.merge(rowsOf(other.state), 5)).toEqual([{ gid, uid: ann, before: "none", after: "member" }]);
    expect(core.vector.size).toBe(0);
  });
});
