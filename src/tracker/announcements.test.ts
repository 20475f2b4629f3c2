import { expect, test } from "bun:test";
import type { Gid, Uid } from "../base/ids.ts";
import { deviceOf, fileOf, group, TestTracker, user } from "../testing/test-tracker.ts";
import type { Entry, Origin } from "../wire/entry.ts";
import { type Announcement, applyAnnounced } from "./announcements.ts";
import { TrackerCore } from "./core/machine.ts";

/** Follows a tracker's log as another tracker would, and notes what it announces. */
class Follower {
  readonly core = new TrackerCore("9-0000000000000009" as Origin);
  #at = 0;

  take(tracker: TestTracker): Announcement[] {
    const fresh = tracker.log.slice(this.#at);
    this.#at = tracker.log.length;
    return this.apply(fresh);
  }

  apply(entries: readonly Entry[]): Announcement[] {
    return entries.flatMap((entry) => applyAnnounced(this.core, entry, 0));
  }
}

interface Lab {
  readonly tracker: TestTracker;
  readonly follower: Follower;
  readonly ada: Uid;
  readonly bob: Uid;
  readonly gid: Gid;
}

function lab(): Lab {
  const tracker = new TestTracker();
  const follower = new Follower();
  const ada = tracker.createUser("ada");
  const bob = tracker.createUser("bob");
  const gid = tracker.createGroup(ada, "lab");
  follower.take(tracker);
  return { tracker, follower, ada, bob, gid };
}

const inLab = { group: group("lab") };

test("making accounts and groups concerns nobody but who is a member then", () => {
  const tracker = new TestTracker();
  const ada = tracker.createUser("ada");
  const gid = tracker.createGroup(ada, "lab");
  expect(new Follower().take(tracker)).toEqual([{ kind: "access-began", gid, uid: ada }]);
});

test("a request is for the owner, each answer for the user", () => {
  const { tracker, follower, ada, bob, gid } = lab();
  const news = () => follower.take(tracker).filter(({ kind }) => kind === "news");
  tracker.must({ kind: "join-group", by: bob, ...inLab });
  expect(news()).toEqual([
    { kind: "news", to: ada, news: { kind: "join-request", ...inLab, user: user("bob") } },
  ]);
  tracker.must({ kind: "reject-request", by: ada, ...inLab, user: user("bob") });
  expect(news()).toEqual([{ kind: "news", to: bob, news: { kind: "rejected", ...inLab } }]);
  tracker.addMember(ada, "lab", bob);
  expect(news().slice(1)).toEqual([{ kind: "news", to: bob, news: { kind: "accepted", ...inLab } }]);
  expect(follower.core.state.groups.isMember(gid, bob)).toBe(true);
});

test("rejecting one who never was a member ends no access", () => {
  const { tracker, follower, ada, bob } = lab();
  tracker.must({ kind: "join-group", by: bob, ...inLab });
  tracker.must({ kind: "reject-request", by: ada, ...inLab, user: user("bob") });
  expect(follower.take(tracker).map(({ kind }) => kind)).toEqual(["news", "news"]);
});

test.each(["remove", "leave"])("the end of a membership (%s) is told", (how) => {
  const { tracker, follower, ada, bob, gid } = lab();
  tracker.addMember(ada, "lab", bob);
  follower.take(tracker);
  if (how === "leave") tracker.must({ kind: "leave-group", by: bob, ...inLab });
  else tracker.must({ kind: "remove-member", by: ada, ...inLab, user: user("bob") });
  const [ended, ...told] = follower.take(tracker);
  expect(ended).toEqual({ kind: "access-ended", gid, uid: bob });
  expect(told).toEqual(
    how === "leave" ? [] : [{ kind: "news", to: bob, news: { kind: "removed", ...inLab, gid } }],
  );
});

test("deleting a group ends the access of all, under the name that it had", () => {
  const { tracker, follower, ada, bob, gid } = lab();
  tracker.addMember(ada, "lab", bob);
  follower.take(tracker);
  tracker.must({ kind: "delete-group", by: ada, ...inLab });
  const announced = follower.take(tracker);
  expect(announced).toHaveLength(3);
  expect(announced).toContainEqual({ kind: "access-ended", gid, uid: ada });
  expect(announced).toContainEqual({ kind: "access-ended", gid, uid: bob });
  expect(announced).toContainEqual({ kind: "news", to: bob, news: { kind: "group-deleted", ...inLab, gid } });
});

test("a new owner is told from whom", () => {
  const { tracker, follower, ada, bob } = lab();
  tracker.addMember(ada, "lab", bob);
  follower.take(tracker);
  tracker.must({ kind: "transfer-owner", by: ada, ...inLab, user: user("bob") });
  expect(follower.take(tracker)).toEqual([
    { kind: "news", to: bob, news: { kind: "ownership", ...inLab, from: user("ada") } },
  ]);
});

test("a file is news when it enters the list, another source of it is not", () => {
  const { tracker, follower, ada, bob, gid } = lab();
  tracker.addMember(ada, "lab", bob);
  follower.take(tracker);
  const { fileId } = fileOf("cut");
  const shared = (uid: Uid) => ({ kind: "shared", gid, fileId, uid, device: deviceOf(uid) }) as const;
  tracker.share(ada, "lab", "cut");
  expect(follower.take(tracker)).toEqual([
    shared(ada),
    {
      kind: "group-news",
      gid,
      by: ada,
      news: { kind: "new-file", ...inLab, name: "cut", user: "ada", size: 3 },
    } as Announcement,
  ]);
  tracker.share(bob, "lab", "cut");
  expect(follower.take(tracker)).toEqual([shared(bob)]);
  tracker.stop(bob, "lab", "cut");
  expect(follower.take(tracker)).toEqual([]);
});

test("a changed password is announced with the request that changed it, and with the machine", () => {
  const { tracker, follower, ada } = lab();
  const request = tracker.nextRequest();
  tracker.must({ kind: "change-password", by: ada, passwordHash: "new", request });
  expect(follower.take(tracker)).toEqual([
    { kind: "password-changed", uid: ada, request },
    { kind: "grants-ended", uid: ada, except: deviceOf(ada) },
  ]);
});

test("of two passwords at once the one that does not count ends no grants of the machine of the other", () => {
  const { tracker: here, follower, ada } = lab();
  const there = new TestTracker(2, here.nowMs);
  there.meet(here);
  const change = (tracker: TestTracker, device: string) =>
    tracker.must({ kind: "change-password", by: ada, passwordHash: device, device: deviceOf(device) });
  const lost = change(here, "laptop");
  there.nowMs += 10_000;
  const won = change(there, "desktop");
  const ended = (entries: readonly Entry[]) =>
    follower.apply(entries).filter(({ kind }) => kind === "grants-ended");
  expect(ended(won)).toEqual([{ kind: "grants-ended", uid: ada, except: deviceOf("desktop") }]);
  expect(ended(lost)).toEqual([]);
});

test("a void accept of an old owner takes access away again, and asks the new owner", () => {
  const { tracker: here, follower, ada, bob, gid } = lab();
  const eve = here.createUser("eve");
  here.addMember(ada, "lab", bob);
  here.must({ kind: "join-group", by: eve, ...inLab });
  const there = new TestTracker(2, here.nowMs);
  there.meet(here);
  here.must({ kind: "accept-request", by: ada, ...inLab, user: user("eve") });
  follower.take(here);
  expect(follower.core.state.groups.isMember(gid, eve)).toBe(true);
  const transfer = there.must({ kind: "transfer-owner", by: ada, ...inLab, user: user("bob") });
  expect(follower.apply(transfer)).toEqual([
    { kind: "access-ended", gid, uid: eve },
    { kind: "news", to: eve, news: { kind: "accept-void", ...inLab, gid } },
    { kind: "news", to: bob, news: { kind: "join-request", ...inLab, user: user("eve") } },
    { kind: "news", to: bob, news: { kind: "ownership", ...inLab, from: user("ada") } },
  ]);
});
