import { expect, test } from "bun:test";
import { type CheckedBinary, checkTable, isRight } from "./check-table.ts";

const ran: CheckedBinary = {
  name: "p2p-linux-x64",
  bytes: 2 ** 20,
  wrong: [],
  startRatio: 1.0345,
  journey: { passed: "natively" },
};

test("each binary has a line: size, start beside the bare runtime, journey or why not", () => {
  const binaries: CheckedBinary[] = [
    ran,
    { name: "p2p-darwin-x64", bytes: 2 ** 20, wrong: [], journey: { notRun: "needs a Mac" } },
    { name: "p2p.exe", bytes: 2 ** 20, wrong: ["has an icon"], journey: { failed: "no reply\n  > login" } },
    { name: "p2p-none", bytes: undefined, wrong: [], journey: { notRun: "" } },
  ];
  expect(checkTable(binaries)).toEqual([
    "binary             size  start  journey",
    "p2p-linux-x64   1.0 MiB   1.03  passed natively",
    "p2p-darwin-x64  1.0 MiB      -  not run: needs a Mac",
    "p2p.exe         1.0 MiB      -  FAILED: no reply; has an icon",
    "p2p-none              -      -  not built",
  ]);
});

test("what could not run is no failure; what failed, is wrong or was not built is one", () => {
  expect(isRight(ran)).toBe(true);
  expect(isRight({ ...ran, journey: { notRun: "needs a Mac" } })).toBe(true);
  expect(isRight({ ...ran, journey: { failed: "no reply" } })).toBe(false);
  expect(isRight({ ...ran, wrong: ["its signature is wrong"] })).toBe(false);
  expect(isRight({ ...ran, bytes: undefined })).toBe(false);
});
