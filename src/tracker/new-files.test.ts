import { expect, test } from "bun:test";
import type { FileId, FileName, Fingerprint, Gid, GroupName, Uid, UserName } from "../base/ids.ts";
import { NEW_FILES_PER_NOTICE_MAX } from "../base/limits.ts";
import type { Announcement } from "./announcements.ts";
import { gatherNewFiles, noticesOf } from "./new-files.ts";

const gid = "g" as Gid;
const [ann, ben] = ["ann" as Uid, "ben" as Uid];

function newFile(name: string, { by = ann, group = "lab" } = {}): Announcement {
  const news = {
    kind: "new-file",
    group: group as GroupName,
    name: name as FileName,
    user: by as string as UserName,
    size: 1,
  } as const;
  return { kind: "group-news", gid, by, news };
}

function shared(fileId: string): Announcement {
  return { kind: "shared", gid, fileId: fileId as FileId, uid: ann, device: "d" as Fingerprint };
}

function names(announcements: readonly Announcement[]): string[] {
  return gatherNewFiles(announcements).map((each) => {
    if (each.kind === "new-files") return each.news.map(({ name }) => name).join("+");
    return each.kind === "group-news" && each.news.kind === "new-file" ? each.news.name : each.kind;
  });
}

test("new files of one user in one group are told together, whoever is told of their sources between", () => {
  expect(names([shared("1"), newFile("a"), shared("2"), newFile("b"), shared("3"), newFile("c")])).toEqual([
    "shared",
    "a+b+c",
    "shared",
    "shared",
  ]);
});

test("one new file stays the news that it is", () => {
  expect(gatherNewFiles([newFile("a")])).toEqual([newFile("a")]);
});

test("what happened between stays between, and so do other users and other names of the group", () => {
  const ended: Announcement = { kind: "access-ended", gid, uid: ben };
  expect(names([newFile("a"), newFile("b"), ended, newFile("c"), newFile("d", { by: ben })])).toEqual([
    "a+b",
    "access-ended",
    "c",
    "d",
  ]);
  expect(names([newFile("a"), newFile("b", { group: "lab~2" }), newFile("c", { group: "lab~2" })])).toEqual([
    "a",
    "b+c",
  ]);
});

test("a client that takes them so gets as many in a notice as one may hold, any other news of each", () => {
  const many = NEW_FILES_PER_NOTICE_MAX + 1;
  const [together] = gatherNewFiles(Array.from({ length: many }, (_, at) => newFile(`${at}`)));
  if (together?.kind !== "new-files") throw new Error("not told together");
  const notices = [...noticesOf(together, { takesNewFiles: true })];
  expect(notices.map((each) => each.kind === "new-files" && each.files.length)).toEqual([many - 1, 1]);
  expect(notices[1]).toEqual({
    kind: "new-files",
    group: "lab" as GroupName,
    user: "ann" as UserName,
    files: [{ name: `${many - 1}` as FileName, size: 1 }],
  });
  const ofEach = [...noticesOf(together, { takesNewFiles: false })];
  expect(ofEach).toEqual(together.news.map((news) => ({ kind: "news", news })));
});
