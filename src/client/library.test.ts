import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../base/failure.ts";
import type { FileName, Gid, GroupName, ListingId, Sha1, Uid } from "../base/ids.ts";
import { LIBRARY_CHANGES_UNWRITTEN_MAX } from "../base/limits.ts";
import { listingOf } from "../base/listing-id.ts";
import { Manifest } from "../base/manifest.ts";
import { Library } from "./library.ts";
import type { DownloadRecord, ShareRecord } from "./library-rows.ts";

const ANNA = "a".repeat(32) as Uid;
const BEN = "b".repeat(32) as Uid;
const GID = "1".repeat(32) as Gid;

function summary(size: number) {
  return Manifest.make(size, size.toString(16).padStart(40, "0") as Sha1, new Uint8Array(52)).summary;
}

/** As one that is known by its content alone. */
function listing(size: number): ListingId {
  return listingOf(summary(size));
}

function share(size: number, change: Partial<ShareRecord> = {}): ShareRecord {
  return {
    gid: GID,
    listingId: listing(size),
    group: "lab" as GroupName,
    name: `file ${size}` as FileName,
    path: `/data/file ${size}`,
    file: summary(size),
    identity: { device: "1", inode: String(size), size, modifiedNs: "1700000000123456789" },
    counter: size,
    state: "shared",
    ...change,
  };
}

function download(order: number, change: Partial<DownloadRecord> = {}): DownloadRecord {
  return {
    gid: GID,
    listingId: listing(order),
    group: "lab" as GroupName,
    name: `file ${order}` as FileName,
    path: `/in/file ${order}`,
    base: "/in",
    file: summary(order),
    journalPath: `/journals/${order}`,
    order,
    state: "running",
    failure: undefined,
    doneBytes: 7,
    ...change,
  };
}

let folder: string;
let path: string;
let warnings: string[];
const open = () => Library.open(path, (message) => warnings.push(message));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "p2p-library-"));
  path = join(folder, "client.sqlite");
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("what a user shares and downloads", () => {
  test("is there again after a restart, each record as it was", () => {
    const first = open();
    first.of(ANNA).putShare(share(10));
    first.of(ANNA).putShare(share(11, { state: "stopped" }));
    first.of(ANNA).putDownload(download(1));
    first
      .of(ANNA)
      .putDownload(download(2, { state: "failed", failure: new Failure("disk-full", "no room") }));
    first.close();
    const second = open();
    expect(second.of(ANNA).shares()).toHaveLength(2);
    expect(second.of(ANNA).shares()).toContainEqual(share(10));
    expect(second.of(ANNA).shares()).toContainEqual(share(11, { state: "stopped" }));
    const [running, failed] = second.of(ANNA).downloads();
    expect(running).toEqual(download(1));
    expect(failed?.failure).toBeInstanceOf(Failure);
    expect(failed?.failure?.code).toBe("disk-full");
    expect(failed?.failure?.message).toBe("no room");
    second.close();
  });

  test("is nobody else's", () => {
    const library = open();
    library.of(ANNA).putShare(share(10));
    library.of(ANNA).putDownload(download(1));
    expect(library.of(BEN).shares()).toEqual([]);
    expect(library.of(BEN).sharesAt("/data/file 10")).toEqual([]);
    expect(library.of(BEN).downloads()).toEqual([]);
    library.close();
  });

  test("a later change of one share replaces the earlier", () => {
    const library = open();
    library.of(ANNA).putShare(share(10));
    library.of(ANNA).putShare(share(10, { state: "stopped", counter: 12 }));
    expect(library.of(ANNA).shares()).toEqual([share(10, { state: "stopped", counter: 12 })]);
    library.close();
  });

  test("what was shared from a path is found, the latest first", () => {
    const library = open();
    library.of(ANNA).putShare(share(10, { path: "/data/x" }));
    library.of(ANNA).putShare(share(11, { path: "/data/x" }));
    library.of(ANNA).putShare(share(12));
    expect(library.of(ANNA).sharesAt("/data/x")).toEqual([
      share(11, { path: "/data/x" }),
      share(10, { path: "/data/x" }),
    ]);
    library.close();
  });

  test("a complete download is forgotten at the next start, an unfinished one is not", () => {
    const first = open();
    first.of(ANNA).putDownload(download(1, { state: "complete" }));
    first.of(ANNA).putDownload(download(2, { state: "paused" }));
    expect(first.of(ANNA).downloads()).toHaveLength(2);
    first.close();
    const second = open();
    expect(second.of(ANNA).downloads()).toEqual([download(2, { state: "paused" })]);
    expect(second.of(ANNA).nextOrder()).toBe(3);
    second.of(ANNA).removeDownload(GID, listing(2));
    expect(second.of(ANNA).downloads()).toEqual([]);
    expect(second.of(ANNA).nextOrder()).toBe(1);
    second.close();
  });

  test("names the piece lists that are still needed", () => {
    const library = open();
    library.of(ANNA).putShare(share(10));
    library.of(BEN).putDownload(download(20));
    expect(library.digests()).toEqual(new Set([summary(10).digest, summary(20).digest]));
    library.close();
  });
});

describe("the change counter", () => {
  test("rises with each change, over restarts, and above what was learnt", () => {
    const first = open();
    const anna = first.of(ANNA);
    expect([anna.nextCounter(), anna.nextCounter()]).toEqual([1, 2]);
    anna.learnCounter(2);
    expect(anna.nextCounter()).toBe(3);
    anna.learnCounter(5_000);
    anna.learnCounter(7);
    const last = anna.nextCounter();
    expect(last).toBe(5_001);
    first.close();
    const second = open();
    expect(second.of(ANNA).nextCounter()).toBeGreaterThan(last);
    expect(second.of(BEN).nextCounter()).toBe(1);
    second.close();
  });
});

describe("what is put soon", () => {
  test("is on the disk after a flush, in the order in which it was put", () => {
    const first = open();
    const anna = first.of(ANNA);
    anna.putShareSoon(share(1));
    anna.putShareSoon(share(1, { state: "stopped" }));
    anna.putDownloadSoon(download(1));
    const other = open();
    expect(other.of(ANNA).shares()).toEqual([]);
    anna.flush();
    expect(other.of(ANNA).shares()).toEqual([share(1, { state: "stopped" })]);
    expect(other.of(ANNA).downloads()).toEqual([download(1)]);
    other.close();
    first.close();
  });

  test("comes before whatever is put or read after it, and is not kept back without end", () => {
    const first = open();
    const anna = first.of(ANNA);
    anna.putShareSoon(share(1));
    anna.putShare(share(1, { state: "stopped" }));
    expect(anna.shares()).toEqual([share(1, { state: "stopped" })]);
    for (let at = 0; at < LIBRARY_CHANGES_UNWRITTEN_MAX; at++) anna.putDownloadSoon(download(at + 1));
    const other = open();
    expect(other.of(ANNA).downloads()).toHaveLength(LIBRARY_CHANGES_UNWRITTEN_MAX);
    other.close();
    first.close();
  });
});

describe("damage", () => {
  test("a damaged record is left out with a warning, the others stay", () => {
    const first = open();
    first.of(ANNA).putShare(share(10));
    first.of(ANNA).putShare(share(11));
    first.close();
    const database = new Database(path);
    database.run("UPDATE share SET name = '../evil' WHERE size = 10");
    database.close();
    const second = open();
    expect(second.of(ANNA).shares()).toEqual([share(11)]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("share record");
    second.close();
  });

  test("a damaged page is told as a failure by whatever reads it", () => {
    const first = open();
    for (let size = 1; size < 100; size++) first.of(ANNA).putShare(share(size));
    first.close();
    const database = new Database(path);
    database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    const pages = database.query("SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'share'").all();
    database.close();
    const bytes = readFileSync(path);
    for (const { rootpage } of pages as { rootpage: number }[])
      bytes.fill(0xff, (rootpage - 1) * 4_096, rootpage * 4_096);
    writeFileSync(path, bytes);
    const second = open();
    for (const read of [() => second.digests(), () => second.of(ANNA).shares()])
      expect(read).toThrow(Failure);
    second.close();
  });

  test("a file that is no library is refused with what to do, and left as it is", async () => {
    await Bun.write(path, "not a database, and long enough to be read as one".repeat(100));
    expect(open).toThrow("move it away");
    expect(await Bun.file(path).text()).toStartWith("not a database");
  });

  test("a library of the versions before is taken over, where a content had one name", () => {
    const database = new Database(path);
    database.run(`CREATE TABLE counter (uid TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE share (
        uid TEXT NOT NULL, gid TEXT NOT NULL, file_id TEXT NOT NULL,
        group_name TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
        size INTEGER NOT NULL, sha1 TEXT NOT NULL, digest TEXT NOT NULL,
        device TEXT NOT NULL, inode TEXT NOT NULL, bytes INTEGER NOT NULL, modified_ns TEXT NOT NULL,
        counter INTEGER NOT NULL, state TEXT NOT NULL,
        PRIMARY KEY (uid, gid, file_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX share_of_path ON share (uid, path);
      CREATE TABLE download (
        uid TEXT NOT NULL, gid TEXT NOT NULL, file_id TEXT NOT NULL,
        group_name TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
        size INTEGER NOT NULL, sha1 TEXT NOT NULL, digest TEXT NOT NULL,
        journal_path TEXT NOT NULL, place INTEGER NOT NULL, state TEXT NOT NULL, done_bytes INTEGER NOT NULL,
        failure_code TEXT, failure_message TEXT,
        PRIMARY KEY (uid, gid, file_id)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE settled (
        uid TEXT NOT NULL, gid TEXT NOT NULL, file_id TEXT NOT NULL,
        PRIMARY KEY (uid, gid, file_id)
      ) STRICT, WITHOUT ROWID;
      PRAGMA user_version = 1`);
    const of = ({ fileId, sha1, digest }: ReturnType<typeof summary>, name: string) =>
      `'${ANNA}', '${GID}', '${fileId}', 'lab', '${name}', '/in/${name}', 3, '${sha1}', '${digest}'`;
    database.run(`INSERT INTO share VALUES (${of(summary(3), "s")}, '1', '2', 3, '4', 7, 'shared')`);
    database.run(`INSERT INTO download VALUES (${of(summary(3), "f")}, '/j', 1, 'running', 0, NULL, NULL)`);
    database.run(`INSERT INTO settled VALUES ('${ANNA}', '${GID}', '${summary(3).fileId}')`);
    database.close();
    const library = open();
    const listingId = listing(3);
    const anna = library.of(ANNA);
    expect(anna.downloads()).toMatchObject([{ listingId, file: summary(3), path: "/in/f", base: "/in" }]);
    expect(anna.shares()).toMatchObject([{ listingId, file: summary(3), path: "/in/s", counter: 7 }]);
    expect(anna.isSettled(GID, listingId)).toBe(true);
    library.close();
    expect(warnings).toEqual([]);
  });

  test("a library of a later version is refused", () => {
    open().close();
    const database = new Database(path);
    database.run("PRAGMA user_version = 99");
    database.close();
    expect(open).toThrow("later version");
  });
});

test.skipIf(process.platform === "win32")("the library is for its owner's eyes only", () => {
  const folder = mkdtempSync(join(tmpdir(), "p2p-library-mode-"));
  try {
    Library.open(join(folder, "client.sqlite"), () => {}).close();
    expect(statSync(join(folder, "client.sqlite")).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("followed groups", () => {
  const FOLLOW = { gid: GID, group: "lab" as GroupName, folder: "/in" };
  const FILE = listing(1);

  test("are kept for each user, with what is settled there, until they are followed no more", () => {
    let library = open();
    library.of(ANNA).putFollow(FOLLOW);
    library.of(ANNA).putFollow({ ...FOLLOW, folder: "/other" });
    library.of(ANNA).settle(GID, [FILE]);
    library.of(ANNA).settle(GID, [FILE]);
    library.close();
    library = open();
    expect(library.of(ANNA).follows()).toEqual([{ ...FOLLOW, folder: "/other" }]);
    expect(library.of(ANNA).isSettled(GID, FILE)).toBe(true);
    expect([library.of(BEN).follows(), library.of(BEN).isSettled(GID, FILE)]).toEqual([[], false]);
    library.of(ANNA).removeFollow(GID);
    expect([library.of(ANNA).follows(), library.of(ANNA).isSettled(GID, FILE)]).toEqual([[], false]);
    library.close();
  });

  test("have their place in a library that was made before there were any", () => {
    open().close();
    const database = new Database(path);
    database.run("DROP TABLE follow");
    database.run("DROP TABLE settled");
    database.close();
    const library = open();
    library.of(ANNA).putFollow(FOLLOW);
    expect(library.of(ANNA).follows()).toEqual([FOLLOW]);
    library.close();
  });
});
