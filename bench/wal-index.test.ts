import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { TempFolder } from "../src/testing/temp-folder.ts";
import { committedTransactions, transactionCount } from "./wal-index.ts";

test("transactions of another connection are counted one by one, however many rows they have", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("some.sqlite");
  using db = new Database(path);
  db.run("PRAGMA journal_mode = WAL");
  db.run("CREATE TABLE t (a INTEGER)");
  const before = committedTransactions(path);
  for (let count = 0; count < 7; count++)
    db.transaction(() => {
      db.run("INSERT INTO t VALUES (1)");
      db.run("INSERT INTO t VALUES (2)");
    })();
  db.query("SELECT * FROM t").all();
  expect(committedTransactions(path) - before).toBe(7);
});

test("other bytes are not taken for an index", () => {
  expect(() => transactionCount(new Uint8Array(48))).toThrow("not the index");
});
