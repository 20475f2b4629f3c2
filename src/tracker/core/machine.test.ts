import { describe, expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import { originOf, requestId, TestTracker, user } from "../../testing/test-tracker.ts";
import type { Entry } from "../../wire/entry.ts";
import { makeStamp } from "./hybrid-time.ts";
import { TrackerCore } from "./machine.ts";
import { stateHash } from "./state.ts";

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
