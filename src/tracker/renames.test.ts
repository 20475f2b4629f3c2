/** Names that two trackers gave at once, as each of them announces it when they meet. */

import { beforeEach, describe, expect, test } from "bun:test";
import type { Gid, Uid } from "../base/ids.ts";
import { listingIdOf } from "../base/listing-id.ts";
import { file, fileOf, group, hexId, TestTracker, user } from "../testing/test-tracker.ts";
import type { News } from "../wire/client-tracker.ts";
import { type Announcement, applyAnnounced, mergeAnnounced } from "./announcements.ts";
import { withSuffix } from "./core/name-table.ts";

/** A tracker that announces what it hears from others, as the real one does. */
class Announcing extends TestTracker {
  hear(other: TestTracker): Announcement[] {
    const held = new Set(this.log.map(({ key }) => `${key.origin} ${key.seq}`));
    const fresh = other.log.filter(({ key }) => !held.has(`${key.origin} ${key.seq}`));
    this.log.push(...fresh);
    return fresh.flatMap((entry) => applyAnnounced(this.core, entry, this.nowMs));
  }
}

const newsOf = (announced: readonly Announcement[]): (readonly [Uid, News])[] =>
  announced.flatMap((each) => (each.kind === "news" ? [[each.to, each.news] as const] : []));

let left: Announcing;
let right: Announcing;

/** Both hear all that the other has made. @returns what each announces to single users */
function meet() {
  const before = [...left.log];
  const atLeft = newsOf(left.hear(right));
  const earlier = new TestTracker();
  earlier.log.push(...before);
  return { atLeft, atRight: newsOf(right.hear(earlier)) };
}

/** The right one's clock is a day ahead: its claims are later. */
beforeEach(() => {
  left = new Announcing(1, 1_000_000);
  right = new Announcing(2, 100_000_000);
});

describe("of two accounts under one name", () => {
  const renamed = (uid: Uid): News => ({
    kind: "user-renamed",
    from: user("ann"),
    name: withSuffix(user("ann"), uid),
  });

  test("the later one is told its new name, at both trackers: wherever it logs in next", () => {
    left.createUser("ann");
    const later = right.createUser("ann");
    expect(meet()).toEqual({ atLeft: [[later, renamed(later)]], atRight: [[later, renamed(later)]] });
  });

  test("a third that is earlier than both renames the holder alone", () => {
    const first = left.createUser("ann");
    const third = right.createUser("ann");
    meet();
    const oldest = new Announcing(3, 1_000);
    oldest.createUser("ann");
    expect(newsOf(right.hear(oldest))).toEqual([[first, renamed(first)]]);
    expect(
      newsOf(oldest.hear(right))
        .map(([uid]) => uid)
        .sort(),
    ).toEqual([first, third].sort());
  });

  test("one gets its name back when its own earlier claim comes to light", () => {
    const request = right.nextRequest();
    const create = { kind: "create-user", request, name: user("ann"), passwordHash: "hash" } as const;
    right.must(create);
    left.createUser("ann");
    const [uid] = newsOf(right.hear(left)).map(([to]) => to);
    const earliest = new Announcing(3, 1_000);
    earliest.must(create);
    if (uid === undefined) throw new Error("nobody was renamed");
    expect(newsOf(right.hear(earliest))).toContainEqual([
      uid,
      { kind: "user-renamed", from: withSuffix(user("ann"), uid), name: user("ann") },
    ]);
  });

  test("names that are given once concern nobody", () => {
    left.createUser("ann");
    right.createUser("ben");
    expect(meet()).toEqual({ atLeft: [], atRight: [] });
  });
});

describe("of two groups under one name", () => {
  let [ann, ben]: Uid[] = [];
  let [first, later]: Gid[] = [];

  beforeEach(() => {
    ann = left.createUser("ann");
    ben = left.createUser("ben");
    right.hear(left);
    first = left.createGroup(ann, "lab");
    later = right.createGroup(ben, "lab");
    right.addMember(ben, "lab", ann);
  });
  const suffixed = () => withSuffix(group("lab"), later as Gid);
  const renamed = (): News => ({
    kind: "group-renamed",
    gid: later as Gid,
    from: group("lab"),
    group: suffixed(),
  });

  test("the members of the later one are told where they are known, its owner everywhere", () => {
    const { atLeft, atRight } = meet();
    expect(atRight.map(([to]) => to).sort()).toEqual([ann as Uid, ben as Uid].sort());
    expect(atRight.map(([, news]) => news)).toEqual([renamed(), renamed()]);
    expect(atLeft).toContainEqual([ben as Uid, renamed()]);
    expect(atLeft).toContainEqual([ann as Uid, { kind: "accepted", group: suffixed() }]);
  });

  test("the later one gets the name when the earlier one is deleted", () => {
    meet();
    left.must({ kind: "delete-group", by: ann as Uid, group: group("lab") });
    const back: News = { kind: "group-renamed", gid: later as Gid, from: suffixed(), group: group("lab") };
    const told = newsOf(right.hear(left));
    expect(told.map(([, news]) => news)).toEqual([back, back]);
    expect(right.state.groups.isDeleted(first as Gid)).toBe(true);
  });
});

describe("of two files under one name", () => {
  let ann: Uid;
  let ben: Uid;
  let gid: Gid;
  const renamed = (from: string, name: string): News => ({
    kind: "file-renamed",
    gid,
    listingId: listingIdOf(fileOf("later").fileId, file("cut")),
    group: group("lab"),
    from: file(from),
    name: file(name),
  });
  const suffixed = () => withSuffix("cut", listingIdOf(fileOf("later").fileId, file("cut")));

  beforeEach(() => {
    ann = left.createUser("ann");
    ben = left.createUser("ben");
    gid = left.createGroup(ann, "lab");
    left.addMember(ann, "lab", ben);
    right.hear(left);
    left.share(ann, "lab", "cut", "first");
    right.share(ben, "lab", "cut", "later");
  });

  test("those who share the later one are told, at both trackers", () => {
    const told = [[ben, renamed("cut", suffixed())]] as const;
    expect(meet()).toEqual({ atLeft: [...told], atRight: [...told] });
  });

  test.each(["stops sharing", "leaves the group"])("the name is free when the holder %s", (how) => {
    meet();
    if (how === "stops sharing") left.stop(ann, "lab", "first");
    else {
      left.must({ kind: "transfer-owner", by: ann, group: group("lab"), user: user("ben") });
      left.must({ kind: "leave-group", by: ann, group: group("lab") });
    }
    expect(newsOf(right.hear(left))).toContainEqual([ben, renamed(suffixed(), "cut")]);
  });

  test("one content under two names keeps both, and nobody is told", () => {
    left.share(ann, "lab", "mine", "same");
    right.share(ben, "lab", "yours", "same");
    expect(meet().atLeft.filter(([to]) => to === ann)).toEqual([]);
    for (const { state } of [left, right])
      for (const name of ["mine", "yours"]) expect(state.shares.find(gid, name).length).toBe(1);
  });
});

describe("of two changes of a password", () => {
  const lost = (uid: Uid) => [[uid, { kind: "password-lost" } as News]] as const;
  let ann: Uid;
  const change = (tracker: TestTracker, passwordHash: string) =>
    tracker.must({ kind: "change-password", by: ann, passwordHash });

  beforeEach(() => {
    ann = left.createUser("ann");
    right.hear(left);
  });

  test("that did not see each other, the lost one is told of at both trackers", () => {
    change(left, "lost");
    change(right, "won");
    expect(meet()).toEqual({ atLeft: [...lost(ann)], atRight: [...lost(ann)] });
  });

  test("that followed each other nothing is told, in whatever order they arrive", () => {
    change(left, "first");
    right.hear(left);
    change(right, "second");
    expect(newsOf(left.hear(right))).toEqual([]);
    const third = new Announcing(3);
    third.log.push(...left.log.slice(0, 1));
    third.core.apply(left.log.slice(0, 1), 0);
    for (const entry of left.log.slice(1).reverse())
      expect(newsOf(applyAnnounced(third.core, entry, 0))).toEqual([]);
  });
});

describe("of two handovers of a group", () => {
  test("the one who loses it again is told, at both trackers", () => {
    const [ann, ben, cat] = ["ann", "ben", "cat"].map((name) => left.createUser(name)) as [Uid, Uid, Uid];
    left.createGroup(ann, "lab");
    for (const uid of [ben, cat]) left.addMember(ann, "lab", uid);
    right.hear(left);
    left.must({ kind: "transfer-owner", by: ann, group: group("lab"), user: user("ben") });
    right.must({ kind: "transfer-owner", by: ann, group: group("lab"), user: user("cat") });
    const lost: News = { kind: "ownership-lost", group: group("lab"), to: user("ben") };
    const { atLeft, atRight } = meet();
    expect(atLeft).toEqual([[cat, lost]]);
    expect(atRight).toContainEqual([cat, lost]);
  });
});

describe("state that is joined without its entries", () => {
  test("is announced to those whose access begins or ends here or who lose something, and to nobody else", () => {
    const ann = left.createUser("ann");
    const ben = left.createUser("ben");
    const gid = left.createGroup(ann, "lab");
    left.addMember(ann, "lab", ben);
    right.hear(left);
    const later = right.createUser("zoe");
    left.createUser("zoe");
    const made = left.createGroup(ann, "new");
    left.must({ kind: "change-password", by: ben, passwordHash: "new" });
    left.must({ kind: "remove-member", by: ann, group: group("lab"), user: user("ben") });
    const scope = {
      users: [user("zoe")],
      groups: [group("lab"), group("new")],
      files: [],
      accounts: [ann, ben, hexId<Uid>("unknown")],
      gids: [gid],
    };
    const announced = mergeAnnounced(right.state, scope, () => right.take(left.log));
    expect(announced).toEqual([
      { kind: "access-began", gid: made, uid: ann },
      { kind: "access-ended", gid, uid: ben },
      { kind: "news", to: ben, news: { kind: "removed", group: group("lab"), gid } },
      { kind: "password-changed", uid: ben, request: undefined },
      {
        kind: "news",
        to: later,
        news: { kind: "user-renamed", from: user("zoe"), name: withSuffix(user("zoe"), later) },
      },
    ]);
  });
});
