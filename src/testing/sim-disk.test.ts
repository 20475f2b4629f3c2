import { describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import { MemoryDisk } from "../tracker/store/memory-store.ts";
import { copyOfDisk, openSimStore, SimKilled, type StepFate, vectorOfDisk } from "./sim-disk.ts";
import { originOf, TestTracker } from "./test-tracker.ts";

const tracker = new TestTracker(1);
tracker.createUser("ann");
tracker.createUser("bob");
const [first, second] = tracker.log;

function opened(...fates: StepFate[]) {
  const disk = new MemoryDisk();
  const done: string[] = [];
  let kills = 0;
  const store = openSimStore(disk, {
    fate: () => fates.shift() ?? "done",
    done: (method) => done.push(method),
    killed: () => kills++,
  });
  const append = (entry = first) => store.append(entry === undefined ? [] : [entry]);
  const held = () => vectorOfDisk(disk).get(originOf(1)) ?? 0;
  return { disk, store, append, held, done, kills: () => kills };
}

function thrown(run: () => void): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("a process killed in a step", () => {
  test("before it took effect: nothing is on the disk", () => {
    const { append, held, done, kills } = opened("killed before");
    expect(thrown(append)).toBeInstanceOf(SimKilled);
    expect([held(), done.length, kills()]).toEqual([0, 0, 1]);
  });

  test("after it took effect: it is on the disk, though nobody was told", () => {
    const { append, held, done, kills } = opened("killed after");
    expect(thrown(append)).toBeInstanceOf(SimKilled);
    expect([held(), done, kills()]).toEqual([1, ["append"], 1]);
  });
});

describe("a disk that fails", () => {
  for (const [fate, left] of [
    ["fails before", 0],
    ["fails after", 1],
  ] as const) {
    test(`${fate}: every later write fails the same way, looking goes on`, () => {
      const { store, append, held } = opened(fate);
      const failure = thrown(append);
      expect(failure).toMatchObject({ code: "disk-error" });
      expect(failure).toBeInstanceOf(Failure);
      expect(thrown(() => append(second))).toBe(failure);
      expect(thrown(() => store.setMeta("a", "b"))).toBe(failure);
      expect([held(), [...store.replay()].length]).toEqual([left, left]);
    });
  }
});

test("a backup keeps what was there when it was made", () => {
  const { disk, append } = opened();
  append();
  const backup = copyOfDisk(disk);
  append(second);
  expect([vectorOfDisk(backup).get(originOf(1)), vectorOfDisk(disk).get(originOf(1))]).toEqual([1, 2]);
});
