/** The state depends on the entries alone: in every order, any number of times, all that derives included. */
import { describe, expect, test } from "bun:test";
import type { Gid, Uid } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import { permutations, randomHistory } from "../../testing/random-history.ts";
import { group, originOf, requestId, TestTracker, user } from "../../testing/test-tracker.ts";
import type { BodyOf, Entry, EntryBody, EntryKind } from "../../wire/entry.ts";
import { claimOf } from "./hybrid-time.ts";
import { apply, checkInvariants, State } from "./state.ts";
import { dumpState, stateHash } from "./state-rows.ts";

function stateOf(entries: readonly Entry[]): State {
  const state = new State();
  for (const entry of entries) apply(state, entry);
  return state;
}

/** What the state tells beyond its rows: lists, counts and names. */
function derivedText(state: State, uids: readonly Uid[]): string {
  const gids = [...state.groups.above(undefined)].map((key) => key.slice(-32) as Gid);
  const groups = gids.map((gid) => [
    state.groups.name(gid),
    state.groups.owner(gid),
    [...state.groups.members(gid)],
    [...state.groups.requests(gid)],
    [...state.shares.listed(gid)],
  ]);
  return JSON.stringify([groups, uids.map((uid) => [state.users.name(uid), state.groups.ownedCount(uid)])]);
}

function expectOneState(entries: readonly Entry[], uids: readonly Uid[]): void {
  const expected = stateOf(entries);
  const [dump, derived] = [dumpState(expected).join("\n"), derivedText(expected, uids)];
  expect(dump).not.toBe("");
  let count = 0;
  for (const order of permutations(entries)) {
    const state = stateOf(order);
    // One comparison each, as `expect` costs more than `apply`.
    if (dumpState(state).join("\n") !== dump || derivedText(state, uids) !== derived)
      throw new Error(`another state after ${order.map(({ body }) => body.kind).join(", ")}`);
    if (count++ % 100 === 0) checkInvariants(state);
  }
}

describe("every order of arrival gives one state", () => {
  function scene() {
    const tracker = new TestTracker(1);
    const ann = tracker.createUser("ann");
    const bob = tracker.createUser("bob");
    tracker.createGroup(ann, "lab");
    return { tracker, ann, bob, other: new TestTracker(2, 500_000) };
  }

  test("an account, its groups and its name", () => {
    const { tracker, ann, bob, other } = scene();
    const twin = other.createUser("ann");
    other.must({ kind: "change-password", by: twin, passwordHash: "new" });
    expectOneState([...tracker.log, ...other.log], [ann, bob, twin]);
  });

  test("let in, removed, let in again without having seen it", () => {
    const { tracker, ann, bob, other } = scene();
    tracker.addMember(ann, "lab", bob);
    other.take(tracker.log);
    const made = tracker.log.slice(2);
    made.push(...tracker.must({ kind: "remove-member", by: ann, group: group("lab"), user: user("bob") }));
    made.push(...other.must({ kind: "leave-group", by: bob, group: group("lab") }));
    expectOneState(made, [ann, bob]);
  });

  test("let in while the group is handed over twice", () => {
    const { tracker, ann, bob, other } = scene();
    tracker.addMember(ann, "lab", bob);
    other.take(tracker.log);
    const made = tracker.log.filter(
      ({ body }) => body.kind === "group-created" || body.kind === "request-accepted",
    );
    const transfer = { kind: "transfer-owner", group: group("lab") } as const;
    made.push(...tracker.must({ ...transfer, by: ann, user: user("bob") }));
    made.push(...tracker.must({ ...transfer, by: bob, user: user("ann") }));
    made.push(...other.must({ ...transfer, by: ann, user: user("bob") }));
    expectOneState(made, [ann, bob]);
  });

  test("shared, stopped, left, deleted", () => {
    const { tracker, ann, bob } = scene();
    tracker.addMember(ann, "lab", bob);
    const gid = tracker.log[2]?.body as BodyOf<"group-created">;
    const made = tracker.log.filter(
      ({ body }) => body.kind === "group-created" || ("uid" in body && body.uid === bob),
    );
    made.splice(
      made.findIndex(({ body }) => body.kind === "account-created"),
      1,
    );
    tracker.share(bob, "lab", "a.txt");
    tracker.stop(bob, "lab", "a.txt");
    made.push(...tracker.log.slice(-3));
    expectOneState(made, [ann, bob]);
    tracker.must({ kind: "delete-group", by: ann, group: group("lab") });
    expectOneState([...made, ...tracker.log.slice(-1)], [ann, bob]);
    expect(stateOf(tracker.log).groups.isDeleted(gid.gid)).toBe(true);
  });

  test("one key with two contents, which only a wrong tracker makes, still splits nobody over claims", () => {
    const { tracker, ann, bob } = scene();
    const [first] = tracker.log as [Entry];
    const forged = { ...first, body: { ...(first.body as BodyOf<"account-created">), name: user("eve") } };
    expectOneState([...tracker.log.slice(0, 3), forged], [ann, bob]);
  });
});

describe("random histories", () => {
  const kinds = (entries: readonly Entry[]) => new Set(entries.map(({ body }) => body.kind));

  test("trackers that met are equal, in every shuffled order, with repetitions, and membership is what the rules say", () => {
    const seen = new Set<string>();
    let members = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const { entries, hash, uids } = randomHistory(seed);
      for (const kind of kinds(entries)) seen.add(kind);
      const random = new Prng(seed);
      const shuffled = random.shuffle([...entries, ...entries.slice(0, 20)]);
      const state = new State();
      for (const [at, entry] of shuffled.entries()) {
        apply(state, entry);
        if (at % 40 === 0) checkInvariants(state);
      }
      checkInvariants(state);
      expect(stateHash(state)).toBe(hash);
      members += expectRuledMembership(state, entries, uids);
    }
    expect(seen.size).toBe(11);
    expect(members).toBeGreaterThan(100);
  });
});

/** @returns how many memberships were compared with the plain reading of the rules and found to be there */
function expectRuledMembership(state: State, entries: readonly Entry[], uids: readonly Uid[]): number {
  const gids = new Set(entries.flatMap(({ body }) => ("gid" in body ? [body.gid] : [])));
  let members = 0;
  for (const gid of gids) {
    for (const uid of uids) {
      const ruled = isMemberByRule(entries, gid, uid);
      expect(state.groups.isMember(gid, uid)).toBe(ruled);
      if (ruled) members++;
    }
  }
  return members;
}

type Of<K extends EntryKind> = Entry & { readonly body: BodyOf<K> };

function isKind<K extends EntryKind>(entry: Entry, kind: K): entry is Of<K> {
  return entry.body.kind === kind;
}

function about<K extends EntryKind>(entries: readonly Entry[], kind: K, fields: Partial<EntryBody>): Of<K>[] {
  return entries
    .filter((entry) => isKind(entry, kind))
    .filter(({ body }) =>
      Object.entries(fields).every(([key, value]) => body[key as keyof typeof body] === value),
    );
}

const firstClaim = <T extends Entry>(found: readonly T[]): T | undefined =>
  found.toSorted((a, b) => (claimOf(a.stamp, a.key.origin) < claimOf(b.stamp, b.key.origin) ? -1 : 1))[0];

/** Member(gid, uid), read off the log as the rules put it, without any index. */
function isMemberByRule(entries: readonly Entry[], gid: Gid, uid: Uid): boolean {
  const created = firstClaim(about(entries, "group-created", { gid }));
  if (created === undefined || about(entries, "group-deleted", { gid }).length > 0) return false;
  const removals = about(entries, "member-removed", { gid, uid });
  const closed = new Set([
    ...about(entries, "request-closed", { gid, uid }).map(({ body }) => body.joinId),
    ...removals.flatMap(({ body }) => body.closes),
  ]);
  const transfers = about(entries, "owner-transferred", { gid });
  const epoch = Math.max(0, ...transfers.map(({ body }) => body.epoch));
  const present = firstClaim(transfers.filter(({ body }) => body.epoch === epoch));
  return about(entries, "request-accepted", { gid, uid }).some(
    (accept) =>
      !closed.has(accept.body.joinId) &&
      removals.every(({ body }) => accept.body.removals.includes(body.removalId)) &&
      stands(accept, present),
  );

  function stands(accept: Of<"request-accepted">, transfer: Of<"owner-transferred"> | undefined): boolean {
    const { by, ownership } = accept.body;
    if (transfer === undefined) return ownership.epoch === 0 && created?.body.owner === by;
    if (transfer.body.epoch === ownership.epoch) return transfer.body.to === by;
    const { origin, seq } = accept.key;
    if (!transfer.body.vector.some((seen) => seen.origin === origin && seen.seq >= seq)) return false;
    const before = transfers.filter(
      ({ body }) => body.epoch === transfer.body.epoch - 1 && body.to === transfer.body.from,
    );
    if (transfer.body.epoch === 1)
      return transfer.body.from === created?.body.owner && stands(accept, undefined);
    return before.length > 0 && stands(accept, firstClaim(before));
  }
}

test("a repeated entry changes nothing", () => {
  const tracker = new TestTracker(1);
  const ann = tracker.createUser("ann");
  tracker.createGroup(ann, "lab");
  tracker.share(ann, "lab", "a.txt");
  const hash = stateHash(tracker.state);
  for (const entry of tracker.log) expect(apply(tracker.state, entry)).toEqual([]);
  expect(stateHash(tracker.state)).toBe(hash);
});

test("the hash tells different states apart", () => {
  const tracker = new TestTracker(1);
  const hashes = ["ann", "bob", "cy"].map((name) => {
    tracker.createUser(name);
    return stateHash(tracker.state);
  });
  expect(new Set([...hashes, stateHash(new State())]).size).toBe(4);
});

test("entries of groups and people not known yet wait for them", () => {
  const state = new State();
  const [gid, uid] = ["0".repeat(32) as Gid, "f".repeat(32) as Uid];
  const body = { kind: "join-requested", joinId: "1".repeat(32) as never, gid, uid } as const;
  apply(state, {
    key: { origin: originOf(1), seq: 1 },
    stamp: "0".repeat(16) as never,
    request: requestId(1),
    body,
  });
  expect(state.groups.standing(gid, uid)).toBe("none");
  expect(state.groups.isKnown(gid)).toBe(false);
  checkInvariants(state);
});
