import { describe, expect, test } from "bun:test";
import type { Uid } from "../../base/ids.ts";
import type { Claim, Origin } from "../../wire/entry.ts";
import { type OwnershipLine, ownershipLine, type Transfer, tenureAt } from "./ownership.ts";
import { vectorKeys, vectorOf } from "./version-vector.ts";

const origin = "1-000000000000000a" as Origin;
const uid = (name: string) => name as Uid;

function transfer(epoch: number, from: string, to: string, seen: number, claim = `${epoch}`): Transfer {
  const vector = vectorOf([{ origin, seq: seen }]);
  return { epoch, from: uid(from), to: uid(to), vector, claim: claim as Claim, seq: 1 };
}

/** Owner by epoch with the sequence that all later handovers have seen. */
function tenures(line: OwnershipLine) {
  return [...line.values()].map(({ epoch, owner, seenByLater }) => [
    epoch,
    owner as string,
    seenByLater === undefined ? "all" : (vectorKeys(seenByLater)[0]?.seq ?? 0),
  ]);
}

describe("line of owners", () => {
  test("without a handover the creator owns", () => {
    expect(tenures(ownershipLine(uid("ann"), []))).toEqual([[0, "ann", "all"]]);
  });

  test("each earlier owner stands behind what all later handovers have seen", () => {
    const line = ownershipLine(uid("ann"), [transfer(2, "bob", "cy", 4), transfer(1, "ann", "bob", 7)]);
    expect(tenures(line)).toEqual([
      [2, "cy", "all"],
      [1, "bob", 4],
      [0, "ann", 4],
    ]);
    expect(line[0]?.owner).toBe(uid("cy"));
    expect([3, 2, 1, 0].map((epoch) => tenureAt(line, epoch)?.owner as unknown)).toEqual([
      undefined,
      "cy",
      "bob",
      "ann",
    ]);
  });

  test("of two handovers of one epoch the first claim owns, and the other is beside the line", () => {
    const line = ownershipLine(uid("ann"), [
      transfer(1, "ann", "late", 9, "5"),
      transfer(1, "ann", "early", 3, "4"),
    ]);
    expect(tenures(line)).toEqual([
      [1, "early", "all"],
      [0, "ann", 3],
    ]);
  });

  test("the line is that of the present owner, though another of an earlier epoch claimed first", () => {
    const line = ownershipLine(uid("ann"), [
      transfer(1, "ann", "bob", 9, "5"),
      transfer(1, "ann", "eve", 1, "4"),
      transfer(2, "bob", "cy", 8, "6"),
    ]);
    expect(tenures(line)).toEqual([
      [2, "cy", "all"],
      [1, "bob", 8],
      [0, "ann", 8],
    ]);
  });

  test("behind a gap nobody stands", () => {
    expect(tenures(ownershipLine(uid("ann"), [transfer(2, "bob", "cy", 4)]))).toEqual([[2, "cy", "all"]]);
    expect(tenures(ownershipLine(uid("ann"), [transfer(1, "eve", "cy", 4)]))).toEqual([[1, "cy", "all"]]);
  });

  test("an owner who got the group back stands in both tenures", () => {
    const line = ownershipLine(uid("ann"), [transfer(1, "ann", "bob", 2), transfer(2, "bob", "ann", 5)]);
    expect(tenures(line)).toEqual([
      [2, "ann", "all"],
      [1, "bob", 5],
      [0, "ann", 2],
    ]);
  });
});
