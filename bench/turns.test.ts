import { expect, test } from "bun:test";
import { type Taker, takeTurns, turnRatios } from "./turns.ts";

/** Runs are told apart by their number. */
function counted() {
  const order: string[] = [];
  const taker = (name: string, failsAt = 0): Taker<number> => ({
    name,
    run: async () => {
      order.push(name);
      if (order.filter((each) => each === name).length === failsAt) throw new Error(`${name} broke`);
      return order.length;
    },
  });
  return { order, taker };
}

test("each of theirs lies between two of ours and is compared with those", async () => {
  const { order, taker } = counted();
  const { byName, ours } = await takeTurns(taker("ours").run, [taker("a"), taker("b")], 2);
  expect(order).toEqual(["ours", "a", "ours", "b", "ours", "a", "ours", "b", "ours"]);
  expect(byName.get("a")).toEqual([
    { theirs: 2, ours: [1, 3] },
    { theirs: 6, ours: [5, 7] },
  ]);
  expect(ours).toEqual([1, 3, 5, 7, 9]);
});

test("one that fails is left out from then on, with its reason, and the others go on", async () => {
  const { order, taker } = counted();
  const { byName, failed } = await takeTurns(taker("ours").run, [taker("a", 1), taker("b")], 2);
  expect(order).toEqual(["ours", "a", "b", "ours", "b", "ours"]);
  expect([...failed]).toEqual([["a", "a broke"]]);
  expect([...byName.keys()]).toEqual(["b"]);
});

test("with nobody to compare with, ours runs as many rounds alone", async () => {
  const { taker } = counted();
  expect((await takeTurns(taker("ours").run, [], 3)).ours).toEqual([1, 2, 3]);
});

test("a ratio is ours divided by theirs, one for each neighbour", () => {
  const turns = [{ theirs: 4, ours: [2, 8] as const }];
  expect(turnRatios(turns, (run) => run)).toEqual([0.5, 2]);
});
