import { expect, test } from "bun:test";
import { MEASURED_HEAD, measuredNote, measuredRow } from "./measured.ts";

const commands = {
  what: "commands",
  unit: "1/s",
  values: [9_000, 10_000, 12_000],
  alone: { what: "SQLite", values: [40_000] },
  aim: { atLeast: 20_000 },
};

test("a figure stands beside the machine's own, and its median is held against the aim", () => {
  const row = measuredRow(commands);
  expect(row).toEqual(["commands (1/s)", "9,000", "10,000", "12,000", "40,000", "0.25", ">= 20,000", "no"]);
  expect(row).toHaveLength(MEASURED_HEAD.length);
  expect(measuredNote(commands)).toEqual(["commands: alone: SQLite"]);
});

test("what takes time is met by staying below the aim; without one nothing is claimed", () => {
  const start = { what: "start", unit: "s", values: [4], aim: { atMost: 5 } };
  expect(measuredRow(start)).toEqual(["start (s)", "4", "4", "4", "-", "-", "<= 5", "yes"]);
  const { aim: _aim, ...plain } = start;
  expect(measuredRow(plain).slice(-2)).toEqual(["", ""]);
  expect(measuredNote(plain)).toEqual([]);
});
