import { expect, test } from "bun:test";
import { messageFaults, type Unprovoked } from "./seen-messages.ts";

const late = {
  code: "timeout",
  file: "net/rpc.ts",
  text: "no answer to <method>",
  line: 7,
  literals: ["no answer to ", ""],
};
const gone = { code: "timeout", file: "net/rpc.ts", text: "gone", line: 9, literals: ["gone"] };
const full = {
  code: "disk-full",
  file: "disk.ts",
  text: "<path> needs <bytes> B, <free> B are free",
  line: 7,
  literals: ["", " needs ", " B, ", " B are free"],
};
const excuse: Unprovoked = { file: "disk.ts", text: full.text, reason: "the test has no small disk" };

function faults(
  made: readonly [file: string, line: number, text: string][],
  unprovoked: Unprovoked[] = [],
): string[] {
  const seen = made.map(([file, line, text]) => ({ file, line, text }));
  return messageFaults([late, gone, full], seen, unprovoked).map(
    ({ place, text, fault }) => `${place} ${text}: ${fault}`,
  );
}

const ALL: [string, number, string][] = [
  ["net/rpc.ts", 7, "no answer to login"],
  ["net/rpc.ts", 9, "gone"],
  ["disk.ts", 7, "/a/b needs 5 B, 3 B are free"],
];

test("nothing is wrong when each message occurred", () => {
  expect(faults(ALL)).toEqual([]);
});

test("a message that never occurred is named with its place", () => {
  expect(faults([])).toEqual([
    "net/rpc.ts:7 no answer to <method>: no test provokes it",
    "net/rpc.ts:9 gone: no test provokes it",
    "disk.ts:7 <path> needs <bytes> B, <free> B are free: no test provokes it",
  ]);
});

test("a text counts only at the place that makes it, and only if it is of the message's form", () => {
  const others: [string, number, string][] = [
    ["net/rpc.ts", 9, "no answer to login"],
    ["net/other.ts", 7, "no answer to login"],
    ["net/rpc.ts", 9, "gone again"],
    ["disk.ts", 7, "/a needs 5 B are free"],
    ["disk.ts", 7, "/a needs 5 B, 3 B"],
  ];
  expect(faults(others)).toEqual(faults([]));
});

test("words that are handed on count wherever they become a part of a message", () => {
  const refused = { code: "usage", file: "a.ts", text: "takes <n>", line: 3, literals: ["takes ", ""] };
  const faultsOf = (text: string) =>
    messageFaults([{ ...refused, isHandedOn: true }], [{ file: "b.ts", line: 9, text }], []);
  expect(faultsOf("login takes 2 words")).toEqual([]);
  expect(faultsOf("login makes 2 words")).toMatchObject([{ place: "a.ts:3", text: "takes <n>" }]);
});

test("a message that cannot be provoked is excused, and its excuse ends when it occurs", () => {
  expect(faults(ALL.slice(0, 2), [excuse])).toEqual([]);
  expect(faults(ALL, [excuse])).toEqual([
    "disk.ts <path> needs <bytes> B, <free> B are free: a test provokes it: take it out of src/testing/unprovoked-messages.ts",
  ]);
});

test("an excuse for a message that is no more is named", () => {
  expect(faults(ALL, [{ ...excuse, text: "the disk is full" }])).toEqual([
    "disk.ts the disk is full: there is no such message: take it out of src/testing/unprovoked-messages.ts",
  ]);
});
