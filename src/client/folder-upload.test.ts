import { expect, test } from "bun:test";
import type { GroupName } from "../base/ids.ts";
import type { WalkOptions } from "../transfer/disk/folder-walk.ts";
import { uploadFolder } from "./folder-upload.ts";
import type { HashProgress } from "./views.ts";

const order = {
  folder: "/home/ada/runs",
  pattern: undefined,
  matches: () => true,
  group: "lab" as GroupName,
  as: undefined,
  progress: () => {},
};

test("while the folder is looked through, it is told how many files there are so far, and it can be told to stop", async () => {
  const told: HashProgress[] = [];
  const { signal } = new AbortController();
  let asked: WalkOptions | undefined;
  const walk = async (root: string, options: WalkOptions) => {
    asked = options;
    options.found?.(12);
    return { root, files: [], leftOut: 0 };
  };
  const upload = () => Promise.reject(new Error("there is nothing to share"));
  const dependencies = { files: { walk }, upload, parts: () => [] };
  await uploadFolder(dependencies, { ...order, progress: (at) => told.push(at), signal });
  expect(told).toEqual([{ name: "runs", doneBytes: 0, total: 0, file: { number: 0, of: 12 } }]);
  expect(asked?.signal).toBe(signal);
});
