import { expect, test } from "bun:test";
import type { GroupName, Uid } from "../base/ids.ts";
import { NOTICES_KEPT_MAX } from "../base/limits.ts";
import type { News } from "../wire/client-tracker.ts";
import { NewsBook, type NewsShelf } from "./news.ts";

function shelf() {
  const values = new Map<string, string>();
  let writes = 0;
  const open: NewsShelf = {
    getMeta: (key) => values.get(key),
    setMeta: (key, value) => {
      writes++;
      values.set(key, value);
    },
  };
  return { ...open, values, writes: () => writes };
}

const ada = "a".repeat(32) as Uid;
const bob = "b".repeat(32) as Uid;
const accepted = (group: string): News => ({ kind: "accepted", group: group as GroupName });

test("news is told once, oldest first, to its user alone", () => {
  const book = new NewsBook(shelf());
  book.keep(ada, [accepted("first")]);
  book.keep(bob, [accepted("other")]);
  book.keep(ada, [accepted("second")]);
  expect(book.take(ada)).toEqual([accepted("first"), accepted("second")]);
  expect(book.take(ada)).toEqual([]);
  expect(book.take(bob)).toEqual([accepted("other")]);
});

test("news that another tracker has handed out is told no more", () => {
  const book = new NewsBook(shelf());
  book.keep(ada, [accepted("first")]);
  book.keep(bob, [accepted("other")]);
  book.forget(ada);
  expect(book.take(ada)).toEqual([]);
  expect(book.take(bob)).toEqual([accepted("other")]);
});

test("news outlives a restart", () => {
  const disk = shelf();
  new NewsBook(disk).keep(ada, [accepted("first")]);
  expect(new NewsBook(disk).take(ada)).toEqual([accepted("first")]);
});

test("only the latest are kept", () => {
  const book = new NewsBook(shelf());
  for (let number = 0; number < NOTICES_KEPT_MAX + 5; number++) book.keep(ada, [accepted(`g${number}`)]);
  const told = book.take(ada);
  expect(told).toHaveLength(NOTICES_KEPT_MAX);
  expect(told[0]).toEqual(accepted("g5"));
});

test("a login without news writes nothing", () => {
  const disk = shelf();
  new NewsBook(disk).take(ada);
  expect(disk.writes()).toBe(0);
});

test.each(["", "not json", '[{"kind":"of-a-later-version"}]', '{"a":1}'])(
  "kept text that cannot be read (%p) is dropped, and later news is kept",
  (text) => {
    const disk = shelf();
    disk.values.set(`news/${ada}`, text);
    const book = new NewsBook(disk);
    expect(book.take(ada)).toEqual([]);
    book.keep(ada, [accepted("later")]);
    expect(book.take(ada)).toEqual([accepted("later")]);
  },
);
