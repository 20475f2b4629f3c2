import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import type { FileId, FileName, Gid, GroupName, ListingId } from "../base/ids.ts";
import { LINUX, MACOS, type Platform, WINDOWS } from "../base/platform.ts";
import { hexId } from "../testing/test-tracker.ts";
import { DownloadBook } from "./download-book.ts";
import { DownloadJob } from "./download-job.ts";
import type { DownloadRecord } from "./library-rows.ts";

const gid = hexId<Gid>("films");

function bookWith(path: string, platform: Platform): DownloadBook {
  const book = new DownloadBook(platform);
  const record = {
    gid,
    group: "films" as GroupName,
    name: "a.mkv" as FileName,
    path,
    listingId: hexId<ListingId>("one"),
    file: { fileId: hexId<FileId>("one"), size: 1 },
    state: "running",
  } as DownloadRecord;
  book.add(new DownloadJob(record, { kind: "queued" }, false));
  return book;
}

function refusal(book: DownloadBook, path: string): string {
  try {
    book.refuseSecond(gid, hexId<ListingId>("two"), path);
    return "none";
  } catch (error) {
    return error instanceof Failure ? error.code : String(error);
  }
}

test("to one place goes one download, also where a name in other letters is the same name", () => {
  for (const platform of [MACOS, WINDOWS]) {
    const book = bookWith("/home/ada/Caf\u00e9.mkv", platform);
    for (const path of ["/home/ada/Caf\u00e9.mkv", "/home/ada/cafe\u0301.MKV", "/Home/Ada/CAF\u00c9.mkv"])
      expect(refusal(book, path)).toBe("download-exists");
    expect(refusal(book, "/home/ada/cafe.mkv")).toBe("none");
  }
});

test("where they are two names, two downloads go there", () => {
  const book = bookWith("/home/ada/A.mkv", LINUX);
  expect(refusal(book, "/home/ada/a.mkv")).toBe("none");
  expect(refusal(book, "/home/ada/A.mkv")).toBe("download-exists");
});

test("a place is free again when its download is forgotten", () => {
  const book = bookWith("/home/ada/A.mkv", WINDOWS);
  for (const job of book.all()) book.remove(job);
  expect(refusal(book, "/home/ada/a.mkv")).toBe("none");
});
