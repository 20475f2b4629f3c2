import { describe, expect, test } from "bun:test";
import { Bitfield } from "../../base/bitfield.ts";
import { Failure } from "../../base/failure.ts";
import type { FileId, PieceIndex, Sha1 } from "../../base/ids.ts";
import { JOURNAL_SYNC_MS, JOURNAL_SYNC_PIECES, PIECE_BYTES } from "../../base/limits.ts";
import { Manifest } from "../../base/manifest.ts";
import { ManualClock, settle } from "../../testing/manual-clock.ts";
import { DescriptorUse } from "./descriptor-use.ts";
import { StoredDownload } from "./download-file.ts";
import type { Journal } from "./journal.ts";
import { PIECE_HASH_BYTES } from "./piece-hash.ts";

const PIECES = JOURNAL_SYNC_PIECES + 100;
const MANIFEST = Manifest.make(
  PIECES * PIECE_BYTES,
  "00".repeat(20) as Sha1,
  new Uint8Array(PIECES * PIECE_HASH_BYTES),
);
const FILE = 9;
const IDENTITY = { device: "1", inode: "2", size: PIECES * PIECE_BYTES, modifiedNs: "3" };

/** A download on a disk that only notes what it is told, and fails where it is asked to. */
function world({ syncFails = 0 } = {}) {
  const calls: string[] = [];
  const clock = new ManualClock();
  const use = new DescriptorUse();
  let failures = syncFails;
  let heads: Journal[] = [];
  const note = (what: string) => async () => {
    calls.push(what);
  };
  const part = {
    descriptor: FILE,
    identity: async () => IDENTITY,
    setModified: note("time set"),
    sync: async () => {
      calls.push("data sync");
      if (failures-- > 0) throw new Failure("disk-error", "as injected");
    },
    place: note("place"),
    remove: note("part removed"),
    close: note("part closed"),
  };
  const journal = {
    append: async () => {},
    sync: note("journal sync"),
    replace: async (head: Journal) => {
      calls.push("head");
      heads = [...heads, head];
    },
    remove: note("journal removed"),
    close: note("journal closed"),
  };
  const download = new StoredDownload(
    { workers: use, clock },
    { manifest: MANIFEST, path: "/a", base: "/", journalPath: "/j" },
    { part, journal, resumed: new Bitfield(PIECES) },
  );
  const record = (from: number, to = from + 1) => {
    for (let piece = from; piece < to; piece++) void download.recordWritten(piece as PieceIndex);
  };
  return { download, record, calls, clock, use, heads: () => heads };
}

describe("while it runs", () => {
  test("data is synced before the journal, a while after the first piece", async () => {
    const { record, calls, clock } = world();
    record(0, 5);
    clock.advance(JOURNAL_SYNC_MS - 1);
    await settle();
    expect(calls).toEqual([]);
    clock.advance(1);
    await settle();
    expect(calls).toEqual(["data sync", "journal sync"]);
    record(5);
    clock.advance(JOURNAL_SYNC_MS);
    await settle();
    expect(calls.length).toBe(4);
  });

  test("or as soon as many pieces have come, once", async () => {
    const { record, calls, clock } = world();
    record(0, JOURNAL_SYNC_PIECES);
    await settle();
    expect(calls).toEqual(["data sync", "journal sync"]);
    clock.advance(JOURNAL_SYNC_MS);
    await settle();
    expect(calls.length).toBe(2);
  });

  test("a piece that is recorded twice counts once", () => {
    const { record, clock } = world();
    record(1);
    record(1);
    expect(clock.pending).toBe(1);
  });
});

describe("the end", () => {
  test("of a suspended one is a clean head with all its pieces, written after the sync", async () => {
    const { download, record, calls, heads } = world();
    record(3);
    await download.suspend();
    await download.close();
    record(4);
    expect(calls).toEqual([
      "data sync",
      "journal sync",
      "head",
      "journal closed",
      "journal closed",
      "part closed",
    ]);
    const [head] = heads();
    expect(head?.clean).toEqual(IDENTITY);
    expect(head?.fileId).toBe(MANIFEST.summary.fileId as FileId);
    expect([...(head?.claimed.indices() ?? [])]).toEqual([3]);
  });

  test("waits for the jobs on the descriptor before it syncs, and before it closes", async () => {
    const { download, calls, use } = world();
    use.begin(FILE);
    const suspended = download.suspend();
    await settle();
    expect(calls).toEqual([]);
    use.end(FILE);
    await suspended;
    use.begin(FILE);
    const closed = download.close();
    await settle();
    expect(calls).not.toContain("part closed");
    use.end(FILE);
    await closed;
    expect(calls).toContain("part closed");
  });

  test("is never a trusted journal or a placed file once a sync has failed, though a later one succeeds", async () => {
    const { download, record, calls, clock, heads } = world({ syncFails: 1 });
    record(1);
    clock.advance(JOURNAL_SYNC_MS);
    await settle();
    await expect(download.suspend()).rejects.toThrow("as injected");
    await expect(download.place()).rejects.toThrow("as injected");
    expect(heads().filter(({ clean }) => clean !== undefined)).toEqual([]);
    expect(calls).not.toContain("place");
    await download.discard();
    expect(calls.slice(-2)).toEqual(["part removed", "journal removed"]);
  });

  test("is a journal that claims nothing from before a failed sync: the system would show what never reached the disk", async () => {
    const { download, record, calls, heads } = world({ syncFails: 1 });
    record(0, JOURNAL_SYNC_PIECES);
    await settle();
    expect(calls).toEqual(["data sync", "head"]);
    expect(heads().map(({ claimed, clean }) => [claimed.count, clean])).toEqual([[0, undefined]]);
    await download.close();
  });

  test("of a prepared one has nothing left to sync, and its preparing waits for nobody who reads", async () => {
    const { download, record, calls, use } = world();
    record(1);
    use.begin(FILE);
    await download.prepare();
    use.end(FILE);
    await download.place();
    expect(calls).toEqual(["data sync", "journal sync", "place", "journal removed"]);
  });

  test("of a placed one takes the journal away last", async () => {
    const { download, record, calls, clock } = world();
    record(1);
    await download.place();
    expect(calls).toEqual(["data sync", "journal sync", "place", "journal removed"]);
    expect(clock.pending).toBe(0);
  });
});
