import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { JoinId } from "../../base/ids.ts";
import type { AcceptId, Claim, Origin, RemovalId, Stamp } from "../../wire/entry.ts";
import { claimOf, makeStamp } from "./hybrid-time.ts";
import { earliest, lastChange, latest, presentHandover } from "./joins.ts";
import {
  addAccept,
  addRemoval,
  type Candidacy,
  closeRequest,
  newCandidacy,
  openRequest,
} from "./membership.ts";

const origin = fc.constantFrom("1-000000000000000a", "2-000000000000000b") as fc.Arbitrary<Origin>;
const claim = fc
  .tuple(fc.integer({ min: 0, max: 3 }), origin)
  .map(([ms, from]) => claimOf(makeStamp(ms, 0), from));
/** Ties with different values too: no honest entry makes them, a wrong one must not split the trackers. */
const claimed = fc.record({ claim, name: fc.constantFrom("a", "b") });
const change = fc.record({
  shared: fc.boolean(),
  counter: fc.integer({ min: 0, max: 3 }),
  stamp: fc.constantFrom("0", "1") as fc.Arbitrary<Stamp>,
});
const handover = fc.record({ epoch: fc.integer({ min: 1, max: 3 }), claim, to: fc.constantFrom("a", "b") });

function expectJoin<T>(values: fc.Arbitrary<T>, join: (left: T, right: T) => T): void {
  fc.assert(
    fc.property(values, values, values, (a, b, c) => {
      expect(join(a, b)).toEqual(join(b, a));
      expect(join(a, join(b, c))).toEqual(join(join(a, b), c));
      expect(join(a, a)).toEqual(a);
    }),
  );
}

describe("joins commute, associate, repeat", () => {
  test("the earliest claim", () => expectJoin(claimed, earliest));
  test("the latest value", () => expectJoin(claimed, latest));
  test("the device's last change", () => expectJoin(change, lastChange));
  test("the present handover", () => expectJoin(handover, presentHandover));
});

describe("what they choose", () => {
  const at = (ms: number, name: string): { claim: Claim; name: string } => ({
    claim: claimOf(makeStamp(ms, 0), "1-000000000000000a" as Origin),
    name,
  });

  test("a name is the first one's, a value the last one's", () => {
    expect(earliest(at(1, "first"), at(2, "second")).name).toBe("first");
    expect(latest(at(1, "first"), at(2, "second")).name).toBe("second");
  });

  test("the greater counter wins, and of equal ones the end of the share", () => {
    const stamp = makeStamp(1, 0);
    const [shared, stopped] = [
      { shared: true, counter: 4, stamp: makeStamp(2, 0) },
      { shared: false, counter: 4, stamp },
    ];
    expect(lastChange({ shared: true, counter: 5, stamp }, stopped).shared).toBe(true);
    expect(lastChange(shared, stopped).shared).toBe(false);
  });

  test("the greatest epoch owns, and of equal ones the first claim", () => {
    expect(presentHandover({ epoch: 2, ...at(9, "late") }, { epoch: 1, ...at(1, "early") }).name).toBe(
      "late",
    );
    expect(presentHandover({ epoch: 2, ...at(9, "late") }, { epoch: 2, ...at(1, "early") }).name).toBe(
      "early",
    );
  });
});

/** The join of a candidacy is the order-free effect of its changes. */
type Change = (candidacy: Candidacy) => void;
const joinId = fc.constantFrom("j1", "j2") as fc.Arbitrary<JoinId>;
const removalId = fc.constantFrom("r1", "r2") as fc.Arbitrary<RemovalId>;
const candidacyChange: fc.Arbitrary<Change> = fc.oneof(
  joinId.map(
    (id): Change =>
      (candidacy) =>
        openRequest(candidacy, id),
  ),
  joinId.map(
    (id): Change =>
      (candidacy) =>
        closeRequest(candidacy, id),
  ),
  fc.tuple(removalId, fc.array(joinId)).map(
    ([id, closes]): Change =>
      (candidacy) =>
        addRemoval(candidacy, id, closes),
  ),
  fc.tuple(joinId, origin, fc.integer({ min: 1, max: 2 })).map(([id, from, seq]): Change => {
    const accept = {
      origin: from,
      seq,
      acceptId: `${seq}` as AcceptId,
      epoch: 0,
      by: "u" as never,
      removals: [],
    };
    return (candidacy) => addAccept(candidacy, id, accept);
  }),
);

describe("candidacies", () => {
  function textOf(changes: readonly Change[]): string {
    const candidacy = newCandidacy();
    for (const change of changes) change(candidacy);
    const open = Array.from(candidacy.open, ({ joinId: id, accepts }) => [
      id,
      ...accepts.map(({ origin: from, seq }) => `${from} ${seq}`).sort(),
    ]);
    return JSON.stringify([
      open.sort(),
      [...(candidacy.closed ?? [])].sort(),
      [...(candidacy.removals ?? [])].sort(),
    ]);
  }

  test("are the same after the same changes in any order, any number of times", () => {
    const shuffled = fc
      .array(candidacyChange, { maxLength: 8 })
      .chain((changes) =>
        fc.tuple(
          fc.constant(changes),
          fc.shuffledSubarray([...changes, ...changes], { minLength: 2 * changes.length }),
        ),
      );
    fc.assert(fc.property(shuffled, ([changes, again]) => expect(textOf(again)).toBe(textOf(changes))));
  });

  test("a closed request stays closed", () => {
    const candidacy = newCandidacy();
    closeRequest(candidacy, "j1" as JoinId);
    openRequest(candidacy, "j1" as JoinId);
    expect(candidacy.open.size).toBe(0);
  });
});
