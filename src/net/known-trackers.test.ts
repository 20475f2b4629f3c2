import { afterAll, describe, expect, test } from "bun:test";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../base/failure.ts";
import type { Fingerprint } from "../base/ids.ts";
import { judge, KnownTrackers } from "./known-trackers.ts";

const address = { host: "tracker.example", port: 5000 };
const key = "1".repeat(64) as Fingerprint;
const other = "2".repeat(64) as Fingerprint;

describe("the judgement", () => {
  const of = (pinned: Fingerprint | undefined, remembered: Fingerprint | undefined) =>
    judge(address, key, { pinned, remembered }, "/data/known-trackers.json");

  test("never met and not pinned: first use", () => expect(of(undefined, undefined)).toBe("first-use"));
  test("the remembered key is known", () => expect(of(undefined, key)).toBe("known"));
  test("the pinned key is known, whatever is remembered", () => {
    expect(of(key, undefined)).toBe("known");
    expect(of(key, other)).toBe("known");
  });
  test("a changed key is refused, and the message says where to correct it", () => {
    const refused = of(undefined, other);
    expect(refused instanceof Failure && refused.code).toBe("tracker-refused");
    expect(refused instanceof Failure && refused.message).toContain("than at the first contact");
    expect(refused instanceof Failure && refused.message).toEndWith(
      "remove the entry for tracker.example:5000 in /data/known-trackers.json",
    );
    expect(refused instanceof Failure && refused.message).toContain(key);
    expect(refused instanceof Failure && refused.message).toContain(other);
  });
  test("a key other than the pinned one is refused even if it is remembered", () => {
    const refused = of(other, key);
    expect(refused instanceof Failure && refused.message).toContain("than tracker_info.txt says");
    expect(refused instanceof Failure && refused.message).toEndWith(
      "edit the pin of tracker.example:5000 in tracker_info.txt",
    );
  });
});

describe("the file", () => {
  const folders: string[] = [];
  const freshFolder = async () => {
    const folder = await mkdtemp(join(tmpdir(), "p2p-known-"));
    folders.push(folder);
    return folder;
  };
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

  test("what is remembered is there after a restart, without regard to case of the host", async () => {
    const folder = await freshFolder();
    const known = await KnownTrackers.open(folder);
    expect(known.judge(address, key, undefined)).toBe("first-use");
    await known.remember(address, key);
    await known.remember({ host: "::1", port: 5001 }, other);
    const again = await KnownTrackers.open(folder);
    expect(again.judge({ host: "TRACKER.example", port: 5000 }, key, undefined)).toBe("known");
    expect(again.judge({ ...address, port: 5001 }, other, undefined)).toBe("first-use");
    expect(again.judge({ host: "::1", port: 5001 }, key, undefined)).toBeInstanceOf(Failure);
  });

  test("several remembered at once are all kept", async () => {
    const folder = await freshFolder();
    const known = await KnownTrackers.open(folder);
    await Promise.all([5001, 5002, 5003].map((port) => known.remember({ ...address, port }, key)));
    const again = await KnownTrackers.open(folder);
    for (const port of [5001, 5002, 5003]) expect(again.recall({ ...address, port })).toBe(key);
  });

  test("a damaged file is a failure that names it, and stays as it is", async () => {
    const folder = await freshFolder();
    const path = join(folder, "known-trackers.json");
    for (const damaged of ["", "{", "7", `["${key}"]`, '{"a:1":"zz"}', '{"a:1":7}']) {
      await writeFile(path, damaged);
      const failure = await KnownTrackers.open(folder).catch((error: unknown) => error);
      expect(failure instanceof Failure && failure.message).toContain(path);
      expect(await readFile(path, "utf8")).toBe(damaged);
    }
  });
});
