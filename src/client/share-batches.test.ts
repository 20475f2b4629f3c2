import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, Gid, GroupName, ListingId } from "../base/ids.ts";
import { SHARES_PER_CALL_MAX } from "../base/limits.ts";
import { manifestOf } from "../testing/service-clients.ts";
import { hexId } from "../testing/test-tracker.ts";
import type { Method, OneShare, Params } from "../wire/client-tracker.ts";
import { ShareBatches } from "./share-batches.ts";
import type { TrackerCalls } from "./tracker-link.ts";

const lab = { group: "lab" as GroupName };
const gid = hexId<Gid>("lab");
const listingId = hexId<ListingId>("listing", 64);

/** Answers each share with its own name; keeps what was asked. */
class FakeTracker implements TrackerCalls {
  readonly asked: { readonly method: Method; readonly names: string[]; readonly tailBytes: number }[] = [];
  atOnce = 0;
  atOnceMost = 0;
  knowsMany = true;
  refused = "";

  async call<M extends Method>(method: M, params: Params<M>, tail = new Uint8Array()): Promise<never> {
    const shares = (params as { shares?: OneShare[] }).shares ?? [params as unknown as OneShare];
    this.asked.push({ method, names: shares.map(({ name }) => name), tailBytes: tail.length });
    this.atOnceMost = Math.max(this.atOnceMost, ++this.atOnce);
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.atOnce--;
    if (method === "share") return { result: { gid, listingId, name: shares[0]?.name } } as never;
    if (!this.knowsMany) throw new Failure("protocol", "unknown method share_many");
    const outcomes = shares.map(({ name }) =>
      name === this.refused ? { failure: { code: "name-taken", message: "taken" } } : { listingId, name },
    );
    return { result: { gid, outcomes } } as never;
  }
}

function share(batches: ShareBatches, index: number) {
  const { summary: file, rows } = manifestOf(`file ${index}`, 1_000);
  const name = `${index}.txt` as FileName;
  return batches.share(lab, { id: hexId(`request ${index}`), name, file, counter: 1 }, rows);
}

test("shares that come together go in few calls, two at most at once, and each gets its own answer", async () => {
  const tracker = new FakeTracker();
  const batches = new ShareBatches(tracker);
  const count = 3 * SHARES_PER_CALL_MAX + 1;
  const told = await Promise.all(Array.from({ length: count }, (_, index) => share(batches, index)));
  expect(told.map(({ name }) => name)).toEqual(
    Array.from({ length: count }, (_, index) => `${index}.txt` as FileName),
  );
  expect(tracker.asked.map(({ names }) => names.length)).toEqual([
    ...Array<number>(3).fill(SHARES_PER_CALL_MAX),
    1,
  ]);
  expect(tracker.asked.every(({ names, tailBytes }) => tailBytes === names.length * 52)).toBe(true);
  expect(tracker.atOnceMost).toBe(2);
});

test("what is refused of one is that one's failure alone", async () => {
  const tracker = new FakeTracker();
  tracker.refused = "1.txt";
  const batches = new ShareBatches(tracker);
  const settled = await Promise.allSettled([0, 1, 2].map((index) => share(batches, index)));
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(settled[1]).toMatchObject({ reason: { code: "name-taken" } });
});

test("an older tracker is told one by one", async () => {
  const tracker = new FakeTracker();
  tracker.knowsMany = false;
  const batches = new ShareBatches(tracker);
  const told = await Promise.all([0, 1, 2].map((index) => share(batches, index)));
  expect(told.map(({ name }) => name as string)).toEqual(["0.txt", "1.txt", "2.txt"]);
  expect(tracker.asked.map(({ method }) => method)).toEqual(["share_many", "share", "share", "share"]);
});
