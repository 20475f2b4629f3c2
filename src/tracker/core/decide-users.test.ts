import { beforeEach, describe, expect, test } from "bun:test";
import type { Failure } from "../../base/failure.ts";
import { parseUserName } from "../../base/ids.ts";
import { USER_NAME_BYTES_MAX } from "../../base/limits.ts";
import { bodiesOf, codeOf, requestId, TestTracker, user } from "../../testing/test-tracker.ts";
import { deriveGid, deriveJoinId, deriveUid } from "./derived-ids.ts";
import { makeStamp } from "./hybrid-time.ts";
import { accountOf, accountsNamed } from "./queries.ts";

let tracker: TestTracker;
beforeEach(() => {
  tracker = new TestTracker();
});

function create(name: string, request = tracker.nextRequest()) {
  return tracker.run({ kind: "create-user", request, name: user(name), passwordHash: "hash" });
}

describe("derived ids", () => {
  test("are the same for the same request, others for each kind and request", () => {
    const ids = [1, 2].flatMap((n) => [
      deriveUid(requestId(n)) as string,
      deriveGid(requestId(n)) as string,
      deriveJoinId(requestId(n)) as string,
    ]);
    expect(new Set(ids).size).toBe(6);
    expect(deriveUid(requestId(1))).toBe(deriveUid(requestId(1)));
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  });
});

describe("create user", () => {
  test("makes an account with that name and password", () => {
    const request = tracker.nextRequest();
    const uid = deriveUid(request);
    expect(bodiesOf(create("ann", request))).toEqual([
      { kind: "account-created", uid, name: user("ann"), passwordHash: "hash" },
    ]);
    expect(accountsNamed(tracker.state, user("ANN"))).toEqual([
      { uid, name: user("ann"), passwordHash: "hash", passwordStamp: tracker.log[0]?.stamp as never },
    ]);
  });

  test("a taken name is refused, in any case and form of writing", () => {
    create("Straße");
    for (const name of ["Straße", "STRAßE", "straße", "Ｓtraße"])
      expect(codeOf(create(name))).toBe("name-taken");
  });

  test("the refusal names the account that has the name, as it is spelled", () => {
    create("alice");
    const refused = create("ALICE") as Failure;
    expect(refused.message).toBe("there is a user alice already; choose another name");
  });

  test("a name that looks like one from merging is refused", () => {
    expect(codeOf(create("ann~abcde"))).toBe("invalid-name");
  });

  test("the longest name still is one with the suffix that merging gives it", () => {
    const longest = "a".repeat(USER_NAME_BYTES_MAX);
    const other = new TestTracker(2);
    create(longest);
    other.run({ kind: "create-user", name: user(longest), passwordHash: "hash" });
    tracker.meet(other);
    for (const { name } of accountsNamed(tracker.state, user(longest)))
      expect(parseUserName(name)).toBe(name);
  });

  test("the same request again makes nothing, even under a name that is now taken", () => {
    const request = tracker.nextRequest();
    create("ann", request);
    expect(create("ann", request)).toEqual([]);
    const other = new TestTracker(2);
    other.take(tracker.log);
    expect(other.run({ kind: "create-user", request, name: user("ann"), passwordHash: "x" })).toEqual([]);
  });
});

describe("change password", () => {
  test("replaces the hash and its stamp, so that older sessions end", () => {
    const uid = tracker.createUser("ann");
    const before = accountOf(tracker.state, uid);
    tracker.must({ kind: "change-password", by: uid, passwordHash: "new" });
    const after = accountOf(tracker.state, uid);
    expect(after?.passwordHash).toBe("new");
    expect((after?.passwordStamp ?? "") > (before?.passwordStamp ?? "")).toBe(true);
  });

  test("it wins over the one it replaces though this clock is a day behind", () => {
    const uid = tracker.createUser("ann");
    tracker.nowMs += 86_400_000;
    tracker.must({ kind: "change-password", by: uid, passwordHash: "from the future" });
    const behind = new TestTracker(2, 1_000_000);
    behind.take(tracker.log);
    const [entry] = behind.must({ kind: "change-password", by: uid, passwordHash: "later" });
    expect((entry?.stamp ?? "") < makeStamp(80_000_000, 0)).toBe(true);
    tracker.meet(behind);
    expect(accountOf(tracker.state, uid)?.passwordHash).toBe("later");
  });

  test("an account not known here is refused", () => {
    const uid = deriveUid(requestId("nobody"));
    const refused = tracker.run({ kind: "change-password", by: uid, passwordHash: "new" });
    expect(codeOf(refused)).toBe("unknown-user");
    expect((refused as Failure).message).toContain(uid);
  });

  test("the same request again changes nothing", () => {
    const uid = tracker.createUser("ann");
    const request = tracker.nextRequest();
    tracker.must({ kind: "change-password", request, by: uid, passwordHash: "one" });
    tracker.must({ kind: "change-password", by: uid, passwordHash: "two" });
    expect(tracker.run({ kind: "change-password", request, by: uid, passwordHash: "one" })).toEqual([]);
    expect(accountOf(tracker.state, uid)?.passwordHash).toBe("two");
  });
});
