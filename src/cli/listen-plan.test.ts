import { describe, expect, test } from "bun:test";
import { DATA_FOLDERS_PER_ADDRESS_MAX } from "../base/limits.ts";
import { planListening } from "./listen-plan.ts";

const trackers = [
  { no: 1, address: { host: "localhost", port: 5000 }, pin: undefined },
  { no: 7, address: { host: "::1", port: 5001 }, pin: undefined },
];
const plan = (host: string, port: number) => planListening({ host, port }, trackers, "tracker_info.txt");

describe("a client listens", () => {
  test("on its own address, with one data folder", () => {
    expect(plan("localhost", 6000)).toEqual({
      addresses: [{ host: "localhost", port: 6000 }],
      note: undefined,
      folders: 1,
    });
  });

  test("on any port when it is given 0, with the first free data folder", () => {
    expect(plan("localhost", 0)).toEqual({
      addresses: [{ host: "localhost", port: 0 }],
      note: undefined,
      folders: DATA_FOLDERS_PER_ADDRESS_MAX,
    });
  });

  test("on a free port when it is given a tracker's address, and says so", () => {
    expect(plan("LOCALHOST", 5000)).toEqual({
      addresses: [
        { host: "LOCALHOST", port: 0 },
        { host: "0.0.0.0", port: 0 },
      ],
      note: "LOCALHOST:5000 is the address of tracker 1 in tracker_info.txt; listening on a free port instead",
      folders: DATA_FOLDERS_PER_ADDRESS_MAX,
    });
  });

  test("on any address of the same family when the tracker's host is another machine", () => {
    expect(plan("::1", 5001)).toMatchObject({
      addresses: [
        { host: "::1", port: 0 },
        { host: "::", port: 0 },
      ],
      note: "[::1]:5001 is the address of tracker 7 in tracker_info.txt; listening on a free port instead",
    });
  });
});
