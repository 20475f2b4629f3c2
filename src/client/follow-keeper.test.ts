import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, GroupName, UserName } from "../base/ids.ts";
import {
  FOLLOW_AHEAD_MAX,
  FOLLOW_RETRY_MS,
  FOLLOWED_NAMES_AT_ONCE,
  FOLLOWED_NAMES_MAX,
  FOLLOWS_MAX,
  GRANT_LIFETIME_MS,
} from "../base/limits.ts";
import type { RpcReply } from "../net/rpc.ts";
import type { ClientWorld, RunningClient } from "../testing/client-world.ts";
import { failureOf } from "../testing/failure-of.ts";
import { closeLab, LAB, openLab } from "../testing/lab.ts";
import { settle } from "../testing/manual-clock.ts";

const BEN = "ben" as UserName;
const file = (name: string) => name as FileName;

let world: ClientWorld;
let anna: RunningClient;
let ben: RunningClient;

beforeEach(async () => {
  ({ world, anna, ben } = await openLab());
});
afterEach(() => closeLab({ world, anna, ben }));

/** Everything that can happen without time passing has happened. */
async function calm(): Promise<void> {
  for (let times = 0; times < 50; times++) await settle();
}

async function follow(folder = "/in"): Promise<void> {
  await ben.app.follow(LAB, folder);
  await calm();
}

/** Where this program's downloads go, in the order in which they were begun. */
const begun = () => ben.engine.downloads.map(({ order }) => order.path);

async function completeAll(): Promise<void> {
  for (const index of ben.engine.downloads.keys()) await ben.completeDownload(index);
  await calm();
}

async function restart(): Promise<void> {
  await ben.app.close();
  ben = await (await ben.machine.start()).logIn("ben");
  await calm();
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const outcome = await promise.catch((error: unknown) => error);
  return outcome instanceof Failure ? outcome.code : `no failure but ${outcome}`;
}

const warnings = () => ben.events.flatMap((event) => (event.kind === "warning" ? [event.message] : []));
const ends = () => ben.events.filter(({ kind }) => kind === "follow-ended");

describe("a followed group", () => {
  test("has its files fetched into the folder, and new ones as they come", async () => {
    await anna.share("a");
    await anna.share("b");
    await follow();
    expect(begun()).toEqual(["/in/a", "/in/b"]);
    expect(ben.app.listFollows()).toEqual([{ group: LAB, folder: "/in" }]);
    await completeAll();
    await anna.share("c");
    await calm();
    expect(begun()).toEqual(["/in/a", "/in/b", "/in/c"]);
    expect(world.called("list_files")).toHaveLength(2);
  });

  test("of a folder that is shared all are fetched, and each is told of", async () => {
    await follow();
    const names = ["a", "b", "c"].map((each) => file(`runs/${each}`));
    for (const name of names) anna.machine.disk.write(`/data/${name}`, name);
    await anna.app.uploadFolder({ folder: "/data/runs", pattern: undefined }, LAB, undefined, () => {});
    await calm();
    expect(begun().toSorted()).toEqual(["/in/runs/a", "/in/runs/b", "/in/runs/c"]);
    const told = ben.events.flatMap((event) =>
      event.kind === "news" && event.news.kind === "new-file" ? [event.news.name] : [],
    );
    expect(told.toSorted()).toEqual(names);
  });

  test("is shown with its folder, and followed into another one when told so", async () => {
    await follow();
    await follow("/other");
    expect(ben.app.listFollows()).toEqual([{ group: LAB, folder: "/other" }]);
    await anna.share("a");
    await calm();
    expect(begun()).toEqual(["/other/a"]);
  });

  test("has no file fetched that is shared from here, or downloaded already", async () => {
    await anna.share("a");
    await ben.share("mine");
    await ben.download("a");
    await follow("/elsewhere");
    expect(begun()).toEqual(["/in/a"]);
    await ben.app.stopShare(LAB, file("mine"));
    await anna.share("mine", "lab", "content of mine");
    await calm();
    expect(begun()).toEqual(["/in/a"]);
  });

  test("of which all was here before is told to have nothing new, once; one without files says nothing", async () => {
    const noneNew = () => ben.events.filter(({ kind }) => kind === "follow-none-new");
    await follow();
    expect(noneNew()).toEqual([]);
    await anna.share("a");
    await calm();
    await completeAll();
    await follow("/elsewhere");
    expect(noneNew()).toEqual([{ kind: "follow-none-new", group: LAB, files: 1 }]);
    await anna.share("b");
    await restart();
    expect(noneNew()).toEqual([]);
  });

  test("has a file passed over, told once, whose name is taken by something else", async () => {
    await anna.share("a");
    ben.machine.disk.write("/in/a", "something else");
    ben.engine.whenAsked = (download) => download.fail(new Failure("file-exists", "/in/a is there already"));
    await follow();
    expect(warnings()).toEqual(["a of lab is not fetched: /in/a is there already"]);
    await restart();
    expect([begun(), warnings()]).toEqual([[], []]);
  });

  test("is followed no more after unfollow; what is under way goes on", async () => {
    await anna.share("a");
    await follow();
    await ben.app.unfollow(LAB);
    await anna.share("b");
    await calm();
    expect(begun()).toEqual(["/in/a"]);
    expect(ben.app.showDownloads().map(({ state }) => state)).toEqual(["downloading"]);
    expect(ben.app.listFollows()).toEqual([]);
    await restart();
    expect(ben.app.listFollows()).toEqual([]);
  });

  test("is refused to those who are not in it, and unfollow where nothing is followed", async () => {
    await anna.app.createGroup("other" as GroupName);
    expect(await codeOf(ben.app.follow("other" as GroupName, "/in"))).toBe("not-member");
    expect(await codeOf(ben.app.follow("nothing" as GroupName, "/in"))).toBe("unknown-group");
    expect(await codeOf(ben.app.unfollow(LAB))).toBe("not-followed");
    expect(ben.app.listFollows()).toEqual([]);
  });

  test("is one of so many at most, and one that is followed already may go elsewhere", async () => {
    const groups = Array.from({ length: FOLLOWS_MAX }, (_, index) => `g${index}` as GroupName);
    for (const group of groups) {
      await ben.app.createGroup(group);
      await ben.app.follow(group, "/in");
    }
    expect(await failureOf(ben.app.follow(LAB, "/in"))).toMatchObject({
      code: "too-many",
      message: `${FOLLOWS_MAX} groups are followed already; unfollow one first`,
    });
    await ben.app.follow("g0" as GroupName, "/other");
    await ben.app.unfollow("g1" as GroupName);
    await ben.app.follow(LAB, "/in");
    expect(ben.app.listFollows()).toHaveLength(FOLLOWS_MAX);
  });

  test("is refused where the tracker is too old to say which group the files are of", async () => {
    const { service } = world.tracker;
    const answer = service.answer.bind(service) as (...asked: unknown[]) => Promise<RpcReply<object>>;
    service.answer = (async (...asked: unknown[]) => {
      const { result, ...rest } = await answer(...asked);
      return { ...rest, result: { ...result, gid: undefined } };
    }) as typeof service.answer;
    expect(await failureOf(ben.app.follow(LAB, "/in"))).toMatchObject({
      code: "tracker-refused",
      message: "this tracker is of an older version, which groups cannot be followed at",
    });
    expect(ben.app.listFollows()).toEqual([]);
  });
});

describe("after a restart", () => {
  test("only what is new comes: nothing that was fetched, deleted or cancelled", async () => {
    for (const name of ["kept", "deleted", "cancelled"]) await anna.share(name);
    await follow();
    expect(begun().sort()).toEqual(["/in/cancelled", "/in/deleted", "/in/kept"]);
    await ben.app.cancelDownload(LAB, file("cancelled"));
    for (const [index, path] of begun().entries())
      if (path !== "/in/cancelled") await ben.completeDownload(index);
    await ben.app.stopShare(LAB, file("deleted"));
    ben.machine.disk.files.delete("/in/deleted");
    await ben.app.close();
    await anna.share("new");
    ben = await (await ben.machine.start()).logIn("ben");
    await calm();
    expect(begun()).toEqual(["/in/new"]);
    expect(ben.app.listFollows()).toEqual([{ group: LAB, folder: "/in" }]);
  });

  test("another user of the machine follows nothing", async () => {
    await follow();
    await ben.app.logout();
    await anna.share("a");
    await ben.signUp("carl");
    await calm();
    expect([ben.app.listFollows(), begun()]).toEqual([[], []]);
  });
});

describe("membership", () => {
  test("that ends ends the follow, and a word says so", async () => {
    await follow();
    await anna.app.removeMember(LAB, BEN);
    await calm();
    expect(ends()).toEqual([{ kind: "follow-ended", group: LAB, how: "removed" }]);
    expect(ben.app.listFollows()).toEqual([]);
  });

  test("that the user gives up ends it", async () => {
    await follow();
    await ben.app.leaveGroup(LAB);
    expect(ends()).toEqual([{ kind: "follow-ended", group: LAB, how: "left" }]);
    expect(ben.app.listFollows()).toEqual([]);
  });

  test("that ended while offline ends it at the next login", async () => {
    await follow();
    await ben.app.logout();
    await anna.app.removeMember(LAB, BEN);
    await ben.logIn("ben");
    await calm();
    expect(ends()).toEqual([{ kind: "follow-ended", group: LAB, how: "removed" }]);
    expect(ben.app.listFollows()).toEqual([]);
  });

  test("of a group that is deleted ends with it", async () => {
    await follow();
    await anna.app.deleteGroup(LAB);
    await calm();
    expect(ends().map((event) => (event.kind === "follow-ended" ? event.group : ""))).toEqual([LAB]);
  });
});

describe("trackers that come and go", () => {
  test("what came while none was heard is fetched when one answers again", async () => {
    await follow();
    for (const door of [0, 1]) world.down.add(door);
    for (const link of world.links)
      if (link.fingerprint === ben.machine.fingerprint)
        link.close(new Failure("tracker-unreachable", "connection reset"));
    await calm();
    await anna.share("a");
    world.down.clear();
    await world.pass(5_000);
    await calm();
    expect(begun()).toEqual(["/in/a"]);
    expect(ben.kinds()).not.toContain("new-file");
  });

  test("a folder that is gone is told once, and its files come when it is there again", async () => {
    await follow();
    const { disk } = ben.machine;
    const { destinations } = disk;
    disk.destinations = async () => {
      throw new Failure("file-missing", "no such folder: /in");
    };
    await anna.share("a");
    await anna.share("b");
    await world.pass(3 * FOLLOW_RETRY_MS);
    expect(warnings()).toEqual(["group lab is followed in vain: no such folder: /in"]);
    disk.destinations = destinations;
    await world.pass(FOLLOW_RETRY_MS);
    await calm();
    expect(begun()).toEqual(["/in/a", "/in/b"]);
  });

  test("a removal of which no word came ends the follow when the list is asked for", async () => {
    await follow();
    await ben.app.logout();
    await anna.app.removeMember(LAB, BEN);
    const { meta } = world.tracker.disk;
    for (const key of meta.keys()) if (key.startsWith("news/")) meta.set(key, "[]");
    world.tracker.clock.advance(2 * GRANT_LIFETIME_MS);
    await ben.logIn("ben");
    await calm();
    expect(ben.kinds()).not.toContain("removed");
    expect(ends()).toEqual([{ kind: "follow-ended", group: LAB, how: "removed" }]);
  });
});

/** As a transfer that is done with all of what runs in a second. */
async function completeUntilNoMore(): Promise<void> {
  for (let done = 0; done < ben.engine.downloads.length; ) {
    for (; done < ben.engine.downloads.length; done++) ben.beComplete(done);
    await calm();
    await world.pass(1_000);
  }
}

describe("many files at once", () => {
  async function shareMany(count: number): Promise<void> {
    for (let each = 0; each < count; each++)
      anna.machine.disk.write(`/data/runs/${each}`, `run ${each}`, 1_000);
    await anna.app.uploadFolder({ folder: "/data/runs", pattern: undefined }, LAB, undefined, () => {});
  }

  test("go through the queue, and no more of them than there is room for", async () => {
    const count = FOLLOW_AHEAD_MAX + 150;
    await shareMany(count);
    await follow();
    expect(ben.app.showDownloads()).toHaveLength(FOLLOW_AHEAD_MAX);
    await completeUntilNoMore();
    expect(new Set(begun()).size).toBe(count);
    expect(begun()).toHaveLength(count);
  });

  test("are asked for together, so that small ones can go together", async () => {
    await follow();
    await shareMany(FOLLOWED_NAMES_AT_ONCE);
    await calm();
    expect(begun()).toHaveLength(FOLLOWED_NAMES_AT_ONCE);
    expect(world.called("find_small").length).toBeLessThanOrEqual(2);
    expect(world.called("get_blob")).toEqual([]);
  });

  test("that are told faster than they are looked for are found in the list", async () => {
    await follow();
    const release = world.hold("find_file");
    const count = FOLLOWED_NAMES_MAX + 20;
    await shareMany(count);
    await calm();
    expect(begun()).toEqual([]);
    release();
    await calm();
    await completeUntilNoMore();
    expect(new Set(begun()).size).toBe(count);
  });
});

test("a script's end waits for all that is followed", async () => {
  await anna.share("a");
  await follow();
  let idle = false;
  const waiting = ben.app.whenIdle().then(() => {
    idle = true;
  });
  await calm();
  expect(idle).toBe(false);
  await completeAll();
  await waiting;
  expect(ben.app.showDownloads().map(({ state }) => state)).toEqual(["complete"]);
});
