import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, GroupName } from "../base/ids.ts";
import { changeDownloads } from "./changes-of-many.ts";
import type { DownloadState, DownloadView } from "./views.ts";

const LAB = "lab" as GroupName;

/** Of which `b` is complete when its turn comes. */
function downloads(states: Record<string, DownloadState>) {
  const views = () =>
    Object.entries(states).map(([name, state]) => ({ group: LAB, name, state }) as unknown as DownloadView);
  const cancel = async (_group: GroupName, name: FileName) => {
    if (name === "b.h5") states[name] = "complete";
    if (states[name] === "complete") throw new Failure("no-download", `${name} is complete already`);
    delete states[name];
  };
  return { views, cancel, pause: cancel, resume: cancel };
}

test("what is complete before its turn comes is no failure of those that a pattern means", async () => {
  const running = downloads({ "a.h5": "downloading", "b.h5": "downloading", "c.h5": "complete" });
  const { done, failures } = await changeDownloads(running, "cancel", LAB, ["*.h5"]);
  expect([done, failures]).toEqual([["a.h5" as FileName], []]);
});

test("what was complete before, and was named, is one", async () => {
  const running = downloads({ "a.h5": "downloading", "c.h5": "complete" });
  const { done, failures } = await changeDownloads(running, "cancel", LAB, ["a.h5", "c.h5"]);
  expect(done).toEqual(["a.h5" as FileName]);
  expect(failures.map(({ name }) => name)).toEqual(["c.h5"]);
});
