import { beforeEach, describe, expect, spyOn, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import { type Gid, parseFileName, type Sha1, type Uid } from "../../base/ids.ts";
import { FILE_NAME_BYTES_MAX, FILES_PER_GROUP_MAX } from "../../base/limits.ts";
import { listingIdOf } from "../../base/listing-id.ts";
import {
  bodiesOf,
  codeOf,
  deviceOf,
  file,
  fileOf,
  group,
  hexId,
  TestTracker,
  user,
} from "../../testing/test-tracker.ts";
import { findFile, groupNamed, listedContent, listFiles, ownShares, sharersOf } from "./queries.ts";
import { checkInvariants } from "./state.ts";

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
  tracker.addMember(ann, "lab", bob);
});

/** Names with the number of their sharers. */
function listed(): [string, number][] {
  const page = listFiles(tracker.state, ann, lab);
  if (page instanceof Failure) throw page;
  checkInvariants(tracker.state);
  return page.rows.map(({ name, sharers }) => [name, [...sharers].length]);
}

describe("share", () => {
  test("lists the file with its sharer", () => {
    const [added, shared] = bodiesOf(tracker.share(ann, "lab", "a.txt"));
    expect([added?.kind, shared?.kind]).toEqual(["file-added", "share-set"]);
    expect(listed()).toEqual([["a.txt", 1]]);
    expect(findFile(tracker.state, bob, lab, file("A.TXT"))).toEqual({
      gid,
      listingId: listingIdOf(fileOf("a.txt").fileId, file("a.txt")),
      name: file("a.txt"),
      file: fileOf("a.txt"),
      attributes: undefined,
    });
  });

  test("the same content under the same name adds a source", () => {
    tracker.share(ann, "lab", "a.txt");
    expect(bodiesOf(tracker.share(bob, "lab", "a.txt")).map(({ kind }) => kind)).toEqual(["share-set"]);
    expect(listed()).toEqual([["a.txt", 2]]);
  });

  test("two machines of one user are two sources", () => {
    tracker.share(ann, "lab", "a.txt");
    const device = deviceOf("ann's other machine");
    const command = { by: ann, device, group: lab, name: file("a.txt"), file: fileOf("a.txt"), counter: 1 };
    bodiesOf(tracker.run({ kind: "share-file", ...command }));
    expect(listed()).toEqual([["a.txt", 2]]);
  });

  test("a content under another name is listed under both, each with its own sharers", () => {
    tracker.share(ann, "lab", "a.txt", "content");
    bodiesOf(tracker.share(bob, "lab", "b.txt", "content"));
    bodiesOf(tracker.share(bob, "lab", "a.txt", "content", 2));
    expect(listed()).toEqual([
      ["a.txt", 2],
      ["b.txt", 1],
    ]);
    expect(sharersOf(tracker.state, gid, fileOf("content").fileId).map(({ uid }) => uid)).toEqual([ann, bob]);
  });

  test("a listing of before, known by its content alone, is found by its name and goes on", () => {
    const { fileId, size, sha1, digest } = fileOf("old");
    const [entry] = tracker.log;
    if (entry === undefined) throw new Error("no entry");
    const { shares } = tracker.state;
    const name = file("a.txt");
    shares.addFile(entry, { kind: "file-added", gid, fileId, name, size, sha1, digest });
    const device = deviceOf(ann);
    shares.setShare(entry, { kind: "share-set", gid, fileId, uid: ann, device, shared: true, counter: 1 });
    expect(bodiesOf(tracker.share(bob, "lab", "a.txt", "old"))).toMatchObject([
      { kind: "share-set", fileId },
    ]);
    bodiesOf(tracker.share(bob, "lab", "b.txt", "old", 2));
    expect(listed()).toEqual([
      ["a.txt", 2],
      ["b.txt", 1],
    ]);
    bodiesOf(tracker.stop(ann, "lab", "old", 3));
    expect(listed()[0]).toEqual(["a.txt", 1]);
  });

  test("other content under a taken name is refused with the way out", () => {
    tracker.share(ann, "lab", "a.txt", "one");
    const refused = tracker.share(bob, "lab", "A.txt", "two") as Failure;
    expect(refused.code).toBe("name-taken");
    expect(refused.message).toBe("lab has another file named a.txt; upload_file <path> lab <other name>");
    bodiesOf(tracker.share(bob, "lab", "b.txt", "two"));
    expect(listed()).toEqual([
      ["a.txt", 1],
      ["b.txt", 1],
    ]);
  });

  test("a full group takes no more files, but more sources of those that it has", () => {
    bodiesOf(tracker.share(ann, "lab", "a.txt"));
    // A million files would take minutes.
    using full = spyOn(tracker.state.shares, "fileCount").mockReturnValue(FILES_PER_GROUP_MAX);
    expect(tracker.share(bob, "lab", "b.txt")).toMatchObject({
      code: "too-many",
      message: "lab holds 1000000 files, the most that a group may hold",
    });
    bodiesOf(tracker.share(bob, "lab", "a.txt"));
    full.mockReturnValue(FILES_PER_GROUP_MAX - 1);
    bodiesOf(tracker.share(bob, "lab", "b.txt"));
  });

  test("only members share, and others learn nothing of what is there", () => {
    tracker.share(ann, "lab", "a.txt");
    const known = tracker.share(eve, "lab", "a.txt") as Failure;
    const unknown = tracker.share(eve, "lab", "x.txt") as Failure;
    expect(known.code).toBe("not-member");
    expect(known.message).toBe(unknown.message);
    tracker.run({ kind: "join-group", by: eve, group: lab });
    expect(codeOf(tracker.share(eve, "lab", "a.txt"))).toBe("not-member");
    expect(codeOf(tracker.share(eve, "nothing", "a.txt"))).toBe("unknown-group");
  });

  test("a content that is listed with another SHA-1 is refused", () => {
    tracker.share(ann, "lab", "a.txt");
    const forged = { ...fileOf("a.txt"), sha1: hexId<Sha1>("forged", 40) };
    const command = {
      by: bob,
      device: deviceOf(bob),
      group: lab,
      name: file("a.txt"),
      file: forged,
      counter: 1,
    };
    expect(codeOf(tracker.run({ kind: "share-file", ...command }))).toBe("corrupt");
    expect(codeOf(tracker.run({ kind: "share-file", ...command, name: file("b.txt") }))).toBe("corrupt");
  });

  test("a file name leaves room for the suffix that merging may give it", () => {
    const longest = "a".repeat(FILE_NAME_BYTES_MAX);
    expect(codeOf(tracker.share(ann, "lab", `${longest}~draft`))).toBe("invalid-name");
    const other = new TestTracker(2);
    other.take(tracker.log);
    bodiesOf(tracker.share(ann, "lab", longest, "one"));
    bodiesOf(other.share(bob, "lab", longest, "two"));
    tracker.meet(other);
    expect(listed().length).toBe(2);
    for (const [name] of listed()) expect(parseFileName(name) as string).toBe(name);
  });

  test("the same change again is answered, one from before is refused", () => {
    tracker.share(ann, "lab", "a.txt", "a.txt", 3);
    expect(tracker.share(ann, "lab", "a.txt", "a.txt", 3)).toEqual([]);
    tracker.stop(ann, "lab", "a.txt", 4);
    expect(codeOf(tracker.share(ann, "lab", "a.txt", "a.txt", 3))).toBe("try-later");
    expect(codeOf(tracker.share(ann, "lab", "a.txt", "a.txt", 4))).toBe("try-later");
    expect(listed()).toEqual([]);
    bodiesOf(tracker.share(ann, "lab", "a.txt", "a.txt", 5));
  });
});

describe("stop", () => {
  test("of one name leaves the others as they are", () => {
    for (const [at, name] of ["a.txt", "b.txt"].entries()) tracker.share(ann, "lab", name, "same", at + 1);
    const listingId = listingIdOf(fileOf("same").fileId, file("a.txt"));
    bodiesOf(
      tracker.run({ kind: "stop-share", by: ann, device: deviceOf(ann), group: lab, listingId, counter: 3 }),
    );
    expect(listed()).toEqual([["b.txt", 1]]);
    expect(ownShares(tracker.state, { uid: ann, device: deviceOf(ann) }).rows).toMatchObject(
      [false, true].map((shared) => expect.objectContaining({ shared })),
    );
  });

  test("of whichever name: the content is shared and listed while one is left", () => {
    const { fileId } = fileOf("same");
    const [device, counters] = [deviceOf(ann), [1, 2, 3, 4, 5, 6, 7, 8].values()];
    const counter = () => counters.next().value ?? 0;
    const isThere = () => [
      tracker.state.shares.sharesContent(gid, fileId, { uid: ann, device }),
      listedContent(tracker.state, gid, fileId) !== undefined,
    ];
    const names = ["a.txt", "b.txt"];
    for (const stopped of names) {
      for (const name of names) bodiesOf(tracker.share(ann, "lab", name, "same", counter()));
      for (const name of [stopped, ...names.filter((each) => each !== stopped)]) {
        expect(isThere()).toEqual([true, true]);
        const listingId = listingIdOf(fileId, file(name));
        bodiesOf(
          tracker.run({ kind: "stop-share", by: ann, device, group: lab, listingId, counter: counter() }),
        );
      }
      expect(isThere()).toEqual([false, false]);
    }
  });

  test("the file goes from the list with its last sharer", () => {
    tracker.share(ann, "lab", "a.txt");
    tracker.share(bob, "lab", "a.txt");
    bodiesOf(tracker.stop(ann, "lab", "a.txt"));
    expect(listed()).toEqual([["a.txt", 1]]);
    bodiesOf(tracker.stop(bob, "lab", "a.txt"));
    expect(listed()).toEqual([]);
    expect(codeOf(findFile(tracker.state, ann, lab, file("a.txt")))).toBe("unknown-file");
  });

  test("what this machine does not share is refused; who is no member learns only that", () => {
    tracker.share(ann, "lab", "a.txt");
    expect(codeOf(tracker.stop(bob, "lab", "a.txt"))).toBe("not-shared");
    expect(codeOf(tracker.stop(eve, "lab", "a.txt"))).toBe("not-member");
    expect(codeOf(tracker.stop(eve, "lab", "nothing"))).toBe("not-member");
    tracker.stop(ann, "lab", "a.txt");
    expect(codeOf(tracker.stop(ann, "lab", "a.txt", 9))).toBe("not-shared");
  });

  test("the same change again is answered, one from before is refused", () => {
    tracker.share(ann, "lab", "a.txt", "a.txt", 5);
    expect(codeOf(tracker.stop(ann, "lab", "a.txt", 5))).toBe("try-later");
    bodiesOf(tracker.stop(ann, "lab", "a.txt", 6));
    expect(tracker.stop(ann, "lab", "a.txt", 6)).toEqual([]);
  });
});

describe("a name whose content nobody shares any more", () => {
  beforeEach(() => {
    tracker.share(ann, "lab", "a.txt", "old");
    tracker.stop(ann, "lab", "old");
  });

  test("is free for another content", () => {
    bodiesOf(tracker.share(bob, "lab", "a.txt", "new"));
    expect(findFile(tracker.state, ann, lab, file("a.txt"))).toMatchObject({ file: fileOf("new") });
  });

  test("the earlier content then needs another name, and gets it", () => {
    tracker.share(bob, "lab", "a.txt", "new");
    expect(codeOf(tracker.share(ann, "lab", "a.txt", "old", 3))).toBe("name-taken");
    bodiesOf(tracker.share(ann, "lab", "old.txt", "old", 3));
    expect(listed()).toEqual([
      ["a.txt", 1],
      ["old.txt", 1],
    ]);
  });

  test("shared again as it was, nothing is added but the share", () => {
    expect(bodiesOf(tracker.share(ann, "lab", "a.txt", "old", 3)).map(({ kind }) => kind)).toEqual([
      "share-set",
    ]);
    expect(listed()).toEqual([["a.txt", 1]]);
  });
});

describe("shares of somebody who is no member", () => {
  beforeEach(() => {
    tracker.share(bob, "lab", "b.txt");
    tracker.must({ kind: "remove-member", by: ann, group: lab, user: user("bob") });
  });

  test("do not count, and count again when let in again", () => {
    expect(listed()).toEqual([]);
    tracker.addMember(ann, "lab", bob);
    expect(listed()).toEqual([["b.txt", 1]]);
  });

  test("do not keep a name from others", () => {
    bodiesOf(tracker.share(ann, "lab", "b.txt", "other"));
    tracker.addMember(ann, "lab", bob);
    const names = listed().map(([name]) => name);
    expect(names.length).toBe(2);
    expect(names.some((name) => /^b\.txt~[a-z2-7]{5}$/.test(name))).toBe(true);
  });

  test("are not told to its machine, but may be stopped", () => {
    expect(ownShares(tracker.state, { uid: bob, device: deviceOf(bob) }).rows).toEqual([]);
    bodiesOf(tracker.stop(bob, "lab", "b.txt"));
    tracker.addMember(ann, "lab", bob);
    expect(listed()).toEqual([]);
  });
});

test("after the group is deleted its name says nothing of its files", () => {
  tracker.share(ann, "lab", "a.txt");
  tracker.must({ kind: "delete-group", by: ann, group: lab });
  expect(groupNamed(tracker.state, lab)).toBeInstanceOf(Failure);
  expect(ownShares(tracker.state, { uid: ann, device: deviceOf(ann) }).rows).toEqual([]);
  tracker.createGroup(bob, "lab");
  const files = listFiles(tracker.state, bob, lab);
  expect(files).toEqual({ rows: [] });
  checkInvariants(tracker.state);
});
