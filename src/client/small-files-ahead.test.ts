import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { Gid } from "../base/ids.ts";
import { SMALL_FILES_FRESH_MS, SMALL_FILES_PER_CALL_MAX } from "../base/limits.ts";
import type { Manifest } from "../base/manifest.ts";
import { manifestOf } from "../testing/service-clients.ts";
import { hexId } from "../testing/test-tracker.ts";
import type { Method, Params } from "../wire/client-tracker.ts";
import { SmallFilesAhead, type WantedSmall } from "./small-files-ahead.ts";
import type { TrackerCalls } from "./tracker-link.ts";

const gid = hexId<Gid>("lab");
const SOURCE = { user: "ann" };

/** Has one source for every file; lists those that `lists` knows. */
class FakeTracker implements TrackerCalls {
  readonly asked: string[][] = [];
  isOlder = false;
  unshared = "";
  wrong = "";

  constructor(readonly lists: readonly Manifest[]) {}

  async call<M extends Method>(_: M, params: Params<M>): Promise<never> {
    const { fileIds } = params as unknown as { fileIds: string[] };
    this.asked.push(fileIds);
    if (this.isOlder) throw new Failure("protocol", "unknown method find_small");
    const sharedBy = fileIds.map((id) => (id === this.unshared ? [] : [0]));
    const tail = fileIds.flatMap((id) => {
      if (id === this.unshared) return [];
      const { rows } = this.lists.find(({ summary }) => summary.fileId === id) ?? { rows: new Uint8Array() };
      return [id === this.wrong ? rows.map((byte) => byte ^ 1) : rows];
    });
    return { result: { sources: [SOURCE], sharedBy }, tail: new Uint8Array(Buffer.concat(tail)) } as never;
  }
}

function world(count: number) {
  const lists = Array.from({ length: count }, (_, index) => manifestOf(`file ${index}`, 1_000));
  const wanted = lists.map(({ summary: file }): WantedSmall => ({ gid, file }));
  const tracker = new FakeTracker(lists);
  const clock = { now: 0, monotonicMs: () => clock.now };
  const ahead = new SmallFilesAhead(tracker, clock);
  const find = (at: number) => {
    const one = wanted[at];
    if (one === undefined) throw new Error(`no file ${at}`);
    return ahead.find(one, () => wanted.slice(at + 1));
  };
  return { lists, wanted, tracker, clock, find };
}

test("one call tells of many that wait in line, and each answer is used once", async () => {
  const count = SMALL_FILES_PER_CALL_MAX + 3;
  const { lists, tracker, find } = world(count);
  for (let at = 0; at < count; at++) {
    const found = await find(at);
    expect(found?.manifest.rows).toEqual(lists[at]?.rows ?? new Uint8Array());
    expect(found?.sources).toEqual([SOURCE as never]);
  }
  expect(tracker.asked.map(({ length }) => length)).toEqual([SMALL_FILES_PER_CALL_MAX, 3]);
  await find(0);
  expect(tracker.asked.length).toBe(3);
});

test("of one content that begins under many names at a time the tracker is asked once", async () => {
  const { tracker, wanted, find } = world(2);
  wanted.push(...wanted, ...wanted);
  const found = await Promise.all([0, 2, 4, 1, 3, 5].map((at) => find(at)));
  expect(found.every((each) => each !== undefined)).toBe(true);
  expect(tracker.asked.map(({ length }) => length)).toEqual([2]);
});

test("an answer that is no longer fresh is asked for again", async () => {
  const { tracker, clock, find } = world(2);
  await find(0);
  clock.now = SMALL_FILES_FRESH_MS;
  await find(1);
  expect(tracker.asked.length).toBe(2);
});

test("one without a source, and one whose list is not what was announced, are asked about as others are", async () => {
  const { wanted, tracker, find } = world(4);
  tracker.unshared = wanted[1]?.file.fileId ?? "";
  tracker.wrong = wanted[2]?.file.fileId ?? "";
  expect(await Promise.all([0, 1, 2, 3].map(async (at) => (await find(at)) !== undefined))).toEqual([
    true,
    false,
    false,
    true,
  ]);
  const older = world(1);
  older.tracker.isOlder = true;
  expect(await older.find(0)).toBeUndefined();
});
