import { expect, test } from "bun:test";
import { SYNC_APART_MS, SYNC_TOGETHER_MS_MAX } from "../../base/limits.ts";
import { failureOf } from "../../testing/failure-of.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { SyncTogether } from "./sync-together.ts";
import type { JobReply } from "./worker-protocol.ts";

/** A system on which a sync of file systems takes so long, or cannot be had. */
function system({ takesMs = 0, reply = { kind: "synced" } as JobReply } = {}) {
  const clock = new ManualClock();
  const state = { takesMs, running: 0, most: 0, synced: [] as (readonly number[])[] };
  const together = new SyncTogether(async (job) => {
    if (job.kind !== "sync-file-systems") throw new Error(`asked to ${job.kind}`);
    state.most = Math.max(state.most, ++state.running);
    await Promise.resolve();
    clock.advance(state.takesMs);
    state.running--;
    state.synced.push(job.files);
    return reply;
  }, clock);
  return { clock, state, together };
}

test("one sync for all is used where there is such a call, and only there", async () => {
  expect(await system().together.isUsed()).toBe(true);
  expect(await system({ reply: { kind: "cannot" } }).together.isUsed()).toBe(false);
  const broken = system({ reply: { kind: "failed", code: "EIO", message: "broken" } });
  expect(await broken.together.isUsed()).toBe(false);
});

test("after one that took long files are synced by themselves for a while", async () => {
  const { clock, state, together } = system();
  expect(await together.isUsed()).toBe(true);
  state.takesMs = SYNC_TOGETHER_MS_MAX + 1;
  await together.sync([3]);
  expect(await together.isUsed()).toBe(false);
  clock.advance(SYNC_APART_MS - 1);
  expect(await together.isUsed()).toBe(false);
  clock.advance(1);
  expect(await together.isUsed()).toBe(true);
});

test("one runs at a time, and one that fails holds up none behind it", async () => {
  const { state, together } = system();
  await Promise.all([together.sync([1]), together.sync([2, 3]), together.sync([4])]);
  expect(state.most).toBe(1);
  expect(state.synced).toEqual([[1], [2, 3], [4]]);
  const broken = system({ reply: { kind: "failed", code: "EIO", message: "broken" } });
  expect((await failureOf(broken.together.sync([1]))).code).toBe("disk-error");
  expect((await failureOf(broken.together.sync([1]))).code).toBe("disk-error");
});
