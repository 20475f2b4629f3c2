import { beforeEach, describe, expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import type { Uid } from "../../base/ids.ts";
import { ENTRY_ORIGINS_MAX, GROUPS_PER_OWNER_MAX, TRANSFERS_PER_GROUP_MAX } from "../../base/limits.ts";
import { bodiesOf, codeOf, group, hexId, originOf, TestTracker, user } from "../../testing/test-tracker.ts";
import type { Entry } from "../../wire/entry.ts";
import { deriveGid } from "./derived-ids.ts";
import { groupNamed, groupsOf, isMember, listGroups, membersOf, ownerOf } from "./queries.ts";
import { checkInvariants } from "./state.ts";

let tracker: TestTracker;
let ann: Uid;
let bob: Uid;
beforeEach(() => {
  tracker = new TestTracker();
  ann = tracker.createUser("ann");
  bob = tracker.createUser("bob");
});

const lab = group("lab");
const create = (by: Uid, name = "lab") => tracker.run({ kind: "create-group", by, group: group(name) });
const transfer = (by: Uid, to: string) =>
  tracker.run({ kind: "transfer-owner", by, group: lab, user: user(to) });
const remove = (by: Uid) => tracker.run({ kind: "delete-group", by, group: lab });

describe("create group", () => {
  test("whoever makes it owns it and is a member", () => {
    const gid = tracker.createGroup(ann, "lab");
    expect(ownerOf(tracker.state, gid)).toBe(ann);
    expect(membersOf(tracker.state, gid)).toEqual([ann]);
    expect(listGroups(tracker.state, ann).rows).toEqual([
      { name: lab, owner: user("ann"), members: 1, standing: "owner" },
    ]);
  });

  test("a taken name is refused in any case, a suffix always", () => {
    create(ann);
    const refused = create(bob, "LAB") as Failure;
    expect(refused.code).toBe("name-taken");
    expect(refused.message).toBe("there is a group lab already; choose another name");
    expect(codeOf(create(bob, "lab~abcde"))).toBe("invalid-name");
  });

  test("the same request again makes nothing, even after the group is deleted", () => {
    const request = tracker.nextRequest();
    const again = () => tracker.run({ kind: "create-group", request, by: ann, group: lab });
    expect(bodiesOf(again()).length).toBe(3);
    expect(again()).toEqual([]);
    remove(ann);
    expect(again()).toEqual([]);
    expect(tracker.state.groups.isDeleted(deriveGid(request))).toBe(true);
  });

  test("groups of one owner are bounded", () => {
    for (let made = 0; made < GROUPS_PER_OWNER_MAX; made++) create(ann, `g${made}`);
    expect(codeOf(create(ann, "more"))).toBe("too-many");
    expect(create(bob, "more")).not.toBeInstanceOf(Failure);
    tracker.addMember(bob, "more", ann);
    const handed = tracker.run({ kind: "transfer-owner", by: bob, group: group("more"), user: user("ann") });
    expect(codeOf(handed)).toBe("too-many");
  });
});

describe("delete group", () => {
  test("only its owner may, and nothing of it is left", () => {
    const gid = tracker.createGroup(ann, "lab");
    tracker.addMember(ann, "lab", bob);
    tracker.share(bob, "lab", "a.txt");
    expect(codeOf(remove(bob))).toBe("not-owner");
    remove(ann);
    expect(groupNamed(tracker.state, lab)).toBeInstanceOf(Failure);
    expect(isMember(tracker.state, gid, bob)).toBe(false);
    expect(groupsOf(tracker.state, bob)).toEqual([]);
    expect(listGroups(tracker.state, ann).rows).toEqual([]);
    checkInvariants(tracker.state);
  });

  test("it tells of every member that is none any more", () => {
    tracker.createGroup(ann, "lab");
    tracker.addMember(ann, "lab", bob);
    const executed = tracker.core.execute(
      { kind: "delete-group", request: tracker.nextRequest(), by: ann, group: lab },
      tracker.nowMs,
    );
    const changes = tracker.core.apply(executed instanceof Failure ? [] : executed.entries, tracker.nowMs);
    expect(changes.map(({ uid, before, after }) => [uid, before, after]).sort()).toEqual(
      [
        [ann, "member", "none"],
        [bob, "member", "none"],
      ].sort() as never,
    );
  });

  test("its name is free again, and an unknown group is named in the refusal", () => {
    create(ann);
    remove(ann);
    const refused = remove(ann) as Failure;
    expect(refused.code).toBe("unknown-group");
    expect(refused.message).toContain("lab");
    expect(bodiesOf(create(bob)).length).toBe(3);
  });
});

describe("transfer owner", () => {
  beforeEach(() => {
    create(ann);
  });

  test("the new owner owns, the old one stays a member and may then leave", () => {
    tracker.addMember(ann, "lab", bob);
    const gid = groupNamed(tracker.state, lab) as never;
    bodiesOf(transfer(ann, "bob"));
    expect(ownerOf(tracker.state, gid)).toBe(bob);
    expect(isMember(tracker.state, gid, ann)).toBe(true);
    expect(isMember(tracker.state, gid, bob)).toBe(true);
    expect(codeOf(transfer(ann, "bob"))).toBe("not-owner");
    bodiesOf(tracker.run({ kind: "leave-group", by: ann, group: lab }));
    expect(membersOf(tracker.state, gid)).toEqual([bob]);
    checkInvariants(tracker.state);
  });

  test("only the owner may, only to another member", () => {
    expect(codeOf(transfer(bob, "ann"))).toBe("not-owner");
    expect(codeOf(transfer(ann, "bob"))).toBe("not-member");
    expect(codeOf(transfer(ann, "nobody"))).toBe("unknown-user");
    expect(codeOf(transfer(ann, "ann"))).toBe("invalid-input");
    tracker.run({ kind: "join-group", by: bob, group: lab });
    expect(codeOf(transfer(ann, "bob"))).toBe("not-member");
  });

  test("a group that too many tracker runs let people into cannot be handed over", () => {
    tracker.addMember(ann, "lab", bob);
    const accepted = tracker.log.find(({ body }) => body.kind === "request-accepted") as Entry;
    // The same was decided at trackers that were apart: the group remembers who let bob in.
    const apart = Array.from({ length: ENTRY_ORIGINS_MAX }, (_, run) => ({
      ...accepted,
      key: { origin: originOf(2, run + 1), seq: 1 },
      body: { ...accepted.body, acceptId: hexId(`accept ${run}`) } as Entry["body"],
    }));
    tracker.take(apart.slice(1));
    bodiesOf(tracker.run({ kind: "transfer-owner", by: ann, group: lab, user: user("bob") }));
    bodiesOf(transfer(bob, "ann"));
    tracker.take(apart);
    expect(transfer(ann, "bob")).toMatchObject({
      code: "too-many",
      message: "lab cannot be handed over: too many tracker runs let its members in",
    });
  });

  test("handovers of one group are bounded", () => {
    tracker.addMember(ann, "lab", bob);
    for (let time = 0; time < TRANSFERS_PER_GROUP_MAX; time++)
      bodiesOf(time % 2 === 0 ? transfer(ann, "bob") : transfer(bob, "ann"));
    expect(codeOf(transfer(ann, "bob"))).toBe("too-many");
  });
});
