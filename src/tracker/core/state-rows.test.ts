/** Rows join as the entries do that they came from: in any parts, any order, any number of times. */
import { describe, expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import { Prng } from "../../base/prng.ts";
import { permutations, randomHistory } from "../../testing/random-history.ts";
import { group, originOf, requestId, TestTracker, user } from "../../testing/test-tracker.ts";
import type { Entry } from "../../wire/entry.ts";
import { encodeRow, groupPrefixes, parseStateRow, rowKey, type StateRow } from "../../wire/state-row.ts";
import { apply, checkInvariants, mergeRow, State } from "./state.ts";
import { dumpState, rowAt, rowsOf, stateHash, touchedRow } from "./state-rows.ts";

function stateOf(entries: readonly Entry[]): State {
  const state = new State();
  for (const entry of entries) apply(state, entry);
  return state;
}

/** The rows as another tracker gets them: through their text. */
function sentRows(state: State): StateRow[] {
  return Array.from(rowsOf(state), (row) => {
    const parsed = parseStateRow(JSON.parse(encodeRow(row)));
    if (parsed instanceof Failure) throw parsed;
    expect(encodeRow(parsed)).toBe(encodeRow(row));
    return parsed;
  });
}

type Step = (state: State) => void;
const steps = {
  entry:
    (entry: Entry): Step =>
    (state) =>
      void apply(state, entry),
  row:
    (row: StateRow): Step =>
    (state) =>
      void mergeRow(state, row),
};

/** Everything that can happen, in as few entries as may be. */
function smallHistory(): readonly Entry[] {
  const tracker = new TestTracker(1);
  const other = new TestTracker(2, 400_000);
  const ann = tracker.createUser("ann");
  const bob = tracker.createUser("bob");
  other.take(tracker.log);
  tracker.createGroup(ann, "lab");
  other.take(tracker.log);
  tracker.addMember(ann, "lab", bob);
  other.must({ kind: "join-group", by: bob, group: group("lab") });
  tracker.share(bob, "lab", "a.txt");
  tracker.must({ kind: "remove-member", by: ann, group: group("lab"), user: user("bob") });
  other.must({ kind: "change-password", by: ann, passwordHash: "new" });
  return [...tracker.log, ...other.log.slice(tracker.log.indexOf(other.log.at(-1) as Entry))];
}

describe("rows", () => {
  test("of any parts of a history, merged in any order with the entries of the others, make the state of the whole", () => {
    for (let seed = 1; seed <= 25; seed++) {
      const { entries, hash } = randomHistory(seed);
      const random = new Prng(seed);
      const parts: Entry[][] = [[], [], [], []];
      for (const entry of entries) parts[random.below(parts.length)]?.push(entry);
      const ways = parts.flatMap((part) => {
        const asEntries = part.map(steps.entry);
        const asRows = sentRows(stateOf(part)).map(steps.row);
        return [asEntries, asRows, [...asEntries, ...asRows]][random.below(3)] as Step[];
      });
      const state = new State();
      for (const [at, step] of random.shuffle(ways).entries()) {
        step(state);
        if (at % 50 === 0) checkInvariants(state);
      }
      checkInvariants(state);
      if (stateHash(state) !== hash) throw new Error(`another state after seed ${seed}`);
    }
  });

  test("of each of two parts of a small history make the whole, whichever way it is split", () => {
    const entries = smallHistory();
    const expected = dumpState(stateOf(entries)).join("\n");
    for (let split = 0; split < 2 ** entries.length; split += 3) {
      const [left, right] = [0, 1].map((side) =>
        stateOf(entries.filter((_, at) => ((split >>> at) & 1) === side)),
      ) as [State, State];
      const sent = [...rowsOf(left)];
      for (const row of rowsOf(right)) mergeRow(left, row);
      for (const row of sent) mergeRow(right, row);
      for (const state of [left, right])
        if (dumpState(state).join("\n") !== expected) throw new Error(`another state after split ${split}`);
      if (split % 50 === 0) for (const state of [left, right]) checkInvariants(state);
    }
  });

  test("make one state in every order, with a deletion among them", () => {
    const tracker = new TestTracker(1);
    const ann = tracker.createUser("ann");
    tracker.createGroup(ann, "lab");
    tracker.share(ann, "lab", "a.txt");
    const alive = sentRows(tracker.state);
    expect(alive.map(({ kind }) => kind)).toEqual(["account", "group", "person", "file", "share"]);
    const hash = stateHash(tracker.state);
    tracker.must({ kind: "delete-group", by: ann, group: group("lab") });
    const [deleted] = sentRows(tracker.state).filter(({ kind }) => kind === "group") as [StateRow];
    for (const [rows, expected] of [
      [alive, hash],
      [[...alive, deleted], stateHash(tracker.state)],
    ] as const) {
      for (const order of permutations(rows)) {
        const state = new State();
        for (const row of order) mergeRow(state, row);
        if (stateHash(state) !== expected) throw new Error(`another state: ${order.map(rowKey).join(", ")}`);
        for (const row of order) expect(mergeRow(state, row)).toEqual([]);
      }
    }
  });

  test("tell whose standing became another, as their entries do", () => {
    const tracker = new TestTracker(1);
    const ann = tracker.createUser("ann");
    const bob = tracker.createUser("bob");
    const gid = tracker.createGroup(ann, "lab");
    const state = stateOf(tracker.log);
    tracker.addMember(ann, "lab", bob);
    const changes = [...rowsOf(tracker.state)].flatMap((row) => mergeRow(state, row));
    expect(changes).toEqual([{ gid, uid: bob, before: "none", after: "member" }]);
  });

  test("two texts of one accept or handover, which only a wrong tracker makes, still join to one", () => {
    const tracker = new TestTracker(1);
    const ann = tracker.createUser("ann");
    const bob = tracker.createUser("bob");
    tracker.createGroup(ann, "lab");
    tracker.addMember(ann, "lab", bob);
    tracker.must({ kind: "transfer-owner", by: ann, group: group("lab"), user: user("bob") });
    const forged = tracker.log.flatMap((entry): Entry[] => {
      const { body } = entry;
      if (body.kind === "request-accepted") return [{ ...entry, body: { ...body, by: bob } }];
      return body.kind === "owner-transferred" ? [{ ...entry, body: { ...body, to: ann } }] : [];
    });
    expect(forged).toHaveLength(3);
    const [first, second] = [stateOf([...tracker.log, ...forged]), stateOf([...forged, ...tracker.log])];
    expect(dumpState(first)).toEqual(dumpState(second));
  });
});

describe("keys", () => {
  test("each row is found by its own, and no other has it", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const state = stateOf(randomHistory(seed).entries);
      const rows = [...rowsOf(state)];
      expect(new Set(rows.map(rowKey)).size).toBe(rows.length);
      for (const row of rows) {
        expect(rowAt(state, rowKey(row))).toEqual(row);
        if (!("gid" in row)) continue;
        const isUnder = groupPrefixes(row.gid).some((prefix) => rowKey(row).startsWith(prefix));
        expect(isUnder).toBe(row.kind !== "group");
      }
    }
    for (const key of ["a/0", "g/0", "g/0/0", "s/0/0", "s/0/0/0/0"])
      expect(rowAt(new State(), key)).toBeUndefined();
  });

  test("an entry bears on the row that it is said to touch, a deletion on all rows of its group, none on others", () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 6; seed++) {
      const state = new State();
      let before = new Map<string, string>();
      for (const entry of new Prng(seed).shuffle([...randomHistory(seed).entries])) {
        const { body } = entry;
        apply(state, entry);
        const after = new Map(Array.from(rowsOf(state), (row) => [rowKey(row), encodeRow(row)]));
        const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
          (key) => before.get(key) !== after.get(key),
        );
        const prefixes = body.kind === "group-deleted" ? groupPrefixes(body.gid) : [];
        const others = changed.filter((key) => !prefixes.some((prefix) => key.startsWith(prefix)));
        expect(others.filter((key) => key !== touchedRow(body))).toEqual([]);
        if (changed.length > 0) kinds.add(body.kind);
        before = after;
      }
    }
    expect(kinds.size).toBe(11);
  });
});

test("an entry of a kind that is not known touches no row", () => {
  const body = { kind: "opaque", text: '{"kind":"from-the-future"}' } as const;
  expect(touchedRow(body)).toBeUndefined();
  const state = new State();
  const key = { origin: originOf(1), seq: 1 };
  expect(apply(state, { key, stamp: "0".repeat(16) as never, request: requestId(1), body })).toEqual([]);
  expect(dumpState(state)).toEqual([]);
});
