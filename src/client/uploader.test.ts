import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, GroupName } from "../base/ids.ts";
import { UPLOADS_OF_FOLDER_AT_ONCE_MAX } from "../base/limits.ts";
import type { ClientWorld, Machine, RunningClient } from "../testing/client-world.ts";
import { failureOf } from "../testing/failure-of.ts";
import { closeLab, LAB, openLab, restart } from "../testing/lab.ts";
import { settle } from "../testing/manual-clock.ts";

const file = (name: string) => name as FileName;

let world: ClientWorld;
let annasMachine: Machine;
let anna: RunningClient;
let ben: RunningClient;

beforeEach(async () => {
  ({ world, annasMachine, anna, ben } = await openLab());
});
afterEach(() => closeLab({ world, anna, ben }));

describe("sharing", () => {
  test("an uploaded file is hashed, known to the tracker and offered", async () => {
    const progress: number[] = [];
    annasMachine.disk.write("/data/notes", "notes", 2_000_000);
    const result = await anna.app.uploadFile("/data/notes", LAB, undefined, ({ doneBytes }) =>
      progress.push(doneBytes),
    );
    expect(result.name).toBe(file("notes"));
    expect(result.size).toBe(2_000_000);
    expect(progress).toEqual([2_000_000]);
    expect(anna.offered()).toEqual(["/data/notes"]);
    expect([...anna.engine.offers.values()][0]?.fresh).toBe(true);
    expect((await ben.app.listFiles(LAB)).map(({ name, sources }) => [name, sources])).toEqual([
      [file("notes"), 1],
    ]);
    expect(anna.app.showShares()).toEqual([
      { group: LAB, name: file("notes"), path: "/data/notes", size: 2_000_000 },
    ]);
  });

  test("the same file for another group is not hashed again", async () => {
    await anna.app.createGroup("studio" as GroupName);
    await anna.share("notes");
    await anna.app.uploadFile("/data/notes", "studio" as GroupName, undefined, () => {});
    expect(annasMachine.disk.hashed).toEqual(["/data/notes"]);
    expect(anna.engine.offers.size).toBe(2);
  });

  test("who is no member learns it before anything is hashed", async () => {
    await anna.app.createGroup("studio" as GroupName);
    ben.machine.disk.write("/data/notes", "notes");
    const refused = ben.app.uploadFile("/data/notes", "studio" as GroupName, undefined, () => {});
    expect((await failureOf(refused)).code).toBe("not-member");
    expect(ben.machine.disk.hashed).toEqual([]);
  });

  test("other content under a name that is taken is refused before it is hashed, if only by its size", async () => {
    await anna.share("notes");
    ben.machine.disk.write("/data/notes", "other notes", 77);
    const failure = await failureOf(ben.app.uploadFile("/data/notes", LAB, undefined, () => {}));
    expect(failure.code).toBe("name-taken");
    expect(failure.message).toContain("upload_file <path> lab <other name>");
    expect(ben.machine.disk.hashed).toEqual([]);
  });

  test("a file that has changed is shared anew under its name", async () => {
    await anna.share("notes", "lab", "first");
    annasMachine.disk.write("/data/notes", "second", 555);
    await anna.app.uploadFile("/data/notes", LAB, undefined, () => {});
    const files = await ben.app.listFiles(LAB);
    expect(files.map(({ name, size }) => [name, size])).toEqual([[file("notes"), 555]]);
    expect(anna.engine.offers.size).toBe(1);
  });

  test("content that the group has under another name is shared under both", async () => {
    await anna.share("one", "lab", "same");
    ben.machine.disk.write("/data/two", "same");
    const result = await ben.app.uploadFile("/data/two", LAB, undefined, () => {});
    expect(result).toMatchObject({ name: file("two"), path: "/data/two", kept: undefined });
    expect((await ben.app.listFiles(LAB)).map(({ name, sources }) => [name, sources])).toEqual([
      [file("one"), 1],
      [file("two"), 1],
    ]);
  });

  test("small files of one content in a folder are told of together", async () => {
    for (let each = 0; each < 20; each++) annasMachine.disk.write(`/data/runs/f${each}`, "same", 10);
    const folder = { folder: "/data/runs", pattern: undefined };
    expect((await anna.app.uploadFolder(folder, LAB, undefined, () => {})).shared).toBe(20);
    expect(world.called("share_many")).toHaveLength(1);
    expect(await ben.app.listFiles(LAB)).toHaveLength(20);
  });

  for (const size of [10, 2_000_000])
    test(`of two files of one content under one name at once one is shared (${size} bytes)`, async () => {
      const paths = ["/data/one", "/data/two"];
      for (const path of paths) annasMachine.disk.write(path, "same", size);
      const results = await Promise.all(
        paths.map((path) => anna.app.uploadFile(path, LAB, file("film"), () => {})),
      );
      expect(new Set(results.map(({ kept }) => kept))).toEqual(new Set([undefined, "path"]));
      expect(anna.app.showShares()).toHaveLength(1);
    });

  test("content that this machine shares already under that name stays shared from where it is", async () => {
    await anna.share("one", "lab", "same");
    annasMachine.disk.write("/data/two", "same");
    const result = await anna.app.uploadFile("/data/two", LAB, file("one"), () => {});
    expect(result).toMatchObject({ name: file("one"), path: "/data/one", kept: "path" });
    expect(anna.offered()).toEqual(["/data/one"]);
    annasMachine.disk.files.delete("/data/two");
    anna = await (await restart(anna)).logIn("anna");
    expect(anna.offered()).toEqual(["/data/one"]);
  });

  test("a path takes the place of one that holds the content no longer", async () => {
    await anna.share("one", "lab", "same");
    const [before] = anna.engine.offers.values();
    annasMachine.disk.files.delete("/data/one");
    annasMachine.disk.write("/data/two", "same");
    const result = await anna.app.uploadFile("/data/two", LAB, file("one"), () => {});
    expect(result).toMatchObject({ name: file("one"), path: "/data/two", kept: undefined });
    expect(anna.offered()).toEqual(["/data/two"]);
    if (before === undefined) throw new Error("nothing was offered");
    anna.engine.events.offerBroken(before, new Failure("file-changed", "/data/one was removed"));
    await settle();
    expect(anna.offered()).toEqual(["/data/two"]);
    expect(anna.kinds()).not.toContain("share-broken");
  });

  test("a hashing that was interrupted goes on where it was, and what it kept is verified before it is served", async () => {
    anna.machine.disk.write("/data/notes", "content of notes");
    const leaving: Promise<void>[] = [];
    const interrupted = anna.app.uploadFile("/data/notes", LAB, undefined, () =>
      leaving.push(anna.app.logout()),
    );
    await failureOf(interrupted);
    await Promise.all(leaving);
    expect([...anna.machine.disk.kept.values()]).toEqual([Buffer.from("content of notes")]);
    await anna.logIn("anna");
    await anna.app.uploadFile("/data/notes", LAB, undefined, () => {});
    expect([...anna.engine.offers.values()].map(({ fresh }) => fresh)).toEqual([false]);
    expect(anna.machine.disk.kept.size).toBe(0);
    await anna.share("other");
    expect([...anna.engine.offers.values()].map(({ fresh }) => fresh)).toEqual([false, true]);
  });

  test("what was hashed is kept when the tracker cannot be told", async () => {
    anna.machine.disk.write("/data/notes", "content of notes");
    const upload = anna.app.uploadFile("/data/notes", LAB, undefined, () =>
      [0, 1].map((door) => world.kill(door)),
    );
    const { outcome } = await world.during(failureOf(upload), 60_000);
    expect([(outcome as Failure).code, anna.machine.disk.kept.size]).toEqual(["tracker-unreachable", 1]);
  });

  test("an upload that is given up keeps what it has hashed, and shares nothing", async () => {
    anna.machine.disk.write("/data/notes", "content of notes");
    const givingUp = new AbortController();
    const upload = anna.app.uploadFile(
      "/data/notes",
      LAB,
      undefined,
      () => givingUp.abort(),
      givingUp.signal,
    );
    await failureOf(upload);
    expect(anna.machine.disk.kept.size).toBe(1);
    expect(await ben.app.listFiles(LAB)).toEqual([]);
  });

  test("of a folder that is given up no other file is begun", async () => {
    for (let each = 0; each < 2 * UPLOADS_OF_FOLDER_AT_ONCE_MAX; each++)
      annasMachine.disk.write(`/data/runs/f${each}`, `content ${each}`);
    const givingUp = new AbortController();
    const folder = { folder: "/data/runs", pattern: undefined };
    const upload = anna.app.uploadFolder(folder, LAB, undefined, () => givingUp.abort(), givingUp.signal);
    await failureOf(upload);
    expect(annasMachine.disk.hashed.length).toBeLessThanOrEqual(UPLOADS_OF_FOLDER_AT_ONCE_MAX);
  });

  test("a file that changes while it is hashed is not shared", async () => {
    const { disk } = annasMachine;
    disk.write("/data/notes", "first");
    const refused = anna.app.uploadFile("/data/notes", LAB, undefined, () =>
      disk.write("/data/notes", "second"),
    );
    expect((await failureOf(refused)).code).toBe("file-changed");
    expect(await ben.app.listFiles(LAB)).toEqual([]);
  });

  test("a stopped share can be taken up again, without hashing", async () => {
    await anna.share("notes");
    await anna.app.stopShare(LAB, file("notes"));
    await anna.app.uploadFile("/data/notes", LAB, undefined, () => {});
    expect(annasMachine.disk.hashed).toEqual(["/data/notes"]);
    expect(await ben.app.listFiles(LAB)).toHaveLength(1);
  });

  test("a file whose own name cannot be shared is refused with the way to give it another", async () => {
    annasMachine.disk.write("/data/ends in a blank ", "x");
    const failure = await failureOf(anna.app.uploadFile("/data/ends in a blank ", LAB, undefined, () => {}));
    expect(failure.message).toContain("upload_file <path> <group> <other name>");
  });
});
