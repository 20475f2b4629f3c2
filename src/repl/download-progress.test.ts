import { expect, test } from "bun:test";
import type { UserName } from "../base/ids.ts";
import { DOWNLOAD_PROGRESS_MS } from "../base/limits.ts";
import type { DownloadView } from "../client/views.ts";
import { FakeClient } from "../testing/fake-client.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { tellDownloadProgress } from "./download-progress.ts";
import type { Said } from "./said.ts";

const view = (name: string, doneBytes: number, state: DownloadView["state"] = "downloading") =>
  ({
    group: "math",
    name,
    path: `/tmp/${name}`,
    state,
    size: 100,
    doneBytes,
    rate: 10,
    sources: [],
  }) as never;

test("programs are told each second of downloads that got further, and of nothing else", async () => {
  const client = new FakeClient();
  const clock = new ManualClock();
  const told: string[] = [];
  const progressed = ({ record }: Said) =>
    void told.push(`${record["name"]} ${record["done"]} ${record["left"]}`);
  const stop = tellDownloadProgress({ client, clock, terminal: { progressed } });
  const second = async (...downloads: readonly never[]) => {
    client.downloads = downloads;
    clock.advance(DOWNLOAD_PROGRESS_MS);
    await settle();
    return told.splice(0);
  };
  expect(await second(view("x", 10))).toEqual([]); // nobody is logged in
  client.me = { ...client.me, user: "ann" as UserName };
  expect(await second(view("x", 10), view("y", 0))).toEqual(["x 10 9000", "y 0 10000"]);
  expect(await second(view("x", 10), view("y", 20))).toEqual(["y 20 8000"]);
  expect(await second(view("x", 100, "complete"), view("y", 20, "paused"))).toEqual([]);
  expect(await second(view("y", 20))).toEqual(["y 20 8000"]);
  stop();
  expect(await second(view("y", 30))).toEqual([]);
  expect(clock.pending).toBe(0);
});
