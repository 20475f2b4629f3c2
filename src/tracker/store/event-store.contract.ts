/** What every store must keep: one suite, run by a short test for each implementation. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Failure, type FailureCode } from "../../base/failure.ts";
import type { Digest } from "../../base/ids.ts";
import { BLOB_PART_BYTES, BLOBS_UNFINISHED_MAX, LOG_PAGE_ENTRIES_MAX } from "../../base/limits.ts";
import { digestOf } from "../../base/manifest.ts";
import { type Entry, type Origin, parseEntry } from "../../wire/entry.ts";
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
    });

    test("closing twice is harmless", () => {
      store.close();
      store.close();
    });
  });
}
