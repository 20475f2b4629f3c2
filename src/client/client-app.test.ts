import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileName, Gid, GroupName, UserName } from "../base/ids.ts";
import {
  DOWNLOADS_AT_ONCE_MAX,
  FOLLOW_RETRY_MS,
  GRANT_LIFETIME_MS,
  PROGRESS_AFTER_MS,
  SOURCELESS_MS,
  TRACKER_WAIT_MS,
  WAIT_TOLD_MS,
} from "../base/limits.ts";
import { listingIdOf } from "../base/listing-id.ts";
import { type ClientWorld, type Machine, PORT_TAKEN, type RunningClient } from "../testing/client-world.ts";
import { failureOf } from "../testing/failure-of.ts";
import { closeLab, LAB, openLab, restart } from "../testing/lab.ts";
import { settle } from "../testing/manual-clock.ts";
import { ServiceWorld } from "../testing/service-clients.ts";
import { TestTracker } from "../testing/test-tracker.ts";
import { withSuffix } from "../tracker/core/name-table.ts";
import type { News, Notice } from "../wire/client-tracker.ts";
import type { Entry } from "../wire/entry.ts";

const file = (name: string) => name as FileName;
const user = (name: string) => name as UserName;

let world: ClientWorld;
let annasMachine: Machine;
let anna: RunningClient;
let ben: RunningClient;

beforeEach(async () => {
  ({ world, annasMachine, anna, ben } = await openLab());
});
afterEach(() => closeLab({ world, anna, ben }));

describe("logging in", () => {
  test("what needs a login says so", async () => {
    await anna.app.logout();
    const failures = [
      await failureOf(anna.app.logout()),
      await failureOf(anna.app.createGroup(LAB)),
      await failureOf(anna.app.listGroups()),
      await failureOf(anna.app.uploadFile("/x", LAB, undefined, () => {})),
      await failureOf(anna.app.downloadFile(LAB, file("x"), ".")),
      await failureOf(anna.app.changePassword("a", "b")),
    ];
    for (const { code, message } of failures) {
      expect(code).toBe("not-logged-in");
      expect(message).toBe(
        "log in first: login <user_id> <passwd>; without an account yet: create_user <user_id> <passwd>",
      );
    }
    expect(() => anna.app.showDownloads()).toThrow("log in first");
    expect(anna.app.whoAmI().user).toBeUndefined();
  });

  test("a second login is refused until the first has ended", async () => {
    expect((await failureOf(anna.app.login(user("ben"), "secret"))).code).toBe("already-logged-in");
    await anna.app.logout();
    await anna.logIn("ben");
    expect(anna.app.whoAmI().user).toBe(user("ben"));
  });

  test("of two that are under way at once the second is refused", async () => {
    await anna.app.logout();
    const release = world.hold("login");
    const logins = [anna.app.login(user("anna"), "secret"), anna.app.login(user("ben"), "secret")];
    const second = failureOf(logins[1] ?? Promise.resolve());
    await settle();
    release();
    await logins[0];
    expect((await second).code).toBe("already-logged-in");
    expect(anna.app.whoAmI().user).toBe(user("anna"));
  });

  test("what happened meanwhile is told", async () => {
    await anna.app.logout();
    const carl = await (await world.machine("carl's machine").start()).signUp("carl");
    await carl.app.joinGroup(LAB);
    anna.events.length = 0;
    await anna.logIn("anna");
    expect(anna.kinds()).toContain("join-request");
    await carl.app.close();
  });

  test("a session that the tracker ends is ended here: nothing is offered any more", async () => {
    await ben.share("notes");
    const second = await (await world.machine("ben's laptop").start()).logIn("ben");
    await second.app.changePassword("secret", "better");
    await settle();
    expect(ben.kinds()).toContain("session-ended");
    expect(ben.offered()).toEqual([]);
    expect((await failureOf(ben.app.listGroups())).code).toBe("not-logged-in");
    await second.app.close();
  });
});

describe("lists", () => {
  test("come whole, however many pages they have", async () => {
    for (let each = 0; each < 501; each++) await anna.app.createGroup(`g${each}` as GroupName);
    const groups = await ben.app.listGroups();
    expect(groups).toHaveLength(502);
    expect(new Set(groups.map(({ name }) => name)).size).toBe(502);
  });
});

describe("downloading one content under two names", () => {
  beforeEach(async () => {
    await anna.share("film", "lab", "same");
    await anna.share("copy", "lab", "same");
  });
  const states = () => ben.app.showDownloads().map(({ name, state }) => [name as string, state as string]);

  test("the second waits until the first is there, then comes to its own place", async () => {
    await ben.download("film");
    await ben.download("copy");
    await settle();
    expect(ben.engine.downloads.length).toBe(1);
    expect(ben.app.showDownloads()[1]?.waits).toEqual({ kind: "queued" });
    await ben.completeDownload();
    await settle();
    expect(ben.engine.downloads.map(({ order }) => order.path)).toEqual(["/in/film", "/in/copy"]);
    await ben.completeDownload(1);
    await settle();
    expect(states().map(([, state]) => state)).toEqual(["complete", "complete"]);
    expect(ben.app.showShares().map(({ path }) => path)).toEqual(["/in/film", "/in/copy"]);
    expect((await anna.app.listFiles(LAB)).map(({ sources }) => sources)).toEqual([2, 2]);
  });

  test("one that is paused makes way, and goes on when the other is there", async () => {
    await ben.download("film");
    await ben.app.pauseDownload(LAB, file("film"));
    await ben.download("copy");
    await settle();
    await settle();
    expect(ben.engine.downloads.map(({ order }) => order.path)).toEqual(["/in/film", "/in/copy"]);
    await ben.app.resumeDownload(LAB, file("film"));
    await settle();
    expect(ben.engine.downloads.length).toBe(2);
    await ben.completeDownload(1);
    await settle();
    expect(ben.engine.downloads[2]?.order.path).toBe("/in/film");
  });

  /** Small, and at the transfer both. */
  async function twoSmall(): Promise<void> {
    for (const name of ["note", "twin"]) {
      annasMachine.disk.write(`/data/${name}`, "small", 100);
      await anna.app.uploadFile(`/data/${name}`, LAB, undefined, () => {});
      await ben.download(name);
    }
    await settle();
    expect(ben.engine.downloads.map(({ order }) => order.path)).toEqual(["/in/note", "/in/twin"]);
  }

  test("small ones do not wait in line for each other", async () => {
    await twoSmall();
    await ben.completeDownload(1);
    await ben.completeDownload(0);
    await settle();
    expect(states().map(([, state]) => state)).toEqual(["complete", "complete"]);
    expect(ben.app.showShares()).toHaveLength(2);
  });

  test("a small one that is paused leaves the transfer to the others, and comes back", async () => {
    await twoSmall();
    await ben.app.pauseDownload(LAB, file("note"));
    await settle();
    expect(ben.engine.downloads[0]?.said.slice(-2)).toEqual(["pause", "suspend"]);
    await ben.completeDownload(1);
    await ben.app.resumeDownload(LAB, file("note"));
    await settle();
    expect(ben.engine.downloads[2]?.order.path).toBe("/in/note");
  });

  test("each is cancelled by itself", async () => {
    await ben.download("film");
    await ben.download("copy");
    await ben.app.cancelDownload(LAB, file("film"));
    await settle();
    expect(states().map(([name]) => name)).toEqual(["copy"]);
    expect(ben.engine.downloads[1]?.order.path).toBe("/in/copy");
  });
});

describe("downloading", () => {
  beforeEach(() => anna.share("film"));

  test("starts with the sources that the tracker knows, and ends as a share", async () => {
    expect(await ben.download("film")).toEqual({ path: "/in/film" });
    await settle();
    const [download] = ben.engine.downloads;
    expect(download?.said).toEqual(["source anna"]);
    expect(ben.app.showDownloads()[0]).toMatchObject({
      group: LAB,
      name: file("film"),
      state: "downloading",
      waits: undefined,
    });
    let idle = false;
    void ben.app.whenIdle().then(() => {
      idle = true;
    });
    await ben.completeDownload();
    expect(idle).toBe(true);
    expect(ben.kinds()).toContain("download-complete");
    expect(ben.app.showDownloads()[0]).toMatchObject({ state: "complete", doneBytes: 1_000_000 });
    expect(ben.app.showShares()).toHaveLength(1);
    expect((await anna.app.listFiles(LAB)).map(({ sources }) => sources)).toEqual([2]);
    expect(world.called("unfollow")).toHaveLength(1);
  });

  test("after a restart the downloaded file is shared without hashing", async () => {
    await ben.download("film");
    await ben.completeDownload();
    ben = await (await restart(ben)).logIn("ben");
    expect(ben.offered()).toEqual(["/in/film"]);
    expect(ben.machine.disk.hashed).toEqual([]);
    expect(ben.app.showDownloads()).toEqual([]);
  });

  test("without anybody online it waits, says so, and starts by itself", async () => {
    await anna.app.logout();
    await ben.download("film");
    await settle();
    const waits = ben.app.showDownloads()[0]?.waits;
    expect(waits?.kind).toBe("no-source");
    expect(waits?.kind === "no-source" && waits.lastSeenMs).toBe(world.tracker.clock.nowMs());
    await world.pass(WAIT_TOLD_MS + 2_000);
    expect(ben.kinds().filter((kind) => kind === "download-waits")).toHaveLength(1);
    await anna.logIn("anna");
    await settle();
    expect(ben.engine.downloads[0]?.said).toEqual(["source anna"]);
    expect(ben.app.showDownloads()[0]?.waits).toBeUndefined();
  });

  describe("once it runs", () => {
    /** What people were told of its waiting: `goes on` where it does. */
    const told = () =>
      ben.events.flatMap((event) =>
        event.kind === "download-waits" ? [event.view.waits?.kind ?? "goes on"] : [],
      );
    const begin = async () => {
      await ben.download("film");
      await settle();
      const [download] = ben.engine.downloads;
      const [source] = [...(download?.sources.values() ?? [])].map((each) => each.source);
      if (download === undefined || source === undefined) throw new Error("no source");
      return { download, source };
    };

    test("that it goes on is told once, after it was told that it waits", async () => {
      const { download, source } = await begin();
      await world.pass(5_000);
      expect(told()).toEqual([]);
      download.show(source, "unreachable", "connection refused");
      await world.pass(SOURCELESS_MS + WAIT_TOLD_MS + FOLLOW_RETRY_MS);
      expect(told()).toEqual(["unreachable"]);
      download.show(source, "connected");
      await world.pass(5_000);
      expect(told()).toEqual(["unreachable", "goes on"]);
    });

    test("that it is verified is told when that takes long", async () => {
      const { download } = await begin();
      download.enter({ kind: "finishing" });
      await world.pass(PROGRESS_AFTER_MS - 1);
      expect(told()).toEqual([]);
      await world.pass(1);
      expect(told()).toEqual(["verifying"]);
      await world.pass(5_000);
      expect(told()).toEqual(["verifying"]);
    });
  });

  test("a second request is refused while the first is unfinished, not after it", async () => {
    await ben.download("film");
    expect((await failureOf(ben.download("film"))).code).toBe("download-exists");
    await ben.app.pauseDownload(LAB, file("film"));
    expect((await failureOf(ben.download("film"))).code).toBe("download-exists");
    await ben.app.resumeDownload(LAB, file("film"));
    await ben.completeDownload();
    await ben.app.downloadFile(LAB, file("film"), "/elsewhere");
    expect(ben.app.showDownloads()).toHaveLength(1);
    expect(ben.app.showDownloads()[0]).toMatchObject({ state: "downloading", path: "/elsewhere" });
  });

  test("two files cannot have one destination", async () => {
    await anna.share("other");
    await ben.app.downloadFile(LAB, file("film"), "/in/x");
    const failure = await failureOf(ben.app.downloadFile(LAB, file("other"), "/in/x"));
    expect(failure.code).toBe("download-exists");
    expect(failure.message).toContain("/in/x");
  });

  test("a destination that holds something else is refused, and leaves no trace", async () => {
    ben.machine.disk.write("/in/film", "something else");
    ben.engine.whenAsked = (download) => download.fail(new Failure("file-exists", "/in/film exists"));
    expect((await failureOf(ben.download("film"))).code).toBe("file-exists");
    expect(ben.app.showDownloads()).toEqual([]);
    expect(ben.kinds()).not.toContain("download-failed");
    ben = await (await restart(ben)).logIn("ben");
    expect(ben.app.showDownloads()).toEqual([]);
  });

  test("a destination that holds the content completes at once, and is shared", async () => {
    ben.machine.disk.write("/in/film", "content of film");
    ben.engine.whenAsked = (download) => download.complete();
    await ben.download("film");
    await settle();
    await settle();
    expect(ben.app.showDownloads()[0]?.state).toBe("complete");
    expect((await anna.app.listFiles(LAB)).map(({ sources }) => sources)).toEqual([2]);
  });

  test("a failure is shown with its reason, and may be tried again", async () => {
    await ben.download("film");
    ben.engine.downloads[0]?.fail(new Failure("disk-error", "the disk is broken"));
    await settle();
    expect(ben.kinds()).toContain("download-failed");
    expect(ben.app.showDownloads()[0]?.failure?.message).toBe("the disk is broken");
    await ben.app.whenIdle();
    await ben.app.resumeDownload(LAB, file("film"));
    await settle();
    expect(ben.app.showDownloads()[0]?.state).toBe("downloading");
    expect(ben.engine.downloads).toHaveLength(2);
  });

  test("paused it does not run, resumed it has its sources again", async () => {
    await ben.download("film");
    await settle();
    await ben.app.pauseDownload(LAB, file("film"));
    await ben.app.whenIdle();
    expect(ben.app.showDownloads()[0]?.state).toBe("paused");
    await ben.app.resumeDownload(LAB, file("film"));
    await settle();
    expect(ben.engine.downloads[0]?.said).toEqual(["source anna", "pause", "resume", "source anna"]);
    expect(world.called("follow")).toHaveLength(2);
  });

  test("what is so already is not made so again", async () => {
    await ben.download("film");
    const running = await failureOf(ben.app.resumeDownload(LAB, file("film")));
    expect(running.message).toBe("the download of film in lab is running already: /in/film");
    await ben.app.pauseDownload(LAB, file("film"));
    const paused = await failureOf(ben.app.pauseDownload(LAB, file("film")));
    expect(paused.message).toBe("the download of film in lab is paused already: /in/film");
  });

  test("who is not there any more is asked about, at a bounded rate, and not said to be out of reach", async () => {
    await ben.download("film");
    await settle();
    const [download] = ben.engine.downloads;
    const [source] = [...(download?.sources.values() ?? [])].map((each) => each.source);
    if (download === undefined || source === undefined) throw new Error("no source");
    await world.pass(2_000);
    await anna.app.logout();
    download.show(source, "unreachable", "connection refused");
    expect(ben.app.showDownloads()[0]?.waits).toBeUndefined();
    await world.pass(4_000);
    expect(ben.app.showDownloads()[0]?.waits?.kind).toBe("no-source");
    await world.pass(30_000);
    expect(world.called("follow").length).toBeWithin(6, 10);
    expect(download.said).toEqual(["source anna"]);
  });

  test("who is there and cannot be reached is named, without being dialled on the tracker's every word", async () => {
    ben.engine.whenAsked = (download) => {
      download.addSource = (source) => {
        download.said.push("source");
        download.show(source, "unreachable", "connection refused");
      };
      download.enter({ kind: "fetching" });
    };
    await ben.download("film");
    await world.pass(20_000);
    expect(ben.app.showDownloads()[0]?.waits).toMatchObject({ kind: "unreachable" });
    expect(world.called("follow").length).toBeGreaterThan(2);
    expect(ben.engine.downloads[0]?.said).toEqual(["source"]);
  });

  test("cancelled it is gone, also after a restart", async () => {
    await ben.download("film");
    await ben.app.cancelDownload(LAB, file("film"));
    expect(ben.engine.downloads[0]?.said).toContain("cancel");
    expect(ben.app.showDownloads()).toEqual([]);
    expect((await failureOf(ben.app.cancelDownload(LAB, file("film")))).code).toBe("no-download");
    ben = await (await restart(ben)).logIn("ben");
    expect(ben.app.showDownloads()).toEqual([]);
  });

  test("cancelled in a later run, what the earlier left is removed too", async () => {
    await ben.download("film");
    await ben.app.pauseDownload(LAB, file("film"));
    ben = await (await restart(ben)).logIn("ben");
    expect(ben.engine.downloads).toEqual([]);
    await ben.app.cancelDownload(LAB, file("film"));
    expect(ben.engine.discarded.map((path) => path.endsWith("film"))).toEqual([true]);
  });

  test("logout suspends, login goes on; paused stays paused", async () => {
    await anna.share("other");
    await ben.download("film");
    await ben.download("other");
    await ben.app.pauseDownload(LAB, file("other"));
    await ben.app.logout();
    expect(ben.engine.downloads.every(({ said }) => said.includes("suspend"))).toBe(true);
    await ben.logIn("ben");
    await settle();
    expect(ben.app.showDownloads().map(({ name, state }) => [name, state])).toEqual([
      [file("film"), "downloading"],
      [file("other"), "paused"],
    ]);
    const last = ben.engine.downloads.at(-1);
    expect(last?.order).toMatchObject(ben.engine.downloads[0]?.order ?? {});
    expect(last?.said).toEqual(["source anna"]);
  });

  test("more than can run wait in line, and one without sources makes room", async () => {
    for (let each = 0; each <= DOWNLOADS_AT_ONCE_MAX; each++) await anna.share(`f${each}`);
    for (let each = 0; each <= DOWNLOADS_AT_ONCE_MAX; each++) await ben.download(`f${each}`);
    await settle();
    expect(ben.engine.downloads).toHaveLength(DOWNLOADS_AT_ONCE_MAX);
    expect(ben.app.showDownloads().at(-1)?.waits).toEqual({ kind: "queued" });
    const [first] = ben.engine.downloads;
    for (const { source } of [...(first?.sources.values() ?? [])]) first?.show(source, "gone");
    await world.pass(10_000);
    expect(ben.engine.downloads).toHaveLength(DOWNLOADS_AT_ONCE_MAX + 1);
    expect(ben.app.showDownloads().at(-1)?.waits).toBeUndefined();
  });

  test("all are paused, resumed and cancelled together, and none in line begins in between", async () => {
    const amount = DOWNLOADS_AT_ONCE_MAX + 5;
    for (let each = 0; each < amount; each++) await anna.share(`runs${each}.h5`);
    for (let each = 0; each < amount; each++) await ben.download(`runs${each}.h5`);
    await settle();
    const states = () => new Set(ben.app.showDownloads().map(({ state }) => state));
    expect((await ben.app.pauseDownloads(LAB, ["*.h5"])).done).toHaveLength(amount);
    expect([...states()]).toEqual(["paused"]);
    expect(ben.engine.downloads).toHaveLength(DOWNLOADS_AT_ONCE_MAX);
    const { code, message } = await failureOf(ben.app.pauseDownloads(LAB, ["*.h5"]));
    expect([code, message]).toEqual([
      "no-download",
      "no download in lab to pause is meant by *.h5; show_downloads shows all there are",
    ]);
    expect((await ben.app.resumeDownloads(LAB, ["*.h5"])).done).toHaveLength(amount);
    expect([...states()]).toEqual(["downloading"]);
    expect((await ben.app.cancelDownloads(LAB, ["*.h5"])).done).toHaveLength(amount);
    expect(ben.app.showDownloads()).toEqual([]);
  });

  test("what is there already need not wait in line, and what is in the way is said at once", async () => {
    for (let each = 0; each < DOWNLOADS_AT_ONCE_MAX; each++) {
      await anna.share(`f${each}`);
      await ben.download(`f${each}`);
    }
    ben.machine.disk.write("/in/film", "something else");
    ben.engine.whenAsked = (download) => download.fail(new Failure("file-exists", "/in/film exists"));
    expect((await failureOf(ben.download("film"))).code).toBe("file-exists");
    ben.engine.whenAsked = (download) => download.complete();
    await ben.download("film");
    expect(ben.app.showDownloads().at(-1)?.state).toBe("complete");
  });

  test("a machine is no source for itself", async () => {
    await ben.download("film");
    await settle();
    const [download] = ben.engine.downloads;
    const [source] = [...(download?.sources.values() ?? [])].map((each) => each.source);
    if (download === undefined || source === undefined) throw new Error("no source");
    const { gid, manifest } = download.order;
    const { fileId } = manifest.summary;
    for (const link of world.links) {
      const itself = { ...source, fingerprint: ben.machine.fingerprint };
      link.handler.notice({ kind: "source", gid, fileId, source: itself });
      link.handler.notice({ kind: "source", gid, fileId, source });
    }
    expect(download.said).toEqual(["source anna", "source anna"]);
  });

  test("how far an unfinished one was is shown before the transfer has looked", async () => {
    await ben.download("film");
    const [download] = ben.engine.downloads;
    if (download === undefined) throw new Error("no download");
    download.doneBytes = 400_000;
    ben = await restart(ben);
    const start = ben.logIn("ben");
    ben.engine.whenAsked = () => {};
    await start;
    expect(ben.app.showDownloads()[0]).toMatchObject({ doneBytes: 400_000, waits: { kind: "verifying" } });
  });

  test("a file that is not there is not downloaded", async () => {
    expect((await failureOf(ben.download("nothing"))).code).toBe("unknown-file");
    expect((await failureOf(ben.app.pauseDownload(LAB, file("nothing")))).code).toBe("no-download");
  });
});

describe("no longer a member", () => {
  test("the removed one shares nothing there any more, and its downloads rest", async () => {
    await anna.share("film");
    await ben.share("notes");
    await ben.download("film");
    await anna.app.removeMember(LAB, user("ben"));
    await settle();
    await settle();
    expect(ben.offered()).toEqual([]);
    expect(ben.app.showShares()).toEqual([]);
    expect(ben.engine.downloads[0]?.said).toContain("suspend");
    expect(ben.app.showDownloads()[0]).toMatchObject({ state: "paused", waits: undefined });
    expect(ben.app.showDownloads()[0]?.failure?.message).toBe("you are no longer a member of group lab");
    expect(ben.kinds()).toContain("removed");
    expect(ben.kinds().filter((kind) => kind === "download-paused")).toHaveLength(1);
    expect(ben.kinds()).not.toContain("download-waits");
    await ben.app.whenIdle();
  });

  test("how far a download was stays known, also after a restart", async () => {
    await anna.share("film");
    await ben.download("film");
    const [download] = ben.engine.downloads;
    if (download === undefined) throw new Error("no download");
    download.doneBytes = 390_000;
    await anna.app.removeMember(LAB, user("ben"));
    await settle();
    expect(ben.app.showDownloads()[0]?.doneBytes).toBe(390_000);
    ben = await (await restart(ben)).logIn("ben");
    expect(ben.app.showDownloads()[0]).toMatchObject({ state: "paused", doneBytes: 390_000 });
    expect(ben.app.showDownloads()[0]?.failure?.message).toBe("you are no longer a member of group lab");
  });

  test("resuming a download there is refused with what to do, until accepted again", async () => {
    await anna.share("film");
    await ben.download("film");
    await anna.app.removeMember(LAB, user("ben"));
    await settle();
    const refused = await failureOf(ben.app.resumeDownload(LAB, file("film")));
    expect(refused.code).toBe("not-member");
    expect(refused.message).toContain("join_group lab");
    expect(ben.app.showDownloads()[0]?.state).toBe("paused");
    await ben.app.joinGroup(LAB);
    await anna.app.acceptRequest(LAB, user("ben"));
    await ben.app.resumeDownload(LAB, file("film"));
    expect(ben.app.showDownloads()[0]?.state).toBe("downloading");
  });

  test("downloads of a group that is deleted have failed, told once", async () => {
    await anna.share("film");
    await anna.share("paused");
    await ben.download("film");
    await ben.download("paused");
    await ben.app.pauseDownload(LAB, file("paused"));
    await anna.app.deleteGroup(LAB);
    await settle();
    await settle();
    const shown = ben.app.showDownloads().map(({ state, failure }) => [state, failure?.message]);
    expect(shown).toEqual([
      ["failed", "the group was deleted"],
      ["failed", "the group was deleted"],
    ]);
    expect(ben.kinds().filter((kind) => kind.startsWith("download-"))).toEqual([
      "download-failed",
      "download-failed",
    ]);
    expect((await failureOf(ben.app.resumeDownload(LAB, file("film")))).code).toBe("unknown-group");
    await anna.app.listGroups();
  });

  test("also those of the owner who deletes it", async () => {
    await ben.share("film");
    await anna.download("film");
    await anna.app.deleteGroup(LAB);
    await settle();
    expect(anna.app.showDownloads()[0]?.failure?.message).toBe("the group was deleted");
  });

  test("everybody else in the group cuts the removed one off", async () => {
    await anna.app.removeMember(LAB, user("ben"));
    await settle();
    expect(anna.engine.revoked).toHaveLength(1);
    expect(anna.engine.withdrawnGroups).toEqual([]);
    expect(ben.engine.withdrawnGroups).toHaveLength(1);
  });

  test("and serves it again when it is accepted again", async () => {
    await anna.app.removeMember(LAB, user("ben"));
    await ben.app.joinGroup(LAB);
    await anna.app.acceptRequest(LAB, user("ben"));
    await settle();
    expect(anna.engine.revoked).toEqual([]);
  });

  test("a deleted group is served to nobody any more, before anything else ends", async () => {
    await anna.app.deleteGroup(LAB);
    await settle();
    for (const { engine } of [anna, ben]) expect(engine.withdrawnGroups).toHaveLength(1);
  });

  test("a member who has changed the password stays one: others cut its other machines alone", async () => {
    await ben.share("notes");
    await ben.app.changePassword("secret", "fresh");
    await settle();
    const but = expect.stringContaining(` but ${ben.machine.fingerprint}`);
    expect([anna.engine.revoked, ben.engine.revoked]).toEqual([[but], [but]]);
    expect(ben.offered()).toEqual(["/data/notes"]);
    expect(ben.app.showShares()).toHaveLength(1);
  });

  test("accepted again, nothing is shared by itself", async () => {
    await ben.share("notes");
    await anna.app.removeMember(LAB, user("ben"));
    await settle();
    await ben.app.joinGroup(LAB);
    await anna.app.acceptRequest(LAB, user("ben"));
    await settle();
    await ben.app.logout();
    await ben.logIn("ben");
    expect(ben.offered()).toEqual([]);
    expect(await anna.app.listFiles(LAB)).toEqual([]);
  });

  test("removed while offline, the shares there end at the next login", async () => {
    await ben.share("notes");
    await ben.app.logout();
    await anna.app.removeMember(LAB, user("ben"));
    await ben.logIn("ben");
    expect(ben.offered()).toEqual([]);
    expect(ben.app.showShares()).toEqual([]);
  });

  test("a pattern that means no file of the group is refused, and says where they are listed", async () => {
    await anna.share("notes");
    expect(await failureOf(ben.app.downloadMatching(LAB, "*.mp4", "/in/"))).toMatchObject({
      code: "unknown-file",
      message: "no file in lab is meant by *.mp4; list_files lab shows all there are",
    });
  });

  test("who leaves is told why the downloads of the group rest", async () => {
    await anna.share("notes");
    await ben.download("notes");
    await ben.app.leaveGroup(LAB);
    const failure = { code: "not-member", message: "you have left group lab" };
    expect(ben.app.showDownloads()).toMatchObject([{ state: "paused", failure }]);
  });

  test("who wanted to leave and could not is removed like anybody else", async () => {
    await anna.share("notes");
    await ben.download("notes");
    await anna.app.transferOwner(LAB, user("ben"));
    expect((await failureOf(ben.app.leaveGroup(LAB))).code).toBe("owner-cannot-leave");
    await ben.app.transferOwner(LAB, user("anna"));
    await anna.app.removeMember(LAB, user("ben"));
    await settle();
    expect(ben.app.showDownloads()[0]?.failure?.message).toBe("you are no longer a member of group lab");
  });

  test("who leaves shares nothing there any more", async () => {
    await ben.share("notes");
    await ben.app.leaveGroup(LAB);
    expect(ben.offered()).toEqual([]);
    expect(ben.app.showShares()).toEqual([]);
  });
});

describe("trackers that come and go", () => {
  test("without any, a command fails soon and says what to do; the client itself starts", async () => {
    world.down.add(0).add(1);
    const late = await world.machine("late").start();
    const { outcome, tookMs } = await world.during(late.app.createUser(user("carl"), "secret"), 10_000);
    expect(outcome).toBeInstanceOf(Failure);
    const { code, message } = outcome as unknown as Failure;
    expect(code).toBe("tracker-unreachable");
    expect(message).toContain("127.0.0.1:8001 (connection refused), 127.0.0.1:8002 (connection refused)");
    expect(message).toContain("p2p tracker tracker_info.txt 1");
    expect(tookMs).toBeWithin(2_000, 5_001);
    expect(late.events).toEqual([
      {
        kind: "tracker-lost",
        tried: "127.0.0.1:8001 (connection refused), 127.0.0.1:8002 (connection refused)",
      },
    ]);
    world.down.clear();
    await world.during(late.app.createUser(user("carl"), "secret"), 5_000);
    expect(late.kinds()).toEqual(["tracker-lost", "tracker-changed"]);
    await late.app.close();
  });

  test("when one dies the client goes on with another, logged in as before", async () => {
    expect(anna.app.whoAmI().tracker).toBe("127.0.0.1:8001");
    world.kill(0);
    const { outcome, tookMs } = await world.during(anna.app.listGroups(), 5_000);
    expect(outcome).toHaveLength(1);
    expect(tookMs).toBeLessThan(2_000);
    expect(anna.app.whoAmI()).toMatchObject({ tracker: "127.0.0.1:8002", user: "anna" });
    expect(
      world.called("login").filter(({ params }) => JSON.stringify(params).includes("anna")),
    ).toHaveLength(1);
    expect(anna.kinds()).toContain("tracker-changed");
  });

  test("one that hangs counts as dead", async () => {
    world.silent.add(0);
    const { outcome, tookMs } = await world.during(anna.app.listGroups(), 10_000);
    expect(outcome).toHaveLength(1);
    expect(tookMs).toBeLessThan(2_000);
    expect(anna.app.whoAmI().tracker).toBe("127.0.0.1:8002");
  });

  test("what is shared and downloaded goes on when it hangs, and is followed at the next one", async () => {
    await anna.share("film");
    await ben.share("notes");
    await ben.download("film");
    await settle();
    world.silent.add(0);
    const { tookMs } = await world.during(ben.app.listGroups(), 10_000);
    expect(tookMs).toBeLessThan(2_000);
    await settle();
    expect(world.called("follow").map(({ door }) => door)).toEqual([0, 1]);
    expect(ben.engine.downloads[0]?.said).toEqual(["source anna", "source anna"]);
    expect(ben.app.showDownloads()[0]?.state).toBe("downloading");
    expect(ben.offered()).toEqual(["/data/notes"]);
    expect(ben.kinds()).not.toContain("tracker-lost");
  });

  test("one that hangs is noticed even while nothing is asked", async () => {
    world.silent.add(0);
    await world.pass(8_000);
    expect(anna.app.whoAmI().tracker).toBe("127.0.0.1:8002");
  });

  test("a change whose answer was lost is repeated with the same id, and happens once", async () => {
    world.loseAnswerOf = "create_group";
    const studio = "studio" as GroupName;
    const { outcome } = await world.during(anna.app.createGroup(studio), 5_000);
    expect(outcome).toBeUndefined();
    const repeated = world.called("create_group").slice(1);
    expect(repeated).toHaveLength(2);
    expect(repeated[0]?.params).toEqual(repeated[1]?.params);
    expect(await anna.app.listGroups()).toHaveLength(2);
  });

  test("a login whose answer was lost is repeated", async () => {
    await anna.app.logout();
    world.loseAnswerOf = "login";
    const { outcome } = await world.during(anna.app.login(user("anna"), "secret"), 5_000);
    expect(outcome).toBeUndefined();
    expect(anna.app.whoAmI().user).toBe(user("anna"));
  });

  test("a running download learns of sources from the next tracker too", async () => {
    await anna.share("film");
    await ben.download("film");
    await settle();
    world.kill(0);
    await world.pass(2_000);
    expect(ben.engine.downloads[0]?.said).toEqual(["source anna", "source anna"]);
    expect(world.called("follow").map(({ door }) => door)).toEqual([0, 1]);
  });

  test("what ended while no tracker answered is told to the next one", async () => {
    await anna.share("film");
    world.kill(0);
    world.kill(1);
    const [offer] = anna.engine.offers.values();
    if (offer === undefined) throw new Error("nothing is offered");
    anna.engine.events.offerBroken(offer, new Failure("file-changed", "it was cut short"));
    await world.pass(6_000);
    expect(anna.offered()).toEqual([]);
    world.down.clear();
    await world.pass(3_000);
    expect(await ben.app.listFiles(LAB)).toEqual([]);
  });

  test("what was complete while no tracker answered is shared as soon as one does", async () => {
    await anna.share("film");
    await ben.download("film");
    world.kill(0);
    world.kill(1);
    await ben.completeDownload();
    expect(ben.kinds()).toContain("download-complete");
    await world.pass(6_000);
    world.down.clear();
    await world.pass(6_000);
    expect((await ben.app.listFiles(LAB)).map(({ sources }) => sources)).toEqual([2]);
  });

  test("an upload whose next tracker lacks the piece list puts it there too", async () => {
    const { store } = world.tracker;
    const total = store.blobTotal.bind(store);
    let lacking = true;
    store.blobTotal = (digest) => {
      const known = lacking ? undefined : total(digest);
      lacking = false;
      return known;
    };
    await anna.share("film");
    expect(world.called("share")).toHaveLength(2);
    expect(anna.offered()).toEqual(["/data/film"]);
  });

  test("logout works without a tracker", async () => {
    await anna.share("film");
    world.kill(0);
    world.kill(1);
    await anna.app.logout();
    expect(anna.offered()).toEqual([]);
    expect(anna.app.whoAmI().user).toBeUndefined();
  });
});

describe("grants", () => {
  test("are kept, renewed before they end, and forgotten with the session", async () => {
    await anna.share("film");
    const [offer] = anna.engine.offers.values();
    if (offer === undefined) throw new Error("nothing is offered");
    const { authority } = anna.engine;
    const first = await authority.grant(offer.gid);
    expect(first.expiresMs).toBe(world.tracker.clock.nowMs() + GRANT_LIFETIME_MS);
    expect(await authority.grant(offer.gid)).toBe(first);
    expect(authority.keys()).toHaveLength(1);
    await world.pass(GRANT_LIFETIME_MS - 60_000);
    expect((await authority.grant(offer.gid)).expiresMs).toBeGreaterThan(first.expiresMs);
    await anna.app.logout();
    expect((await failureOf(authority.grant(offer.gid))).code).toBe("not-logged-in");
  });

  test("end with the membership", async () => {
    await ben.share("notes");
    const [offer] = ben.engine.offers.values();
    if (offer === undefined) throw new Error("nothing is offered");
    const { authority } = ben.engine;
    await authority.grant(offer.gid);
    await anna.app.removeMember(LAB, user("ben"));
    await settle();
    expect((await failureOf(authority.grant(offer.gid))).code).toBe("not-member");
  });

  test("hold while no tracker answers, no longer than they say", async () => {
    await anna.share("film");
    const [offer] = anna.engine.offers.values();
    if (offer === undefined) throw new Error("nothing is offered");
    const { authority } = anna.engine;
    const first = await authority.grant(offer.gid);
    world.kill(0);
    world.kill(1);
    await world.pass(GRANT_LIFETIME_MS - 60_000);
    const held = await world.during(authority.grant(offer.gid), TRACKER_WAIT_MS + 1_000);
    expect(held.outcome).toEqual(first);
    await world.pass(60_000);
    const ended = await world.during(authority.grant(offer.gid), TRACKER_WAIT_MS + 1_000);
    expect(ended.outcome).toBeInstanceOf(Failure);
  });
});

describe("where it listens", () => {
  test("at a free port if the one asked for is taken, with a word about it", async () => {
    const carl = await world.machine("carl").start({ listen: { host: "127.0.0.1", port: PORT_TAKEN } });
    expect(carl.app.listening.port).toBe(49_152);
    expect(carl.kinds()).toEqual(["warning"]);
    await carl.app.close();
  });
});

describe("what still runs at a log-out", () => {
  test("an upload does not go on in the name of the next user", async () => {
    annasMachine.disk.write("/data/secret", "secret");
    const release = world.hold("find_file");
    const upload = failureOf(anna.app.uploadFile("/data/secret", LAB, undefined, () => {}));
    await settle();
    await anna.app.logout();
    await ben.app.logout();
    await anna.logIn("ben");
    release();
    expect((await upload).code).toBe("not-logged-in");
    expect(await anna.app.listFiles(LAB)).toEqual([]);
    expect(anna.offered()).toEqual([]);
  });

  test("shares on their way back end with it, unharmed and without a word", async () => {
    await anna.share("a");
    await anna.app.logout();
    const release = world.hold("own_shares");
    const login = anna.app.login(user("anna"), "secret");
    await settle();
    await anna.app.logout();
    release();
    await login;
    await settle();
    expect(anna.offered()).toEqual([]);
    await anna.logIn("anna");
    expect(anna.offered()).toEqual(["/data/a"]);
    expect(anna.kinds()).not.toContain("warning");
  });
});

describe("how many trackers have what is changed", () => {
  const notice = (notice: Notice) => {
    for (const link of world.links) link.handler.notice(notice);
  };
  const told = () => anna.kinds().filter((kind) => kind === "alone" || kind === "together");

  test("is told when it is one only, once until another has it again", () => {
    notice({ kind: "together" });
    expect(told()).toEqual([]);
    notice({ kind: "alone", of: 3 });
    notice({ kind: "alone", of: 3 });
    expect(anna.events.at(-1)).toEqual({ kind: "alone", others: 2 });
    notice({ kind: "together" });
    expect(told()).toEqual(["alone", "together"]);
  });

  test("is not told again by the next tracker, where it is the same", async () => {
    notice({ kind: "alone", of: 2 });
    world.kill(0);
    await world.pass(2_000);
    notice({ kind: "alone", of: 2 });
    expect(told()).toEqual(["alone"]);
  });
});

describe("something is called otherwise", () => {
  const SUFFIXED = "lab~abcde" as GroupName;

  /** What a tracker tells after it has met another; this world's tracker itself still knows the bare names. */
  async function hear(client: RunningClient, news: News): Promise<void> {
    for (const link of world.links)
      if (link.fingerprint === client.machine.fingerprint) link.handler.notice({ kind: "news", news });
    await settle();
  }
  async function labRenamed(client: RunningClient): Promise<void> {
    await hear(client, { kind: "group-renamed", gid: gidOfLab(), from: LAB, group: SUFFIXED });
  }
  function gidOfLab(): Gid {
    const [offer] = anna.engine.offers.values();
    if (offer === undefined) throw new Error("nothing is offered");
    return offer.gid;
  }

  test("an account: the client goes on under the new name, which the news shows already", async () => {
    let shown: string | undefined;
    anna.app.subscribe(() => {
      shown = anna.app.whoAmI().user;
    });
    await hear(anna, { kind: "user-renamed", from: user("anna"), name: user("anna~abcde") });
    expect(anna.app.whoAmI().user).toBe(user("anna~abcde"));
    expect(shown).toBe("anna~abcde");
    await anna.app.listGroups();
  });

  test("an account, unheard: the next tracker says so, and the user is told", async () => {
    await hear(anna, { kind: "user-renamed", from: user("anna"), name: user("anna~abcde") });
    world.kill(0);
    await world.pass(2_000);
    expect(anna.app.whoAmI().user).toBe(user("anna"));
    expect(anna.events).toContainEqual({ kind: "warning", message: "your account is now called anna" });
  });

  test("a group: shares and downloads follow, and are meant by the new name", async () => {
    await anna.share("film");
    await ben.share("notes");
    await ben.download("film");
    await settle();
    await labRenamed(ben);
    expect(ben.app.showShares().map(({ group }) => group)).toEqual([SUFFIXED]);
    expect(ben.app.showDownloads().map(({ group }) => group)).toEqual([SUFFIXED]);
    await ben.app.pauseDownload(SUFFIXED, file("film"));
    await ben.app.resumeDownload(SUFFIXED, file("film"));
    await ben.app.stopShare(SUFFIXED, file("notes"));
    expect(ben.app.showShares()).toEqual([]);
    expect((await anna.app.listFiles(LAB)).map(({ name }) => name)).toEqual([file("film")]);
  });

  test("a group: what ends there by its id ends, and nothing of another group of that name", async () => {
    await anna.share("film");
    await ben.share("notes");
    await labRenamed(ben);
    await hear(ben, { kind: "removed", group: LAB, gid: "0".repeat(32) as Gid });
    expect(ben.offered()).toEqual(["/data/notes"]);
    await hear(ben, { kind: "removed", group: SUFFIXED, gid: gidOfLab() });
    expect(ben.offered()).toEqual([]);
  });

  test("a group, unheard: a download learns it from the tracker that it asks for sources", async () => {
    await anna.share("film");
    await ben.download("film");
    await labRenamed(ben);
    world.kill(0);
    await world.pass(2_000);
    expect(ben.app.showDownloads().map(({ group }) => group)).toEqual([LAB]);
  });

  test("a group and a file, unheard: shares learn it at the next login", async () => {
    await anna.share("film");
    const [offer] = anna.engine.offers.values();
    if (offer === undefined) throw new Error("nothing is offered");
    const { gid } = offer;
    const listingId = listingIdOf(offer.file.fileId, file("film"));
    const name = file("film~abcde");
    await hear(anna, { kind: "file-renamed", gid, listingId, group: SUFFIXED, from: file("film"), name });
    anna = await restart(anna);
    world.hold("own_shares");
    const login = anna.app.login(user("anna"), "secret");
    await settle();
    expect(anna.app.showShares()).toMatchObject([{ group: SUFFIXED, name }]);
    world.held.get("own_shares")?.resolve();
    await login;
    expect(anna.app.showShares()).toMatchObject([{ group: LAB, name: file("film") }]);
    expect(anna.offered()).toEqual(["/data/film"]);
  });

  test("a file: its share is meant by the new name", async () => {
    await anna.share("film");
    const [offer] = anna.engine.offers.values();
    const fileId = offer?.file.fileId;
    if (fileId === undefined) throw new Error("nothing is offered");
    const listingId = listingIdOf(fileId, file("film"));
    const name = file("film~abcde");
    await hear(anna, {
      kind: "file-renamed",
      gid: gidOfLab(),
      listingId,
      group: LAB,
      from: file("film"),
      name,
    });
    expect((await failureOf(anna.app.stopShare(LAB, file("film")))).code).toBe("not-shared");
    await anna.app.stopShare(LAB, name);
    expect(anna.offered()).toEqual([]);
  });

  test("one name of a content: the share and the download of its other name keep theirs", async () => {
    for (const each of ["film", "copy"]) await anna.share(each, "lab", "same");
    for (const each of ["film", "copy"]) await ben.download(each);
    const [offer] = anna.engine.offers.values();
    if (offer === undefined) throw new Error("nothing is offered");
    const listingId = listingIdOf(offer.file.fileId, file("copy"));
    const renamed = { from: file("copy"), name: file("copy~abcde") };
    for (const client of [anna, ben])
      await hear(client, { kind: "file-renamed", gid: gidOfLab(), listingId, group: LAB, ...renamed });
    const names = [file("film"), file("copy~abcde")];
    expect(anna.app.showShares().map(({ name }) => name)).toEqual(names);
    expect(ben.app.showDownloads().map(({ name }) => name)).toEqual(names);
  });
});

describe("the next tracker is not in step", () => {
  /** Puts a tracker behind the second door that has heard of these entries, and ends the first. */
  async function goOver(entries: Iterable<Entry>): Promise<ServiceWorld> {
    const other = new ServiceWorld(2);
    other.store.append([...entries]);
    other.restart();
    world.others.set(1, other);
    world.kill(0);
    await world.pass(2_000);
    expect(ben.app.whoAmI().tracker).toBe("127.0.0.1:8002");
    return other;
  }
  const known = () => [...world.tracker.store.replay()];

  test("one that has not heard of the group ends neither shares nor downloads there", async () => {
    await anna.share("film");
    await ben.share("notes");
    await ben.download("film");
    await settle();
    const entries = known();
    const isAccount = ({ body }: Entry) => body.kind === "account-created";
    const other = await goOver(entries.filter(isAccount));
    await world.pass(10_000);
    expect(ben.offered()).toEqual(["/data/notes"]);
    expect(ben.app.showShares()).toHaveLength(1);
    expect(ben.app.showDownloads()[0]?.state).toBe("downloading");
    expect(ben.kinds()).not.toContain("warning");

    other.store.append(entries.filter((entry) => !isAccount(entry)));
    other.restart();
    for (const link of [...world.links]) link.close();
    await world.pass(10_000);
    expect(ben.app.showDownloads()[0]?.state).toBe("downloading");
    expect(ben.engine.downloads[0]?.said.at(-1)).toBe("source anna");
    expect((await ben.app.listFiles(LAB)).map(({ sources }) => sources)).toEqual([1, 1]);
  });

  test("one that has not heard of a share is told of it", async () => {
    const entries = known();
    await ben.share("notes");
    await goOver(entries);
    expect((await anna.app.listFiles(LAB)).map(({ name, sources }) => [name, sources])).toEqual([
      [file("notes"), 1],
    ]);
  });

  test("one that knows earlier claims to the names says what is called how, and the user is told", async () => {
    await ben.share("notes");
    const [offer] = ben.engine.offers.values();
    if (offer === undefined) throw new Error("nothing is offered");
    const earlier = new TestTracker(3);
    const owner = earlier.createUser("ben");
    earlier.createGroup(owner, "lab");
    await goOver([...known(), ...earlier.log]);
    const name = ben.app.whoAmI().user ?? "";
    expect(name).toMatch(/^ben~[a-z2-7]{5}$/);
    const suffixed = withSuffix(LAB, offer.gid);
    expect(ben.app.showShares().map(({ group }) => group)).toEqual([suffixed]);
    expect(ben.events).toContainEqual({ kind: "warning", message: `your account is now called ${name}` });
    expect((await failureOf(ben.app.listFiles(LAB))).code).toBe("not-member");
    expect(await ben.app.listFiles(suffixed)).toHaveLength(1);

    await ben.app.logout();
    ben.events.length = 0;
    await ben.logIn("ben");
    expect(ben.app.whoAmI().user as string).toBe(name);
    expect(ben.events).toEqual([
      { kind: "warning", message: `your account is now called ${name}: two were made under the name ben` },
    ]);
    expect(ben.offered()).toEqual(["/data/notes"]);
  });
});
