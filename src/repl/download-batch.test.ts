import { expect, test } from "bun:test";
import type { FileName, GroupName } from "../base/ids.ts";
import type { DownloadState, DownloadView } from "../client/views.ts";
import { DownloadBatch } from "./download-batch.ts";

function download(name: string, state: DownloadState, doneBytes: number, size = 100): DownloadView {
  return {
    group: "lab" as GroupName,
    name: name as FileName,
    path: `/in/${name}`,
    state,
    size,
    doneBytes,
    rate: 0,
    sources: [],
    wastedBytes: 0,
    waits: undefined,
    failure: undefined,
  };
}

test("what became complete since the first one ran counts, what was complete before does not", () => {
  const batch = new DownloadBatch();
  const old = download("old", "complete", 100);
  expect(batch.look([old], 0)).toBeUndefined();
  expect(
    batch.look([old, download("a", "downloading", 0), download("b", "downloading", 0)], 0),
  ).toMatchObject({ name: "0 of 2 files", doneBytes: 0, total: 200, rate: 0 });
  expect(
    batch.look([old, download("a", "complete", 100), download("b", "downloading", 50)], 1000),
  ).toMatchObject({ name: "1 of 2 files", doneBytes: 150, total: 200, rate: 150 });
  expect(batch.look([old, download("a", "complete", 100)], 2000)).toBeUndefined();
  expect(batch.look([download("a", "complete", 100), download("c", "downloading", 0)], 3000)?.name).toBe(
    "0 of 1 file",
  );
});

test("what is paused, fails or is given up leaves, and what goes on from where it was is not a speed", () => {
  const batch = new DownloadBatch();
  const all = ["a", "b", "c"].map((name) => download(name, "downloading", 10));
  batch.look(all, 0);
  const left = [download("a", "downloading", 10), download("b", "paused", 10)];
  expect(batch.look(left, 1000)).toMatchObject({ name: "0 of 1 file", doneBytes: 10, rate: 0 });
  const again = [download("a", "downloading", 20), download("b", "downloading", 10)];
  expect(batch.look(again, 2000)).toMatchObject({ name: "0 of 2 files", doneBytes: 30, rate: 5 });
});

test("the speed is that of the last seconds", () => {
  const batch = new DownloadBatch();
  for (let second = 0; second <= 10; second++)
    batch.look([download("a", "downloading", second * 10, 1000)], second * 1000);
  for (let second = 11; second <= 20; second++)
    batch.look([download("a", "downloading", 100, 1000)], second * 1000);
  expect(batch.look([download("a", "downloading", 100, 1000)], 20_250)?.rate).toBe(0);
});
