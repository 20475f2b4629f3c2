/** Histories of several trackers by a seed, and orders in which their entries can arrive. For tests. */
import { Failure } from "../base/failure.ts";
import type { Gid, Uid } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { stateHash } from "../tracker/core/state-rows.ts";
import type { Entry } from "../wire/entry.ts";
import { group, TestTracker, user } from "./test-tracker.ts";

export function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length < 2) yield [...items];
  for (let at = 0; at < items.length; at++) {
    const [picked, rest] = [items[at] as T, items.toSpliced(at, 1)];
    for (const tail of permutations(rest)) yield [picked, ...tail];
  }
}

/** Three trackers with clocks up to a day apart, few names, chance meetings; then all meet. */
export function randomHistory(seed: number): {
  entries: readonly Entry[];
  hash: string;
  uids: readonly Uid[];
} {
  const random = new Prng(seed);
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)] as T;
  const trackers = [1, 2, 3].map((number) => new TestTracker(number, 1_000_000 + random.below(86_400_000)));
  const uids = ["ann", "bob", "cy", "dan"].map((name) => (trackers[0] as TestTracker).createUser(name));
  const counters = new Map<string, number>();
  for (const other of trackers.slice(1)) other.take(trackers[0]?.log ?? []);
  for (let step = 0; step < 200; step++) {
    const tracker = pick(trackers);
    const by = pick(uids);
    const target = {
      by,
      group: group(pick(["lab", "art"])),
      user: tracker.state.users.listedName(pick(uids)),
    };
    const action = random.below(15);
    if (action === 0)
      tracker.run({ kind: "create-user", name: user(pick(["eve", "fay"])), passwordHash: `${step}` });
    else if (action === 1) tracker.run({ kind: "change-password", by, passwordHash: `${step}` });
    else if (action === 2) tracker.run({ kind: "create-group", ...target });
    else if (action === 3 && random.below(8) === 0) tracker.run({ kind: "delete-group", ...target });
    else if (action === 4) tracker.run({ kind: "leave-group", ...target });
    else if (action === 5) answerSomebody(tracker, random, "reject-request");
    else if (action === 6) answerSomebody(tracker, random, "remove-member");
    else if (action === 7) answerSomebody(tracker, random, "transfer-owner");
    else if (action < 10) answerSomebody(tracker, random, "accept-request");
    else if (action < 12) tracker.run({ kind: "join-group", ...target });
    else if (action < 14) shareSomething(tracker, random, counters);
    else pick(trackers).take(tracker.log);
  }
  for (let round = 0; round < 2; round++)
    for (const one of trackers) for (const other of trackers) if (one !== other) one.take(other.log);
  const hashes = new Set(trackers.map(({ state }) => stateHash(state)));
  if (hashes.size !== 1) throw new Error(`trackers differ after seed ${seed}`);
  return { entries: trackers[0]?.log ?? [], hash: [...hashes][0] ?? "", uids };
}

/** Some member shares one of few contents under one of few names, or stops. */
function shareSomething(tracker: TestTracker, random: Prng, counters: Map<string, number>): void {
  const { groups } = tracker.state;
  const [gid] = random.shuffle([...groups.above(undefined)].map((key) => key.slice(-32) as Gid));
  const name = gid && groups.name(gid);
  if (gid === undefined || name === undefined) return;
  const [by] = random.shuffle([...groups.members(gid)].map((key) => key.slice(-32) as Uid));
  if (by === undefined) return;
  const content = `content ${random.below(3)}`;
  const counter = (counters.get(by + content) ?? 0) + 1;
  counters.set(by + content, counter);
  const attributes =
    random.below(2) === 0
      ? undefined
      : { modifiedMs: random.below(1_000), executable: random.below(2) === 0 };
  if (random.below(3) > 0) tracker.share(by, name, `name ${random.below(2)}`, content, counter, attributes);
  else tracker.stop(by, name, content, counter);
}

/** The owner of some group does this to somebody whom it may be done to. */
function answerSomebody(
  tracker: TestTracker,
  random: Prng,
  kind: "accept-request" | "reject-request" | "remove-member" | "transfer-owner",
): void {
  const { groups, users } = tracker.state;
  for (const key of random.shuffle([...groups.above(undefined)])) {
    const gid = key.slice(-32) as Gid;
    const [by, name] = [groups.owner(gid), groups.name(gid)];
    const waits = kind === "accept-request" || kind === "reject-request";
    const targets = [...(waits ? groups.requests(gid) : groups.members(gid))].map(
      (each) => each.slice(-32) as Uid,
    );
    const target = random.shuffle(targets).find((uid) => uid !== by);
    if (by === undefined || name === undefined || target === undefined) continue;
    const result = tracker.run({ kind, by, group: name, user: users.listedName(target) });
    if (result instanceof Failure) throw result;
    return;
  }
}
