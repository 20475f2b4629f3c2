/** Two trackers that could not see each other, and what is left when they meet again. */

import { beforeEach, describe, expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import type { Gid, Uid } from "../../base/ids.ts";
import { listingIdOf } from "../../base/listing-id.ts";
import {
  bodiesOf,
  codeOf,
  deviceOf,
  file,
  fileOf,
  group,
  TestTracker,
  user,
} from "../../testing/test-tracker.ts";
import {
  accountsNamed,
  findFile,
  groupNamed,
  isMember,
  listFiles,
  listRequests,
  ownerOf,
  userName,
} from "./queries.ts";
import { stateHash } from "./state-rows.ts";

const DAY_MS = 86_400_000;
const lab = group("lab");

let left: TestTracker;
let right: TestTracker;
let ann: Uid;
let bob: Uid;
let cy: Uid;
let gid: Gid;

/** Both know ann, who owns the lab, bob and cy. The clock of the right one is a day ahead. */
beforeEach(() => {
  left = new TestTracker(1, DAY_MS);
  right = new TestTracker(2, 2 * DAY_MS);
  ann = left.createUser("ann");
  bob = left.createUser("bob");
  cy = left.createUser("cy");
  gid = left.createGroup(ann, "lab");
  left.meet(right);
});

function meet(): void {
  left.meet(right);
  expect(stateHash(left.state)).toBe(stateHash(right.state));
}

const join = (at: TestTracker, by: Uid) => at.must({ kind: "join-group", by, group: lab });
const leave = (at: TestTracker, by: Uid) => at.must({ kind: "leave-group", by, group: lab });
const accept = (at: TestTracker, by: Uid, name: string) =>
  at.must({ kind: "accept-request", by, group: lab, user: user(name) });
const reject = (at: TestTracker, by: Uid, name: string) =>
  at.must({ kind: "reject-request", by, group: lab, user: user(name) });
const remove = (at: TestTracker, by: Uid, name: string) =>
  at.must({ kind: "remove-member", by, group: lab, user: user(name) });
const transfer = (at: TestTracker, by: Uid, name: string) =>
  at.must({ kind: "transfer-owner", by, group: lab, user: user(name) });
const member = (uid: Uid) => isMember(left.state, gid, uid);
function waiting(owner: Uid): string[] {
  const page = listRequests(left.state, owner, lab);
  if (page instanceof Failure) throw page;
  return page.rows.map(({ name }) => name);
}

describe("one user name on both sides", () => {
  let first: Uid;
  let second: Uid;
  beforeEach(() => {
    first = left.createUser("dan");
    second = right.createUser("Dan");
    meet();
  });

  test("the earlier keeps it, the later is called by its suffix; both can be found", () => {
    expect(userName(left.state, first)).toBe(user("dan"));
    expect(userName(left.state, second)).toMatch(/^Dan~[a-z2-7]{5}$/);
    expect(accountsNamed(right.state, user("DAN")).map(({ uid }) => uid)).toEqual([first, second]);
    const suffixed = userName(left.state, second);
    expect(accountsNamed(right.state, suffixed).map(({ uid }) => uid)).toEqual([second]);
  });

  test("an owner must say which one is let in", () => {
    join(left, second);
    join(left, first);
    const bare = left.run({ kind: "accept-request", by: ann, group: lab, user: user("dan") }) as Failure;
    expect(bare.code).toBe("ambiguous-name");
    const listed = waiting(ann);
    expect(listed.length).toBe(2);
    for (const name of listed) {
      expect(bare.message).toContain(name);
      accept(left, ann, name);
    }
    expect([member(first), member(second)]).toEqual([true, true]);
  });

  test("the name stays taken", () => {
    const third = left.run({ kind: "create-user", name: user("dan"), passwordHash: "x" });
    expect(codeOf(third)).toBe("name-taken");
  });
});

describe("one group name on both sides", () => {
  test("the earlier keeps it, the later keeps members and files under its suffix", () => {
    const first = left.createGroup(ann, "art");
    const second = right.createGroup(bob, "ART");
    right.addMember(bob, "ART", cy);
    right.share(cy, "ART", "song.ogg");
    meet();
    expect(groupNamed(left.state, group("art"))).toBe(first);
    const name = left.state.groups.name(second) ?? group("");
    expect(name).toMatch(/^ART~[a-z2-7]{5}$/);
    expect(groupNamed(left.state, name)).toBe(second);
    expect(isMember(left.state, second, cy)).toBe(true);
    expect(findFile(left.state, bob, name, file("song.ogg"))).toMatchObject({ gid: second });
    left.must({ kind: "delete-group", by: ann, group: group("art") });
    expect(left.state.groups.name(second)).toBe(group("ART"));
  });
});

describe("one file name on both sides", () => {
  test("both contents stay, the later one under its suffix", () => {
    left.share(ann, "lab", "a.txt", "left");
    right.share(ann, "lab", "a.txt", "right");
    meet();
    expect(findFile(left.state, ann, lab, file("a.txt"))).toMatchObject({ file: fileOf("left") });
    const page = listFiles(left.state, ann, lab);
    const names = page instanceof Failure ? [] : page.rows.map(({ name }) => name);
    const suffixed = names.find((name) => name.includes("~")) ?? file("");
    expect(findFile(left.state, ann, lab, suffixed)).toMatchObject({ file: fileOf("right"), name: suffixed });
    left.stop(ann, "lab", "left");
    expect(findFile(left.state, ann, lab, file("a.txt"))).toMatchObject({ file: fileOf("right") });
  });
});

describe("accept on one side", () => {
  beforeEach(() => {
    join(left, bob);
    left.meet(right);
  });

  test("against reject on the other: closed wins, and bob may ask again", () => {
    accept(right, ann, "bob");
    reject(left, ann, "bob");
    meet();
    expect(member(bob)).toBe(false);
    join(left, bob);
    accept(left, ann, "bob");
    meet();
    expect(member(bob)).toBe(true);
  });

  test("against leaving: closed wins", () => {
    accept(left, ann, "bob");
    left.meet(right);
    leave(left, bob);
    meet();
    expect(member(bob)).toBe(false);
  });

  test("on both sides: one membership, which one leaving ends", () => {
    accept(left, ann, "bob");
    accept(right, ann, "bob");
    meet();
    expect(member(bob)).toBe(true);
    leave(right, bob);
    meet();
    expect(member(bob)).toBe(false);
  });

  test("against deleting: deleted wins", () => {
    accept(right, ann, "bob");
    left.must({ kind: "delete-group", by: ann, group: lab });
    meet();
    expect(member(bob)).toBe(false);
    expect(groupNamed(right.state, lab)).toBeInstanceOf(Failure);
  });
});

describe("removal on one side", () => {
  beforeEach(() => {
    left.addMember(ann, "lab", bob);
    left.meet(right);
  });

  for (const [behind, ahead] of [
    ["left", "right"],
    ["right", "left"],
  ] as const) {
    test(`wins over an accept on the other that has not seen it (removed on the ${behind})`, () => {
      const trackers = { left, right };
      remove(trackers[behind], ann, "bob");
      leave(trackers[ahead], bob);
      join(trackers[ahead], bob);
      accept(trackers[ahead], ann, "bob");
      meet();
      expect(member(bob)).toBe(false);
      expect(waiting(ann)).toEqual(["bob"]);
      accept(left, ann, "bob");
      meet();
      expect(member(bob)).toBe(true);
    });
  }

  test("a second removal needs to have been seen as well", () => {
    remove(left, ann, "bob");
    remove(right, ann, "bob");
    join(left, bob);
    accept(left, ann, "bob");
    expect(member(bob)).toBe(true);
    meet();
    expect(member(bob)).toBe(false);
  });
});

describe("ownership moves on one side", () => {
  beforeEach(() => {
    left.addMember(ann, "lab", bob);
    join(left, cy);
    left.meet(right);
  });

  test("an accept of the old owner that the transfer has not seen is void: the request waits for the new owner", () => {
    transfer(left, ann, "bob");
    accept(right, ann, "cy");
    meet();
    expect(ownerOf(left.state, gid)).toBe(bob);
    expect(member(cy)).toBe(false);
    expect(member(ann)).toBe(true);
    expect(waiting(bob)).toEqual(["cy"]);
    accept(left, bob, "cy");
    meet();
    expect(member(cy)).toBe(true);
  });

  test("an accept that the transfer has seen stays, through every later one", () => {
    accept(right, ann, "cy");
    left.meet(right);
    transfer(left, ann, "bob");
    transfer(left, bob, "cy");
    meet();
    expect([member(ann), member(bob), member(cy)]).toEqual([true, true, true]);
    expect(ownerOf(left.state, gid)).toBe(cy);
  });

  test("of two transfers the earlier claim owns, and the other gives nothing", () => {
    accept(left, ann, "cy");
    const dan = left.createUser("dan");
    join(left, dan);
    left.meet(right);
    transfer(left, ann, "bob");
    transfer(right, ann, "cy");
    accept(right, cy, "dan");
    meet();
    expect(ownerOf(left.state, gid)).toBe(bob);
    expect(member(dan)).toBe(false);
    transfer(left, bob, "ann");
    meet();
    expect(member(dan)).toBe(false);
    expect(codeOf(left.run({ kind: "delete-group", by: cy, group: lab }))).toBe("not-owner");
  });

  test("a transfer of a transfer owns, and whom its line let in stays", () => {
    accept(right, ann, "cy");
    right.run({ kind: "transfer-owner", by: ann, group: lab, user: user("cy") });
    const dan = right.createUser("dan");
    join(right, dan);
    accept(right, cy, "dan");
    transfer(right, cy, "dan");
    transfer(left, ann, "bob");
    meet();
    expect(ownerOf(left.state, gid)).toBe(dan);
    expect([member(ann), member(bob), member(cy), member(dan)]).toEqual([true, true, true, true]);
  });
});

describe("shares and passwords", () => {
  test("stopped on one side, shared on the other: the device's own count decides", () => {
    left.share(ann, "lab", "a.txt");
    left.meet(right);
    const device = deviceOf(ann);
    left.stop(ann, "lab", "a.txt", 2);
    right.stop(ann, "lab", "a.txt", 2);
    right.share(ann, "lab", "a.txt", "a.txt", 3);
    meet();
    const share = () =>
      left.state.shares.share(gid, listingIdOf(fileOf("a.txt").fileId, file("a.txt")), { uid: ann, device });
    expect(share()?.shared).toBe(true);
    left.stop(ann, "lab", "a.txt", 4);
    meet();
    expect(share()?.shared).toBe(false);
  });

  test("of two password changes the later stands on both", () => {
    left.must({ kind: "change-password", by: ann, passwordHash: "left" });
    right.must({ kind: "change-password", by: ann, passwordHash: "right" });
    meet();
    expect(accountsNamed(left.state, user("ann"))[0]?.passwordHash).toBe("right");
    left.must({ kind: "change-password", by: ann, passwordHash: "newest" });
    meet();
    expect(accountsNamed(right.state, user("ann"))[0]?.passwordHash).toBe("newest");
  });
});

describe("one command at both trackers", () => {
  test("makes one thing", () => {
    const commands = [
      { kind: "create-user", name: user("dan"), passwordHash: "hash" },
      { kind: "create-group", by: bob, group: group("art") },
      { kind: "join-group", by: cy, group: lab },
      { kind: "accept-request", by: ann, group: lab, user: user("cy") },
      { kind: "remove-member", by: ann, group: lab, user: user("cy") },
    ] as const;
    for (const command of commands) {
      const request = left.nextRequest();
      bodiesOf(left.run({ ...command, request }));
      bodiesOf(right.run({ ...command, request }));
      meet();
      expect(left.run({ ...command, request })).toEqual([]);
    }
    expect(accountsNamed(left.state, user("dan")).length).toBe(1);
    expect(left.state.groups.find("art").length).toBe(1);
    expect(left.state.groups.removals(gid, cy).length).toBe(1);
  });
});
