import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, Gid, GroupName, ListingId } from "../base/ids.ts";
import { SHARE_LOOK_MS } from "../base/limits.ts";
import { listingIdOf } from "../base/listing-id.ts";
import type { ClientWorld, Machine, RunningClient } from "../testing/client-world.ts";
import { failureOf } from "../testing/failure-of.ts";
import { closeLab, LAB, openLab, restart } from "../testing/lab.ts";
import { settle } from "../testing/manual-clock.ts";
import { manifestOf } from "../testing/service-clients.ts";
import { hexId } from "../testing/test-tracker.ts";
import type { Told } from "./share-calls.ts";
import { ShareKeeper, type ShareKeeperDependencies } from "./share-keeper.ts";

const file = (name: string) => name as FileName;
const gid = hexId<Gid>("lab");

let world: ClientWorld;
let annasMachine: Machine;
let anna: RunningClient;
let ben: RunningClient;

beforeEach(async () => {
  ({ world, annasMachine, anna, ben } = await openLab());
});
afterEach(() => closeLab({ world, anna, ben }));

describe("one content under two names", () => {
  beforeEach(async () => {
    await anna.share("one", "lab", "same");
    await anna.share("two", "lab", "same");
  });
  const listed = async () => (await ben.app.listFiles(LAB)).map(({ name }) => name as string);

  test("is served from one path, and from the other when that share is stopped", async () => {
    expect(anna.offered()).toEqual(["/data/one"]);
    await anna.app.stopShare(LAB, file("one"));
    expect(anna.offered()).toEqual(["/data/two"]);
    expect(await listed()).toEqual(["two"]);
    await anna.app.stopShare(LAB, file("two"));
    expect(anna.offered()).toEqual([]);
    expect(await listed()).toEqual([]);
  });

  test("is served from each of its other paths in turn", async () => {
    await anna.share("three", "lab", "same");
    for (const [stopped, next] of [
      ["one", "/data/two"],
      ["two", "/data/three"],
    ] as const) {
      await anna.app.stopShare(LAB, file(stopped));
      expect(anna.offered()).toEqual([next]);
    }
  });

  test("is served no more in a group whose last name has ended, though it is shared in another", async () => {
    await anna.app.createGroup("studio" as GroupName);
    await anna.share("three", "studio", "same");
    for (const name of ["one", "two"]) await anna.app.stopShare(LAB, file(name));
    expect(anna.offered()).toEqual(["/data/three"]);
  });

  test("goes on being served where the one that is not served ends", async () => {
    await anna.app.stopShare(LAB, file("two"));
    expect(anna.offered()).toEqual(["/data/one"]);
    expect(await listed()).toEqual(["one"]);
  });

  test("is served from the other path when the transfer finds the one changed, or it is gone", async () => {
    const [offer] = anna.engine.offers.values();
    if (offer === undefined) throw new Error("nothing is offered");
    anna.engine.events.offerBroken(offer, new Failure("file-changed", "/data/one was changed"));
    await settle();
    await settle();
    expect(anna.offered()).toEqual(["/data/two"]);
    expect(await listed()).toEqual(["two"]);
    annasMachine.disk.files.delete("/data/two");
    await world.pass(2 * SHARE_LOOK_MS);
    expect(anna.offered()).toEqual([]);
    expect(await listed()).toEqual([]);
  });

  test("is shared under both after another login", async () => {
    anna = await (await restart(anna)).logIn("anna");
    expect(
      anna.app
        .showShares()
        .map(({ name }) => name as string)
        .toSorted(),
    ).toEqual(["one", "two"]);
    const [served = ""] = anna.offered();
    await anna.app.stopShare(LAB, file(served.slice("/data/".length)));
    expect(anna.offered()).toEqual([served === "/data/one" ? "/data/two" : "/data/one"]);
  });

  test("is not served for a moment from the other path when its user is a member no more", async () => {
    const offered: string[] = [];
    const { engine } = anna;
    const offer = engine.offer.bind(engine);
    engine.offer = (each) => {
      offered.push(each.path);
      offer(each);
    };
    await anna.app.deleteGroup(LAB);
    expect(anna.offered()).toEqual([]);
    expect(offered).toEqual([]);
  });
});

describe("what is shared", () => {
  test("several shares are ended at once: what fails stops no other, and what means nothing is told", async () => {
    for (const name of ["a.csv", "b.csv", "c.h5"]) await anna.share(name);
    const { done, failures } = await anna.app.stopShares(LAB, ["*.csv", "nowhere", "*.zip"]);
    expect(done.toSorted()).toEqual([file("a.csv"), file("b.csv")]);
    expect(failures.map(({ name, failure }) => [name, failure.code])).toEqual([
      ["*.zip", "not-shared"],
      ["nowhere", "not-shared"],
    ]);
    expect(anna.offered()).toEqual(["/data/c.h5"]);
    expect((await failureOf(anna.app.stopShares(LAB, ["*.zip"]))).message).toBe(
      "this machine shares no file in lab that *.zip means",
    );
  });

  test("a shared file that changes or goes is noticed before anybody asks for it", async () => {
    for (const name of ["stays", "changes", "goes"]) await anna.share(name);
    annasMachine.disk.write("/data/changes", "otherwise");
    annasMachine.disk.files.delete("/data/goes");
    anna.events.length = 0;
    await world.pass(2 * SHARE_LOOK_MS);
    expect(anna.offered()).toEqual(["/data/stays"]);
    expect(anna.kinds()).toEqual(["share-broken", "share-broken"]);
    expect((await ben.app.listFiles(LAB)).map(({ name }) => name)).toEqual([file("stays")]);
  });

  test("a stopped share is gone here and at the tracker, also for the next login", async () => {
    await anna.share("notes");
    await anna.app.stopShare(LAB, file("notes"));
    expect(anna.offered()).toEqual([]);
    expect(anna.app.showShares()).toEqual([]);
    expect(await ben.app.listFiles(LAB)).toEqual([]);
    expect((await failureOf(anna.app.stopShare(LAB, file("notes")))).code).toBe("not-shared");
    await anna.app.logout();
    await anna.logIn("anna");
    expect(anna.offered()).toEqual([]);
  });

  test("a file that the transfer finds changed is told and shared no longer", async () => {
    await anna.share("notes");
    const [offer] = anna.engine.offers.values();
    if (offer === undefined) throw new Error("nothing is offered");
    anna.engine.events.offerBroken(offer, new Failure("file-changed", "it was cut short"));
    await settle();
    await settle();
    expect(anna.events).toContainEqual({
      kind: "share-broken",
      share: { group: LAB, name: file("notes"), path: "/data/notes", size: 1_000_000 },
      why: "it was cut short",
    });
    expect(await ben.app.listFiles(LAB)).toEqual([]);
  });
});

describe("coming back", () => {
  test("login brings all shares back without hashing what has not changed", async () => {
    await anna.share("a");
    await anna.share("b");
    const again = await restart(anna);
    expect(again.offered()).toEqual([]);
    await again.logIn("anna");
    expect(again.offered()).toEqual(["/data/a", "/data/b"]);
    expect([...again.engine.offers.values()].every(({ fresh }) => !fresh)).toBe(true);
    expect(annasMachine.disk.hashed).toEqual(["/data/a", "/data/b"]);
    expect(world.called("share")).toHaveLength(2);
    anna = again;
  });

  test("a piece list that is lost here comes back from the tracker", async () => {
    await anna.share("a");
    annasMachine.lists.clear();
    anna = await (await restart(anna)).logIn("anna");
    expect(anna.offered()).toEqual(["/data/a"]);
    const [offer] = anna.engine.offers.values();
    expect((await offer?.manifest())?.summary).toEqual(offer?.file);
    expect(annasMachine.lists.size).toBe(1);
    expect(annasMachine.disk.hashed).toHaveLength(1);
  });

  test("a piece list that is not to be had now is told once, and asked for again", async () => {
    await anna.share("a");
    annasMachine.lists.clear();
    anna = await (await restart(anna)).logIn("anna");
    const [offer] = anna.engine.offers.values();
    for (const door of [0, 1]) world.kill(door);
    for (let time = 0; time < 2; time++) {
      const { outcome } = await world.during(failureOf(offer?.manifest() ?? Promise.resolve()), 60_000);
      expect((outcome as Failure).code).toBe("tracker-unreachable");
    }
    expect(anna.events.filter(({ kind }) => kind === "warning")).toHaveLength(1);
    world.down.clear();
    await world.pass(5_000);
    expect((await offer?.manifest())?.summary).toEqual(offer?.file);
  });

  test("a shared file that changed meanwhile is told and shared no longer", async () => {
    await anna.share("a");
    await anna.share("b");
    await anna.share("c");
    await anna.app.close();
    annasMachine.disk.write("/data/a", "changed");
    annasMachine.disk.files.delete("/data/b");
    anna = await (await annasMachine.start()).logIn("anna");
    expect(anna.offered()).toEqual(["/data/c"]);
    const broken = anna.events.flatMap((event) => (event.kind === "share-broken" ? [event.share.path] : []));
    expect(broken.sort()).toEqual(["/data/a", "/data/b"]);
    expect((await ben.app.listFiles(LAB)).map(({ name }) => name)).toEqual([file("c")]);
  });

  test("what another user of this machine shares stays theirs", async () => {
    await anna.share("a");
    await anna.app.logout();
    await anna.signUp("dora");
    expect(anna.offered()).toEqual([]);
    expect(anna.app.showShares()).toEqual([]);
  });

  test("a share that only the tracker remembers is stopped", async () => {
    await anna.share("a");
    await anna.app.close();
    const reinstalled = world.machine("anna's machine");
    anna = await (await reinstalled.start()).logIn("anna");
    expect(await ben.app.listFiles(LAB)).toEqual([]);
  });

  test("changes after that carry counters that the tracker takes", async () => {
    await anna.share("a");
    await anna.app.close();
    const reinstalled = world.machine("anna's machine");
    anna = await (await reinstalled.start()).logIn("anna");
    await anna.share("a");
    expect(await ben.app.listFiles(LAB)).toHaveLength(1);
  });

  test("logout stops sharing at once", async () => {
    await anna.share("a");
    await anna.app.logout();
    expect(anna.offered()).toEqual([]);
    expect((await ben.app.listFiles(LAB)).map(({ sources }) => sources)).toEqual([0]);
  });
});

test("what is being shared under one name is not stopped as unknown when another name of it has its answer", async () => {
  const { summary } = manifestOf("same", 10);
  const answers = new Map<string, PromiseWithResolvers<Told>>();
  const rows = ["one", "two"].map((name, at) => {
    const listing = { group: LAB, gid, ...summary, name: file(name), listingId: idOf(name) };
    return { ...listing, shared: true, counter: at + 1 };
  });
  const stopped: string[] = [];
  const keeper = new ShareKeeper({
    tracker: {
      ownShares: async () => rows,
      share: ({ name }: { name: string }) => {
        const answer = Promise.withResolvers<Told>();
        answers.set(name, answer);
        return answer.promise;
      },
      stop: async (_: unknown, listingId: string) => void stopped.push(listingId),
    },
    library: { shares: () => [], nextCounter: () => 1, learnCounter: () => {}, putShareSoon: () => {} },
    files: { difference: async () => undefined },
    engine: { offer: () => {}, withdraw: () => {} },
  } as unknown as ShareKeeperDependencies);
  const placed = { identity: { device: "1", inode: "1", size: 10, modifiedNs: "1" }, executable: false };
  const [one, two] = ["one", "two"].map((name) => {
    const about = { gid, group: LAB, name: file(name), listingId: idOf(name), path: `/data/${name}` };
    return keeper.addDownloaded({ ...about, file: summary, placed });
  });
  await settle();
  answers.get("one")?.resolve({ gid, listingId: idOf("one"), name: file("one"), counter: 1 });
  await one;
  await keeper.restore();
  expect(stopped).toEqual([]);
  answers.get("two")?.resolve({ gid, listingId: idOf("two"), name: file("two"), counter: 2 });
  await two;
});

function idOf(name: string): ListingId {
  return listingIdOf(manifestOf("same", 10).summary.fileId, file(name));
}
