/** What every store must keep: one suite, run by a short test for each implementation. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Failure, type FailureCode } from "../../base/failure.ts";
import type { Digest, Gid, Uid, UserName } from "../../base/ids.ts";
import {
  BLOB_PART_BYTES,
  BLOBS_UNFINISHED_MAX,
  LOG_PAGE_ENTRIES_MAX,
  ROW_PAGE_ROWS_MAX,
} from "../../base/limits.ts";
import { digestOf } from "../../base/manifest.ts";
import { type Entry, encodeBody, type Origin, parseEntry } from "../../wire/entry.ts";
import {
  encodeRow,
  parseStateRow,
  type RowOf,
  rowKey,
  type SharedRow,
  type StateRow,
} from "../../wire/state-row.ts";
import { RowSum } from "../core/row-sum.ts";
import type { VersionVector } from "../core/version-vector.ts";
import type { EventStore } from "./event-store.ts";

/** A place for one store that outlives it. */
export interface StorePlace {
  open(): EventStore;
  dispose(): void;
}

const first = "1-00000000000000aa" as Origin;
const second = "2-00000000000000bb" as Origin;

function entryOf(origin: Origin, seq: number, name = `user${seq}`): Entry {
  const hex = seq.toString(16).padStart(32, "0");
  const body = { kind: "account-created", uid: hex, name, passwordHash: "$argon2id$hash" };
  const entry = parseEntry({ key: { origin, seq }, stamp: "0000000000010000", request: hex, body });
  if (entry instanceof Failure) throw entry;
  return entry;
}

function entriesOf(origin: Origin, from: number, to: number): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, index) => entryOf(origin, from + index));
}

/** With nothing behind it but its form. */
function rowOf(value: unknown): StateRow {
  const row = parseStateRow(value);
  if (row instanceof Failure) throw row;
  return row;
}

function hexOf(number: number, digits = 32): string {
  return number.toString(16).padStart(digits, "0");
}

function accountRow(number: number, name = `user${number}`): StateRow {
  const claim = `${hexOf(1, 16)} ${first}`;
  return rowOf({
    kind: "account",
    uid: hexOf(number),
    creation: { claim, name },
    password: { claim, hash: "$argon2id$hash" },
  });
}

function groupRow(group: number): StateRow {
  return rowOf({ kind: "group", gid: hexOf(group), deleted: false, transfers: [] });
}

function personRow(group: number, person: number): StateRow {
  const nobody = { open: [], closed: [hexOf(1)], removals: [] };
  return rowOf({ kind: "person", gid: hexOf(group), uid: hexOf(person), ...nobody });
}

function fileRow(group: number, content: number): SharedRow {
  const about = { claim: `${hexOf(1, 16)} ${first}`, name: `file ${content}`, size: 1 };
  const listing = { ...about, sha1: hexOf(content, 40), digest: hexOf(content, 64) };
  return rowOf({ kind: "file", gid: hexOf(group), fileId: hexOf(content, 64), listing }) as SharedRow;
}

function shareRow(group: number, content: number): SharedRow {
  const place = { gid: hexOf(group), fileId: hexOf(content, 64), uid: hexOf(1), device: hexOf(1, 64) };
  return rowOf({ kind: "share", ...place, shared: true, counter: 1, stamp: hexOf(1, 16) }) as SharedRow;
}

function sumOf(rows: Iterable<StateRow>): string {
  const sum = new RowSum();
  for (const row of rows) sum.add(encodeRow(row));
  return sum.toString();
}

const vectorOf = (firstSeq: number, secondSeq = 0): VersionVector =>
  new Map(
    [
      [first, firstSeq],
      [second, secondSeq],
    ].filter(([, seq]) => seq !== 0) as [Origin, number][],
  );

function expectFailure(code: FailureCode, run: () => unknown): void {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(Failure);
  expect((thrown as Failure).code).toBe(code);
}

/** Bytes of which no two parts are equal. */
function bytesOf(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1024) bytes[at] = (at / 1024 + at / BLOB_PART_BYTES) * seed;
  return bytes;
}

function partAt(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.subarray(offset, offset + BLOB_PART_BYTES);
}

export function describeEventStore(name: string, makePlace: () => StorePlace): void {
  describe(name, () => {
    let place: StorePlace;
    let store: EventStore;

    beforeEach(() => {
      place = makePlace();
      store = place.open();
    });
    afterEach(() => {
      store.close();
      place.dispose();
    });

    function reopen(): void {
      store.close();
      store = place.open();
    }

    function putWhole(bytes: Uint8Array): Digest {
      const digest = digestOf(bytes);
      for (let offset = 0; offset < Math.max(1, bytes.length); offset += BLOB_PART_BYTES)
        store.putBlob(digest, offset, partAt(bytes, offset), bytes.length);
      return digest;
    }

    describe("log", () => {
      test("a new store is empty", () => {
        expect([...store.replay()]).toEqual([]);
        expect(store.vector().size).toBe(0);
        expect(store.entriesAfter(first, 0, 10)).toEqual([]);
      });

      test("what was appended is replayed after reopening, each origin in sequence", () => {
        store.append([...entriesOf(first, 1, 2), entryOf(second, 1)]);
        store.append([entryOf(first, 3), entryOf(second, 2)]);
        reopen();
        const replayed = [...store.replay()];
        expect(replayed.filter(({ key }) => key.origin === first)).toEqual(entriesOf(first, 1, 3));
        expect(replayed.filter(({ key }) => key.origin === second)).toEqual(entriesOf(second, 1, 2));
        expect(replayed.length).toBe(5);
        expect(store.vector()).toEqual(
          new Map([
            [first, 3],
            [second, 2],
          ]),
        );
      });

      test("replay goes on over more entries than one page", () => {
        const entries = entriesOf(first, 1, 2 * LOG_PAGE_ENTRIES_MAX + 1);
        store.append(entries);
        expect([...store.replay()]).toEqual(entries);
      });

      test("a follower gets what it has not seen, at most as much as it asks for", () => {
        store.append(entriesOf(first, 1, LOG_PAGE_ENTRIES_MAX + 5));
        store.append(entriesOf(second, 1, 3));
        expect(store.entriesAfter(first, 2, 3)).toEqual(entriesOf(first, 3, 5));
        expect(store.entriesAfter(second, 3, 10)).toEqual([]);
        expect(store.entriesAfter(first, 0, 1_000_000).length).toBe(LOG_PAGE_ENTRIES_MAX);
      });

      test("an entry that is held already is passed over", () => {
        store.append(entriesOf(first, 1, 3));
        store.append([...entriesOf(first, 2, 4), entryOf(first, 4)]);
        store.append([]);
        expect([...store.replay()]).toEqual(entriesOf(first, 1, 4));
      });

      test("the order of a body's keys makes no other entry of it", () => {
        const entry = entryOf(first, 1);
        store.append([entry]);
        const turned = Object.fromEntries(Object.entries(entry.body).reverse()) as Entry["body"];
        store.append([{ ...entry, body: turned }]);
        expect(store.vector().get(first)).toBe(1);
      });

      test("one key never gets two contents", () => {
        store.append(entriesOf(first, 1, 2));
        expectFailure("corrupt", () => store.append([entryOf(first, 3), entryOf(first, 2, "another")]));
        expectFailure("corrupt", () => store.append([entryOf(second, 1), entryOf(second, 1, "another")]));
        reopen();
        expect([...store.replay()]).toEqual(entriesOf(first, 1, 2));
      });

      test("a hole in a sequence is refused, and nothing of its batch is kept", () => {
        expectFailure("protocol", () => store.append([entryOf(second, 1), entryOf(first, 2)]));
        store.append([entryOf(first, 1)]);
        expectFailure("protocol", () => store.append([entryOf(first, 3)]));
        expect([...store.replay()]).toEqual([entryOf(first, 1)]);
        store.append([entryOf(first, 2)]);
        expect(store.vector()).toEqual(new Map([[first, 2]]));
      });
    });

    describe("entries of a kind that is not known", () => {
      test("are kept to the letter", () => {
        const body = { zoo: [1.5, { b: null, a: "é" }], kind: "from-the-future" };
        const entry = parseEntry({ ...entryOf(first, 1), body }) as Entry;
        store.append([entry]);
        reopen();
        expect([...store.replay()]).toEqual([entry]);
        store.append([entry]);
        expect(store.entryTexts(first, 0, 1)[0]).toContain(encodeBody(entry.body));
        const changed = parseEntry({ ...entry, body: { ...body, zoo: [] } }) as Entry;
        expectFailure("corrupt", () => store.append([changed]));
      });
    });

    test("entries are read as texts ready to be sent, the same as the entries themselves", () => {
      store.append(entriesOf(first, 1, 5));
      const texts = store.entryTexts(first, 1, 3);
      expect(texts.map((text) => parseEntry(JSON.parse(text)))).toEqual(entriesOf(first, 2, 4));
      expect(store.entryTexts(second, 0, 3)).toEqual([]);
    });

    describe("state rows", () => {
      const keysOf = (rows: Iterable<StateRow>) => Array.from(rows, rowKey);

      test("a new store has none", () => {
        expect([...store.loadRows()]).toEqual([]);
        expect(store.rowSum()).toBe(sumOf([]));
        expect(store.checkpointed()).toEqual(new Map());
        expect(store.floor()).toEqual(new Map());
      });

      test("a row is there until another of its key takes its place, also after reopening", () => {
        store.saveRows([accountRow(1), accountRow(2)]);
        store.saveRows([accountRow(3), accountRow(2, "another")]);
        store.saveRows([]);
        reopen();
        const rows = [accountRow(1), accountRow(2, "another"), accountRow(3)];
        expect([...store.loadRows()]).toEqual(rows);
        expect(store.rowSum()).toBe(sumOf(rows));
      });

      test("rows are read in order of their keys over more than one page", () => {
        const rows = Array.from({ length: ROW_PAGE_ROWS_MAX + 5 }, (_, at) => accountRow(at));
        store.saveRows(rows.toReversed());
        expect(keysOf(store.loadRows())).toEqual(keysOf(rows));
        expect(Array.from(store.accountNames(), ({ name }) => name as string)).toEqual(
          rows.map((_, at) => `user${at}`),
        );
      });

      test("accounts are read one by one or all, what groups share by group or of all", () => {
        const shared = [fileRow(1, 1), shareRow(1, 1), fileRow(1, 2), fileRow(3, 1)] as const;
        store.saveRows([accountRow(1), groupRow(1), ...shared, personRow(1, 1)]);
        store.saveRows(shared);
        const gids = [1, 2, 3].map((group) => hexOf(group) as Gid);
        expect(gids.map((gid) => [...store.loadShared(gid)].length)).toEqual([3, 0, 1]);
        expect(gids.map((gid) => store.hasShared(gid))).toEqual([true, false, true]);
        expect([...store.loadShared()]).toEqual([...shared]);
        expect([...store.loadAccounts()]).toEqual([accountRow(1) as RowOf<"account">]);
        expect([...store.accountNames()]).toEqual([{ uid: hexOf(1) as Uid, name: "user1" as UserName }]);
        expect([1, 2].map((user) => [...store.loadAccounts(hexOf(user) as Uid)].length)).toEqual([1, 0]);
        expect(keysOf(store.loadRows(`g/${hexOf(1)}/`))).toEqual([rowKey(personRow(1, 1))]);
        reopen();
        expect(store.fileCount()).toBe(3);
        store.dropRows(`s/${hexOf(1)}/`, 9);
        expect(store.fileCount()).toBe(1);
        expect([...store.loadShared()]).toEqual([fileRow(3, 1)]);
      });

      test("what is under a prefix is dropped, at most as much as asked for, and nothing beside it", () => {
        const [kept, dropped] = [
          [accountRow(1), groupRow(1), groupRow(2), personRow(2, 1)],
          [1, 2, 3],
        ];
        store.saveRows([...kept, ...dropped.map((person) => personRow(1, person))]);
        const prefix = `g/${hexOf(1)}/`;
        expect([store.dropRows(prefix, 2), store.dropRows(prefix, 2), store.dropRows(prefix, 2)]).toEqual([
          2, 1, 0,
        ]);
        reopen();
        expect([...store.loadRows()]).toEqual(kept);
        expect(store.rowSum()).toBe(sumOf(kept));
      });
    });

    describe("checkpoint and trimming", () => {
      beforeEach(() => store.append([...entriesOf(first, 1, 5), ...entriesOf(second, 1, 3)]));

      test("a checkpoint only rises, also for an origin that is not in the log", () => {
        store.checkpoint(vectorOf(3));
        store.checkpoint(vectorOf(2, 1));
        store.checkpoint(new Map([["3-00000000000000cc" as Origin, 4]]));
        reopen();
        expect(store.checkpointed()).toEqual(
          new Map([...vectorOf(3, 1), ["3-00000000000000cc" as Origin, 4]]),
        );
        expect(store.floor()).toEqual(new Map());
      });

      test("what is not read at a start is what the checkpoint covers", () => {
        store.checkpoint(vectorOf(3, 3));
        expect([...store.replay(store.checkpointed())]).toEqual(entriesOf(first, 4, 5));
        expect([...store.replay()]).toHaveLength(8);
      });

      test("trimming forgets what is in the rows and no more, and the vector stays", () => {
        store.trim(vectorOf(5, 3));
        expect([...store.replay()]).toHaveLength(8);
        store.checkpoint(vectorOf(3, 2));
        store.trim(vectorOf(9, 1));
        store.trim(vectorOf(1));
        reopen();
        expect(store.floor()).toEqual(vectorOf(3, 1));
        expect(store.vector()).toEqual(vectorOf(5, 3));
        expect([...store.replay()]).toEqual([...entriesOf(first, 4, 5), ...entriesOf(second, 2, 3)]);
        expect(store.entriesAfter(first, 0, 1)).toEqual(entriesOf(first, 4, 4));
        expect(store.entriesAfter(first, 4, 9)).toEqual(entriesOf(first, 5, 5));
        expect(store.entryTexts(first, 3, 9)).toHaveLength(2);
      });

      test("a log that is trimmed to its end goes on above it", () => {
        store.checkpoint(vectorOf(5, 3));
        store.trim(vectorOf(5, 3));
        reopen();
        expect(store.vector()).toEqual(vectorOf(5, 3));
        expect([...store.replay()]).toEqual([]);
        expectFailure("protocol", () => store.append([entryOf(first, 7)]));
        store.append(entriesOf(first, 4, 6));
        store.append(entriesOf(first, 4, 6));
        expect([...store.replay()]).toEqual([entryOf(first, 6)]);
        expectFailure("corrupt", () => store.append([entryOf(first, 6, "another")]));
      });

      test("rows of another tracker let a log go on above what they stand for", () => {
        store.adopt(vectorOf(4, 7));
        reopen();
        expect(store.vector()).toEqual(vectorOf(5, 7));
        expect(store.checkpointed()).toEqual(vectorOf(4, 7));
        expect(store.floor()).toEqual(vectorOf(0, 7));
        expect([...store.replay()]).toEqual(entriesOf(first, 1, 5));
        store.append([...entriesOf(second, 6, 8), entryOf(first, 6)]);
        expect(store.vector()).toEqual(vectorOf(6, 8));
        expect(store.entriesAfter(second, 0, 9)).toEqual([entryOf(second, 8)]);
      });

      test("an origin can be adopted of which nothing was ever seen", () => {
        const third = "3-00000000000000cc" as Origin;
        store.adopt(new Map([[third, 9]]));
        store.append([entryOf(third, 10)]);
        reopen();
        expect(store.vector().get(third)).toBe(10);
        expect([...store.replay(vectorOf(5, 3))]).toEqual([entryOf(third, 10)]);
      });
    });

    describe("piece lists", () => {
      const long = bytesOf(2 * BLOB_PART_BYTES + 100);
      const digest = digestOf(long);

      test("a list is there once its last part is, also after reopening", () => {
        expect(store.putBlob(digest, 0, partAt(long, 0), long.length)).toBe("unfinished");
        store.putBlob(digest, BLOB_PART_BYTES, partAt(long, BLOB_PART_BYTES), long.length);
        expect(store.hasBlob(digest)).toBe(false);
        expect(store.blobTotal(digest)).toBeUndefined();
        expect(store.getBlob(digest, 0, 10)).toBeUndefined();
        const end = 2 * BLOB_PART_BYTES;
        expect(store.putBlob(digest, end, partAt(long, end), long.length)).toBe("whole");
        reopen();
        expect(store.hasBlob(digest)).toBe(true);
        expect(store.blobTotal(digest)).toBe(long.length);
        expect(Buffer.compare(store.getBlob(digest, 0, long.length) ?? new Uint8Array(), long)).toBe(0);
      });

      test("any stretch of a list can be read, also across parts", () => {
        putWhole(long);
        for (const [offset, length] of [
          [0, 1],
          [5, 52],
          [BLOB_PART_BYTES - 3, 6],
          [BLOB_PART_BYTES, BLOB_PART_BYTES],
          [long.length - 1, 100],
          [long.length, 100],
          [long.length + BLOB_PART_BYTES, 1],
        ] as const) {
          const read = store.getBlob(digest, offset, length) ?? new Uint8Array([1]);
          expect(Buffer.compare(read, long.subarray(offset, offset + length))).toBe(0);
        }
      });

      test("lists that are kept together are each there, those that were there too", () => {
        const lists = [1, 2, 3].map((fill) => bytesOf(52, fill));
        const [first = new Uint8Array()] = lists;
        store.putBlob(digestOf(first), 0, first, first.length);
        store.putBlobs(new Map(lists.map((list) => [digestOf(list), list])));
        for (const list of lists) expect(store.getBlob(digestOf(list), 0, 100)).toEqual(new Uint8Array(list));
      });

      test("of many the whole ones are found in one look, empty ones too", () => {
        const lists = [bytesOf(52, 1), bytesOf(104, 2), new Uint8Array()];
        store.putBlobs(new Map(lists.map((list) => [digestOf(list), list])));
        store.putBlob(digest, 0, partAt(long, 0), long.length);
        const asked = [digest, digestOf(bytesOf(52, 3)), ...lists.map(digestOf)];
        const found = store.getBlobs(asked, 52);
        expect([...found.keys()]).toEqual(lists.map(digestOf));
        for (const list of lists)
          expect(new Uint8Array(found.get(digestOf(list)) ?? [])).toEqual(list.slice(0, 52));
      });

      test("the empty list is a list", () => {
        const empty = digestOf(new Uint8Array());
        expect(store.hasBlob(empty)).toBe(false);
        expect(store.putBlob(empty, 0, new Uint8Array(), 0)).toBe("whole");
        expect(store.blobTotal(empty)).toBe(0);
        expect(store.getBlob(empty, 0, 10)?.length).toBe(0);
      });

      test("two who send the same list at once do not disturb each other", () => {
        store.putBlob(digest, 0, partAt(long, 0), long.length);
        store.putBlob(digest, BLOB_PART_BYTES, partAt(long, BLOB_PART_BYTES), long.length);
        expect(store.putBlob(digest, 0, partAt(long, 0), long.length)).toBe("unfinished");
        const end = 2 * BLOB_PART_BYTES;
        expect(store.putBlob(digest, end, partAt(long, end), long.length)).toBe("whole");
        expect(store.putBlob(digest, BLOB_PART_BYTES, partAt(long, BLOB_PART_BYTES), long.length)).toBe(
          "whole",
        );
      });

      test("another first part, or another length, begins anew", () => {
        store.putBlob(digest, 0, partAt(bytesOf(long.length, 7), 0), long.length);
        store.putBlob(digest, 0, partAt(long, 0), long.length + 1);
        expect(putWhole(long)).toBe(digest);
        expect(store.hasBlob(digest)).toBe(true);
      });

      test("parts that do not make the digest are dropped, and the list can be sent again", () => {
        const wrong = bytesOf(long.length, 3);
        store.putBlob(digest, 0, partAt(long, 0), long.length);
        store.putBlob(digest, BLOB_PART_BYTES, partAt(wrong, BLOB_PART_BYTES), long.length);
        const end = 2 * BLOB_PART_BYTES;
        expectFailure("corrupt", () => store.putBlob(digest, end, partAt(long, end), long.length));
        expect(store.hasBlob(digest)).toBe(false);
        putWhole(long);
        expect(store.hasBlob(digest)).toBe(true);
      });

      test("a part that does not fit is refused", () => {
        const refuse = (offset: number, bytes: Uint8Array, total: number) =>
          expectFailure("invalid-input", () => store.putBlob(digest, offset, bytes, total));
        refuse(BLOB_PART_BYTES, partAt(long, BLOB_PART_BYTES), long.length); // before the first
        refuse(0, partAt(long, 0).subarray(1), long.length); // too short
        refuse(0, long, long.length); // too long
        refuse(1, partAt(long, 1), long.length); // at no part's place
        refuse(0, new Uint8Array(), long.length);
        refuse(0, new Uint8Array(10), -1);
        refuse(0, partAt(long, 0), 2 ** 50);
        store.putBlob(digest, 0, partAt(long, 0), long.length);
        refuse(2 * BLOB_PART_BYTES, partAt(long, 2 * BLOB_PART_BYTES), long.length); // leaves one out
        store.putBlob(digest, BLOB_PART_BYTES, partAt(long, BLOB_PART_BYTES), long.length);
        refuse(BLOB_PART_BYTES, partAt(bytesOf(long.length, 9), BLOB_PART_BYTES), long.length); // another one
      });

      test("unfinished lists are bounded: the one begun first gives way", () => {
        const total = BLOB_PART_BYTES + 1;
        const lists = Array.from({ length: BLOBS_UNFINISHED_MAX + 1 }, (_, index) =>
          bytesOf(total, index + 1),
        );
        for (const list of lists) store.putBlob(digestOf(list), 0, partAt(list, 0), total);
        const finish = (list: Uint8Array) =>
          store.putBlob(digestOf(list), BLOB_PART_BYTES, partAt(list, BLOB_PART_BYTES), total);
        expectFailure("invalid-input", () => finish(lists[0] as Uint8Array));
        expect(finish(lists[1] as Uint8Array)).toBe("whole");
        expect(finish(lists.at(-1) as Uint8Array)).toBe("whole");
      });

      test("unfinished lists are forgotten at the next start", () => {
        store.putBlob(digest, 0, partAt(long, 0), long.length);
        reopen();
        expectFailure("invalid-input", () =>
          store.putBlob(digest, BLOB_PART_BYTES, partAt(long, BLOB_PART_BYTES), long.length),
        );
      });
    });

    describe("small values", () => {
      test("a value is there until another takes its place, also after reopening", () => {
        expect(store.getMeta("key")).toBeUndefined();
        store.setMeta("key", "one");
        store.setMeta("key", "two");
        store.setMeta("other", "");
        reopen();
        expect(store.getMeta("key")).toBe("two");
        expect(store.getMeta("other")).toBe("");
      });

      test("several are kept at once, each in place of the one before it", () => {
        store.setMeta("key", "one");
        store.setMetas(
          new Map([
            ["key", "two"],
            ["other", "three"],
          ]),
        );
        store.setMetas(new Map());
        reopen();
        expect([store.getMeta("key"), store.getMeta("other")]).toEqual(["two", "three"]);
      });
    });

    test("closing twice is harmless", () => {
      store.close();
      store.close();
    });
  });
}
