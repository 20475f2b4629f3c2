import { describe, expect, test } from "bun:test";
import type { FileName, GroupName } from "../base/ids.ts";
import { LAST_COPIES_MS_MAX } from "../base/limits.ts";
import { ManualClock, settle } from "../testing/manual-clock.ts";
import { lastCopies } from "./last-copies.ts";
import type { FileView, ShareView } from "./views.ts";

const share = (group: string, name: string) => ({ group, name }) as ShareView;
const file = (name: string, sources: number) => ({ name: name as FileName, sources }) as FileView;
const SHARES = [share("lab", "a"), share("lab", "b"), share("music", "c")];

describe("what nobody else has online", () => {
  test("is what has one source, and is shared from here", async () => {
    const asked: string[] = [];
    const listFiles = async (group: GroupName) => {
      asked.push(group);
      return group === "lab" ? [file("A", 1), file("b", 2), file("x", 1)] : [file("c", 1)];
    };
    const clock = new ManualClock();
    expect(await lastCopies(SHARES, { listFiles, clock })).toEqual([share("lab", "a"), share("music", "c")]);
    expect(asked).toEqual(["lab", "music"]);
    expect(clock.pending).toBe(0);
  });

  test("is nothing where nothing is shared: nobody is asked", async () => {
    const listFiles = () => Promise.reject(new Error("asked"));
    expect(await lastCopies([], { listFiles, clock: new ManualClock() })).toEqual([]);
  });

  test("is told of the groups that can be asked", async () => {
    const listFiles = async (group: GroupName) => {
      if (group === "lab") throw new Error("not a member");
      return [file("c", 1)];
    };
    expect(await lastCopies(SHARES, { listFiles, clock: new ManualClock() })).toEqual([share("music", "c")]);
  });

  test("is nothing if no tracker says so soon", async () => {
    const clock = new ManualClock();
    const asked = lastCopies(SHARES, { listFiles: () => new Promise(() => {}), clock });
    await settle();
    clock.advance(LAST_COPIES_MS_MAX);
    expect(await asked).toEqual([]);
  });
});
