import { beforeEach, describe, expect, test } from "bun:test";
import type { Failure } from "../../base/failure.ts";
import type { Gid, Uid } from "../../base/ids.ts";
import { CLOSED_REQUESTS_MAX, ENTRY_IDS_MAX, PENDING_REQUESTS_PER_USER_MAX } from "../../base/limits.ts";
import { bodiesOf, codeOf, group, hexId, originOf, TestTracker, user } from "../../testing/test-tracker.ts";
import type { Entry } from "../../wire/entry.ts";
import { isMember, listRequests } from "./queries.ts";
import { checkInvariants } from "./state.ts";

const lab = group("lab");
let tracker: TestTracker;
let ann: Uid;
let bob: Uid;
let gid: Gid;
beforeEach(() => {
  tracker = new TestTracker();
  ann = tracker.createUser("ann");
  bob = tracker.createUser("bob");
  gid = tracker.createGroup(ann, "lab");
});

const join = (by: Uid, request = tracker.nextRequest()) =>
  tracker.run({ kind: "join-group", request, by, group: lab });
const leave = (by: Uid, request = tracker.nextRequest()) =>
  tracker.run({ kind: "leave-group", request, by, group: lab });
const answer = (
  kind: "accept-request" | "reject-request" | "remove-member",
  by: Uid,
  name: string,
  request = tracker.nextRequest(),
) => tracker.run({ kind, request, by, group: lab, user: user(name) });
const accept = (by: Uid, name: string) => answer("accept-request", by, name);
const reject = (by: Uid, name: string) => answer("reject-request", by, name);
const remove = (by: Uid, name: string) => answer("remove-member", by, name);
const waiting = () => {
  const page = listRequests(tracker.state, ann, lab) as Exclude<ReturnType<typeof listRequests>, Failure>;
  return page.rows.map(({ name }) => name as string);
};

describe("join", () => {
  test("a request waits for the owner, and is no membership", () => {
    bodiesOf(join(bob));
    expect(waiting()).toEqual(["bob"]);
    expect(isMember(tracker.state, gid, bob)).toBe(false);
  });

  test("who waits or is a member cannot ask again", () => {
    join(bob);
    expect(codeOf(join(bob))).toBe("already-requested");
    accept(ann, "bob");
    expect(codeOf(join(bob))).toBe("already-member");
    expect(codeOf(join(ann))).toBe("already-member");
  });

  test("an unknown group is named, with the way to see all", () => {
    const refused = tracker.run({ kind: "join-group", by: bob, group: group("lob") }) as Failure;
    expect(refused.code).toBe("unknown-group");
    expect(refused.message).toBe("no group named lob; list_groups shows all");
  });

  test("closed requests of one user in one group are bounded, as each is kept for ever", () => {
    for (let round = 0; round < CLOSED_REQUESTS_MAX; round++) {
      join(bob);
      bodiesOf(leave(bob));
    }
    const refused = join(bob) as Failure;
    expect(refused.code).toBe("too-many");
    expect(refused.message).toBe("1000 requests to join lab were closed, the most there may be of one user");
    tracker.createGroup(ann, "art");
    bodiesOf(tracker.run({ kind: "join-group", by: bob, group: group("art") }));
  });

  test("waiting requests of one user are bounded", () => {
    for (let made = 0; made <= PENDING_REQUESTS_PER_USER_MAX; made++) {
      tracker.createGroup(ann, `g${made}`);
      const result = tracker.run({ kind: "join-group", by: bob, group: group(`g${made}`) });
      if (made === PENDING_REQUESTS_PER_USER_MAX) expect(codeOf(result)).toBe("too-many");
      else bodiesOf(result);
    }
  });

  test("the same request again asks once, also after it was closed", () => {
    const request = tracker.nextRequest();
    bodiesOf(join(bob, request));
    expect(join(bob, request)).toEqual([]);
    reject(ann, "bob");
    expect(join(bob, request)).toEqual([]);
    const restarted = new TestTracker(2);
    restarted.take(tracker.log);
    expect(restarted.run({ kind: "join-group", request, by: bob, group: lab })).toEqual([]);
  });
});

describe("accept", () => {
  test("makes a member", () => {
    join(bob);
    bodiesOf(accept(ann, "bob"));
    expect(isMember(tracker.state, gid, bob)).toBe(true);
    expect(waiting()).toEqual([]);
  });

  test("who was removed at too many trackers cannot be let in again", () => {
    join(bob);
    accept(ann, "bob");
    bodiesOf(remove(ann, "bob"));
    const removed = tracker.log.find(({ body }) => body.kind === "member-removed") as Entry;
    const elsewhere = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => ({
        ...removed,
        key: { origin: originOf(2), seq: from + index },
        body: { ...removed.body, removalId: hexId(`removal ${from + index}`) } as Entry["body"],
      }));
    tracker.take(elsewhere(1, ENTRY_IDS_MAX));
    join(bob);
    bodiesOf(accept(ann, "bob"));
    bodiesOf(leave(bob));
    tracker.take(elsewhere(ENTRY_IDS_MAX, ENTRY_IDS_MAX + 1));
    join(bob);
    expect(accept(ann, "bob")).toMatchObject({
      code: "too-many",
      message: "bob was removed from lab too often to be let in again",
    });
  });

  test("only by the owner, only who has asked", () => {
    expect(codeOf(accept(ann, "bob"))).toBe("no-request");
    join(bob);
    expect(codeOf(accept(bob, "bob"))).toBe("not-owner");
    expect(codeOf(accept(ann, "nobody"))).toBe("unknown-user");
    accept(ann, "bob");
    expect(codeOf(accept(ann, "bob"))).toBe("already-member");
  });

  test("the same request again is answered, not done", () => {
    join(bob);
    const request = tracker.nextRequest();
    bodiesOf(answer("accept-request", ann, "bob", request));
    expect(answer("accept-request", ann, "bob", request)).toEqual([]);
    remove(ann, "bob");
    expect(answer("accept-request", ann, "bob", request)).toEqual([]);
    expect(isMember(tracker.state, gid, bob)).toBe(false);
  });
});

describe("reject", () => {
  test("closes the request, and who was rejected may ask again", () => {
    join(bob);
    bodiesOf(reject(ann, "bob"));
    expect(waiting()).toEqual([]);
    expect(codeOf(reject(ann, "bob"))).toBe("no-request");
    bodiesOf(join(bob));
    expect(waiting()).toEqual(["bob"]);
  });

  test("only by the owner, and a member is not rejected but removed", () => {
    join(bob);
    expect(codeOf(reject(bob, "bob"))).toBe("not-owner");
    accept(ann, "bob");
    const refused = reject(ann, "bob") as Failure;
    expect(refused.code).toBe("already-member");
    expect(refused.message).toContain("remove_member lab bob");
  });
});

describe("leave", () => {
  test("ends a membership; the same request again does not end the next one", () => {
    tracker.addMember(ann, "lab", bob);
    const request = tracker.nextRequest();
    bodiesOf(leave(bob, request));
    expect(isMember(tracker.state, gid, bob)).toBe(false);
    tracker.addMember(ann, "lab", bob);
    expect(leave(bob, request)).toEqual([]);
    expect(isMember(tracker.state, gid, bob)).toBe(true);
  });

  test("an owner cannot leave and is told what to do", () => {
    const refused = leave(ann) as Failure;
    expect(refused.code).toBe("owner-cannot-leave");
    expect(refused.message).toContain("transfer_owner lab");
    expect(refused.message).toContain("delete_group lab");
  });

  test("takes a request back that waits for its answer, and who did may ask again", () => {
    join(bob);
    expect(bodiesOf(leave(bob))).toMatchObject([{ kind: "request-closed", gid, uid: bob, why: "left" }]);
    expect(waiting()).toEqual([]);
    expect(codeOf(accept(ann, "bob"))).toBe("no-request");
    bodiesOf(join(bob));
    expect(waiting()).toEqual(["bob"]);
    checkInvariants(tracker.state);
  });

  test("who neither is a member nor has asked has nothing to leave", () => {
    expect(codeOf(leave(bob))).toBe("not-member");
    join(bob);
    reject(ann, "bob");
    expect(codeOf(leave(bob))).toBe("not-member");
  });
});

describe("remove", () => {
  test("ends a membership, and who was removed may ask and be let in again", () => {
    tracker.addMember(ann, "lab", bob);
    bodiesOf(remove(ann, "bob"));
    expect(isMember(tracker.state, gid, bob)).toBe(false);
    expect(codeOf(accept(ann, "bob"))).toBe("no-request");
    tracker.addMember(ann, "lab", bob);
    expect(isMember(tracker.state, gid, bob)).toBe(true);
    checkInvariants(tracker.state);
  });

  test("only by the owner, only members, never the owner", () => {
    join(bob);
    expect(codeOf(remove(ann, "bob"))).toBe("not-member");
    accept(ann, "bob");
    expect(codeOf(remove(bob, "ann"))).toBe("not-owner");
    expect(codeOf(remove(ann, "ann"))).toBe("owner-cannot-leave");
    expect(codeOf(remove(ann, "nobody"))).toBe("unknown-user");
  });

  test("the same request again removes once: who was let in since stays", () => {
    tracker.addMember(ann, "lab", bob);
    const request = tracker.nextRequest();
    bodiesOf(answer("remove-member", ann, "bob", request));
    tracker.addMember(ann, "lab", bob);
    expect(answer("remove-member", ann, "bob", request)).toEqual([]);
    expect(isMember(tracker.state, gid, bob)).toBe(true);
  });
});
