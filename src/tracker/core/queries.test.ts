import { beforeEach, describe, expect, test } from "bun:test";
import { Failure, orThrow } from "../../base/failure.ts";
import type { Gid, Uid } from "../../base/ids.ts";
import { LIST_PAGE_NAME_CHARS, LIST_PAGE_ROWS, SEARCH_NAMES_PER_PAGE_MAX } from "../../base/limits.ts";
import {
  codeOf,
  deviceOf,
  file,
  fileOf,
  group,
  originOf,
  requestId,
  TestTracker,
  user,
} from "../../testing/test-tracker.ts";
import {
  accountOf,
  findFile,
  groupName,
  groupNamed,
  groupsOf,
  listFiles,
  listGroups,
  listMembers,
  listRequests,
  membersOf,
  ownShares,
  type Page,
  searchFiles,
  sharersOf,
  userName,
} from "./queries.ts";

const lab = group("lab");
let tracker: TestTracker;
let ann: Uid;
let bob: Uid;
let eve: Uid;
let gid: Gid;
beforeEach(() => {
  tracker = new TestTracker();
  ann = tracker.createUser("ann");
  bob = tracker.createUser("bob");
  eve = tracker.createUser("eve");
  gid = tracker.createGroup(ann, "lab");
});

/** All pages, and that none but the last is short. */
function allRows<Row>(read: (after: string | undefined) => Page<Row> | Failure): Row[] {
  const rows: Row[] = [];
  let after: string | undefined;
  do {
    const page = read(after);
    if (page instanceof Failure) throw page;
    if (page.next !== undefined) expect(page.rows.length).toBe(LIST_PAGE_ROWS);
    rows.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return rows;
}

describe("groups", () => {
  test("everybody sees all, in order of name, with the own standing", () => {
    tracker.createGroup(bob, "Art");
    tracker.addMember(bob, "Art", ann);
    tracker.must({ kind: "join-group", by: eve, group: lab });
    const standings = (by: Uid) =>
      listGroups(tracker.state, by).rows.map(({ name, standing }) => [name, standing]);
    expect(standings(ann) as unknown).toEqual([
      ["Art", "member"],
      ["lab", "owner"],
    ]);
    expect(standings(eve) as unknown).toEqual([
      ["Art", "none"],
      ["lab", "requested"],
    ]);
    expect(
      listGroups(tracker.state, eve).rows.map(({ owner, members }) => [owner, members]) as unknown,
    ).toEqual([
      ["bob", 2],
      ["ann", 1],
    ]);
  });

  test("come in pages without a gap or a repetition, also when groups come in between", () => {
    const total = 2 * LIST_PAGE_ROWS;
    for (let made = 1; made < total; made++) tracker.createGroup(ann, `x${String(made).padStart(4, "0")}`);
    const names = allRows((after) => listGroups(tracker.state, eve, after)).map(({ name }) => name as string);
    expect(names.length).toBe(total);
    expect([...new Set(names)].sort()).toEqual(names);
    const first = listGroups(tracker.state, eve);
    tracker.createGroup(ann, "a-new-one");
    expect(listGroups(tracker.state, eve, first.next).rows[0]?.name as string).toBe(
      names[LIST_PAGE_ROWS] as string,
    );
    expect(listGroups(tracker.state, eve, "\uffff").rows).toEqual([]);
  });
});

test("a group name whose suffix two groups share means neither", () => {
  for (const seq of [1, 2]) {
    const twin = `00000000${String(seq).repeat(24)}` as Gid;
    const body = { kind: "group-created", gid: twin, name: lab, owner: bob } as const;
    const stamp = "ffff000000000000" as never;
    tracker.take([{ key: { origin: originOf(9), seq }, stamp, request: requestId(`twin ${seq}`), body }]);
  }
  expect(codeOf(groupNamed(tracker.state, group("lab~aaaaa")))).toBe("ambiguous-name");
  expect(groupNamed(tracker.state, lab)).toBe(gid);
});

describe("requests and members", () => {
  test("requests are for the owner's eyes", () => {
    tracker.must({ kind: "join-group", by: eve, group: lab });
    tracker.must({ kind: "join-group", by: bob, group: lab });
    expect(listRequests(tracker.state, ann, lab)).toEqual({
      rows: [
        { uid: bob, name: user("bob") },
        { uid: eve, name: user("eve") },
      ],
    });
    expect(codeOf(listRequests(tracker.state, bob, lab))).toBe("not-owner");
    expect(codeOf(listRequests(tracker.state, ann, group("none")))).toBe("unknown-group");
  });

  test("members are for members' eyes", () => {
    tracker.addMember(ann, "lab", bob);
    expect(listMembers(tracker.state, bob, lab)).toEqual({
      rows: [
        { uid: ann, name: user("ann"), owner: true },
        { uid: bob, name: user("bob"), owner: false },
      ],
    });
    expect(codeOf(listMembers(tracker.state, eve, lab))).toBe("not-member");
  });

  test("facts by id", () => {
    tracker.addMember(ann, "lab", bob);
    expect(membersOf(tracker.state, gid)).toEqual([ann, bob]);
    expect(groupsOf(tracker.state, bob)).toEqual([gid]);
    expect(groupName(tracker.state, gid)).toBe(lab);
    expect(groupName(tracker.state, "0" as Gid)).toBeUndefined();
    expect(accountOf(tracker.state, "0" as Uid)).toBeUndefined();
    expect(userName(tracker.state, "f".repeat(32) as Uid)).toBe(user("unknown~77777"));
  });
});

describe("files", () => {
  test("are for members' eyes, in order of name, with their sharers", () => {
    tracker.addMember(ann, "lab", bob);
    tracker.share(ann, "lab", "b.txt");
    tracker.share(bob, "lab", "A.txt");
    const rows = allRows((after) => listFiles(tracker.state, ann, lab, after));
    expect(rows.map(({ name }) => name as string)).toEqual(["A.txt", "b.txt"]);
    expect([...(rows[0]?.sharers ?? [])]).toMatchObject([{ uid: bob, device: deviceOf(bob) }]);
    expect(sharersOf(tracker.state, gid, fileOf("b.txt").fileId)).toMatchObject([{ uid: ann }]);
    expect(codeOf(listFiles(tracker.state, eve, lab))).toBe("not-member");
    expect(codeOf(findFile(tracker.state, eve, lab, file("b.txt")))).toBe("not-member");
    expect(codeOf(findFile(tracker.state, ann, lab, file("c.txt")))).toBe("unknown-file");
  });

  test("names so long that a page of them fits no message come in shorter pages, none left out", () => {
    const name = (made: number) => `${made}/${`${"n".repeat(230)}/`.repeat(4)}n`.slice(0, 990);
    const total = Math.ceil(LIST_PAGE_NAME_CHARS / 900) + 20;
    expect(total).toBeLessThan(LIST_PAGE_ROWS);
    for (let made = 0; made < total; made++) tracker.share(ann, "lab", name(made));
    const pageSizes: number[] = [];
    let after: string | undefined;
    do {
      const page = orThrow(listFiles(tracker.state, ann, lab, after));
      pageSizes.push(page.rows.length);
      const nameChars = page.rows.reduce((sum, row) => sum + row.name.length, 0);
      expect(nameChars).toBeLessThan(LIST_PAGE_NAME_CHARS + 1_000);
      after = page.next;
    } while (after !== undefined);
    expect(pageSizes).toHaveLength(2);
    expect(searchFiles(tracker.state, ann, "n").rows).toHaveLength(pageSizes[0] ?? 0);
    expect(pageSizes.reduce((sum, size) => sum + size, 0)).toBe(total);
  });

  test("own shares are told with their counters, stopped ones too", () => {
    tracker.share(ann, "lab", "a.txt", "a", 4);
    tracker.share(ann, "lab", "b.txt", "b", 7);
    tracker.stop(ann, "lab", "a", 5);
    const rows = ownShares(tracker.state, { uid: ann, device: deviceOf(ann) }).rows;
    expect(
      rows.map(({ name, shared, counter, group: of }) => [of, name, shared, counter]).sort() as unknown,
    ).toEqual([
      ["lab", "a.txt", false, 5],
      ["lab", "b.txt", true, 7],
    ]);
    expect(ownShares(tracker.state, { uid: ann, device: deviceOf("other") }).rows).toEqual([]);
    expect(ownShares(tracker.state, { uid: bob, device: deviceOf(ann) }).rows).toEqual([]);
  });
});

describe("search", () => {
  const found = (by: Uid, text: string) =>
    allRows((after) => searchFiles(tracker.state, by, text, after)).map(
      (row) => `${row.group}/${row.file.name}`,
    );

  test("looks in the own groups only, without regard to case", () => {
    tracker.createGroup(bob, "art");
    tracker.addMember(bob, "art", ann);
    tracker.share(ann, "lab", "Results 2.csv");
    tracker.share(bob, "art", "old RESULTS.txt");
    tracker.share(bob, "art", "song.ogg");
    expect(found(ann, "results")).toEqual(["art/old RESULTS.txt", "lab/Results 2.csv"]);
    expect(found(bob, "results")).toEqual(["art/old RESULTS.txt"]);
    expect(found(eve, "")).toEqual([]);
    expect(found(ann, "nothing")).toEqual([]);
  });

  test("pages go on from file to file and from group to group", () => {
    tracker.createGroup(ann, "art");
    const each = LIST_PAGE_ROWS / 2 + 100;
    for (let made = 0; made < each; made++) {
      tracker.share(ann, "lab", `l${made}`);
      tracker.share(ann, "art", `a${made}`);
    }
    const all = found(ann, "");
    expect(all.length).toBe(2 * each);
    expect(new Set(all).size).toBe(2 * each);
    expect(all[0]).toBe("art/a0");
  });

  test("a page ends early rather than look at too many names", () => {
    // Straight into the state: this many commands would take seconds.
    const { shares } = tracker.state;
    const entry = tracker.log[0];
    if (entry === undefined) throw new Error("no entry");
    for (let made = 0; made < SEARCH_NAMES_PER_PAGE_MAX + 10; made++) {
      const content = { ...fileOf("x"), fileId: made.toString(16).padStart(64, "0") as never };
      const name = file(`f${String(made).padStart(6, "0")}`);
      shares.addFile(entry, { kind: "file-added", gid, name, ...content });
      const share = {
        gid,
        fileId: content.fileId,
        uid: ann,
        device: deviceOf(ann),
        shared: true,
        counter: 1,
      };
      shares.setShare(entry, { kind: "share-set", ...share });
    }
    const wanted = String(SEARCH_NAMES_PER_PAGE_MAX + 5).padStart(6, "0");
    const first = searchFiles(tracker.state, ann, wanted);
    expect(first.rows).toEqual([]);
    expect(searchFiles(tracker.state, ann, wanted, first.next).rows.length).toBe(1);
  });
});
