import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../base/failure.ts";
import type { Digest } from "../../base/ids.ts";
import { type Entry, encodeBody, type Origin, parseEntry } from "../../wire/entry.ts";
import { describeEventStore } from "./event-store.contract.ts";
import { SCHEMA_STEPS, SCHEMA_VERSION } from "./sqlite-schema.ts";
import { SqliteStore } from "./sqlite-store.ts";

function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), "p2p-store-"));
}

function dropFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

describeEventStore("sqlite store", () => {
  const folder = makeFolder();
  return { open: () => SqliteStore.open(join(folder, "tracker.db")), dispose: () => dropFolder(folder) };
});

describe("the sqlite file", () => {
  const origin = "1-00000000000000aa" as Origin;
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = makeFolder();
    path = join(folder, "tracker.db");
  });
  afterEach(() => dropFolder(folder));

  function entry(seq: number): Entry {
    const body = { kind: "group-deleted", gid: "0".repeat(32) };
    const made = parseEntry({ key: { origin, seq }, stamp: "0".repeat(16), request: "0".repeat(32), body });
    if (made instanceof Failure) throw made;
    return made;
  }

  /** As somebody else would, behind the store's back. */
  function tamper(statement: string): void {
    const db = new Database(path);
    db.run(statement);
    db.close();
  }

  function failureOf(run: () => unknown): Failure {
    try {
      run();
    } catch (error) {
      if (error instanceof Failure) return error;
    }
    throw new Error("no failure");
  }

  test("a database of a newer program is refused and left as it is", () => {
    SqliteStore.open(path).close();
    tamper(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    const failure = failureOf(() => SqliteStore.open(path));
    expect(failure.code).toBe("file-refused");
    expect(failure.message).toContain(path);
    const db = new Database(path, { readonly: true });
    expect(db.query("PRAGMA user_version").get()).toEqual({ user_version: SCHEMA_VERSION + 1 });
    db.close();
  });

  test("a database of the first form is brought forward and keeps everything", () => {
    const db = new Database(path);
    db.run(`${SCHEMA_STEPS[0]} PRAGMA user_version = 1;`);
    db.run("INSERT INTO origin (id, name) VALUES (7, ?)", [origin]);
    for (const { key, stamp, request, body } of [entry(1), entry(2)])
      db.run("INSERT INTO entry VALUES (7, ?, ?, ?, ?)", [key.seq, stamp, request, encodeBody(body)]);
    db.run("INSERT INTO meta VALUES ('key', 'value')");
    db.close();
    for (let round = 0; round < 2; round++) {
      const store = SqliteStore.open(path);
      expect([...store.replay()]).toEqual([entry(1), entry(2)]);
      expect(store.getMeta("key")).toBe("value");
      expect([store.vector().get(origin), store.floor().size, store.checkpointed().size]).toEqual([2, 0, 0]);
      expect([...store.loadRows()]).toEqual([]);
      store.close();
    }
  });

  test("a damaged state row is told, not taken", () => {
    const store = SqliteStore.open(path);
    for (const text of ['{"kind":"account"', '{"kind":"account","uid":"1"}', "1", '{"kind":"new"}']) {
      tamper("DELETE FROM state_row");
      tamper(`INSERT INTO state_row (key, text) VALUES ('a/1', '${text}')`);
      const failure = failureOf(() => [...store.loadRows()]);
      expect([failure.code, failure.message]).toEqual(["corrupt", expect.stringContaining("damaged")]);
    }
    const misplaced = { kind: "group", gid: "0".repeat(32), deleted: false, transfers: [] };
    tamper("DELETE FROM state_row");
    tamper(`INSERT INTO state_row (key, text) VALUES ('g/1', '${JSON.stringify(misplaced)}')`);
    tamper(`INSERT INTO state_row (key, text) VALUES ('h', '${JSON.stringify(misplaced)}')`);
    expect(failureOf(() => [...store.loadRows()]).message).toContain("out of place");
    store.close();
  });

  test("what is no database, and what cannot be opened, is one clear line", () => {
    writeFileSync(path, "this is a text file, and it is longer than nothing".repeat(100));
    expect(failureOf(() => SqliteStore.open(path)).code).toBe("disk-error");
    mkdirSync(join(folder, "taken"));
    expect(failureOf(() => SqliteStore.open(join(folder, "taken"))).code).toBe("disk-error");
    expect(failureOf(() => SqliteStore.open(join(folder, "none", "tracker.db"))).message).not.toContain("\n");
  });

  test.skipIf(process.platform === "win32")("it writes ahead and nobody else may read the file", () => {
    const store = SqliteStore.open(path);
    store.append([entry(1)]);
    const db = new Database(path, { readonly: true });
    expect(db.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    db.close();
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o077).toBe(0);
    store.close();
  });

  test("a damaged row is told, not applied", () => {
    const store = SqliteStore.open(path);
    store.append([entry(1), entry(2)]);
    tamper(`UPDATE entry SET body = '{"kind":"group-deleted"' WHERE seq = 2`);
    const failure = failureOf(() => [...store.replay()]);
    expect(failure.code).toBe("corrupt");
    expect(failure.message).toContain(`entry 2 of ${origin}`);
    tamper(`UPDATE entry SET body = '{"kind":"group-deleted","gid":"../.."}' WHERE seq = 2`);
    expect(failureOf(() => [...store.replay()]).code).toBe("corrupt");
    store.close();
  });

  test("a state row whose parts the state could not bear is told, not taken", () => {
    const [uid, claim] = ["0".repeat(32), `${"0".repeat(16)} ${origin}`];
    const account = {
      kind: "account",
      uid,
      creation: { claim, name: "ann" },
      password: { claim, hash: "x" },
    };
    const store = SqliteStore.open(path);
    for (const wrong of [
      { ...account, creation: null },
      { ...account, creation: { claim, name: 5 } },
      { ...account, password: { claim: "yesterday", hash: "x" } },
      { ...account, password: {} },
    ]) {
      tamper("DELETE FROM state_row");
      tamper(`INSERT INTO state_row (key, text) VALUES ('a/${uid}', '${JSON.stringify(wrong)}')`);
      expect(failureOf(() => [...store.loadRows()]).code).toBe("corrupt");
    }
    store.close();
  });

  test("the name of an account that is none is told, not taken", () => {
    const store = SqliteStore.open(path);
    tamper("INSERT INTO state_row (key, name, text) VALUES ('a/1', 'ann', '{}')");
    expect(failureOf(() => [...store.accountNames()]).code).toBe("corrupt");
    store.close();
  });

  test("origins and sums that make no sense are told when the database is opened", () => {
    SqliteStore.open(path).close();
    for (const [damage, mend] of [
      ["INSERT INTO origin (name) VALUES ('nobody')", "DELETE FROM origin"],
      [`INSERT INTO origin (name, floor) VALUES ('${origin}', -5)`, "DELETE FROM origin"],
      ["UPDATE row_totals SET sum = 'much'", `UPDATE row_totals SET sum = '${"0".repeat(32)}'`],
      ["UPDATE row_totals SET files = -1", "UPDATE row_totals SET files = 0"],
    ] as const) {
      tamper(damage);
      const failure = failureOf(() => SqliteStore.open(path));
      expect([damage, failure.code]).toEqual([damage, "corrupt"]);
      expect(failure.message).toContain(path);
      tamper(mend);
    }
    SqliteStore.open(path).close();
  });

  test("a log with a hole, or out of order, is told and read neither for ever nor past it", () => {
    let store = SqliteStore.open(path);
    const entries = [1, 2, 3, 4, 5, 6].map(entry);
    store.append(entries);
    store.close();
    const whole = readFileSync(path);
    // On disk the number of an entry is the byte before its stamp.
    const at = whole.indexOf(`\u0006${entry(6).stamp}`);
    expect(at).toBeGreaterThan(0);
    whole[at] = 2;
    writeFileSync(path, whole);
    store = SqliteStore.open(path);
    expect(failureOf(() => [...store.replay()]).code).toBe("corrupt");
    store.close();
    whole[at] = 6;
    writeFileSync(path, whole);
    store = SqliteStore.open(path);
    tamper("DELETE FROM entry WHERE seq = 3");
    expect(failureOf(() => [...store.replay()]).message).toContain("entry 3");
    expect(failureOf(() => store.entryTexts(origin, 2, 10)).code).toBe("corrupt");
    store.close();
  });

  test("after a disk error nothing more is written", () => {
    const store = SqliteStore.open(path);
    store.append([entry(1)]);
    tamper("ALTER TABLE entry RENAME TO lost");
    const failure = failureOf(() => store.append([entry(2)]));
    expect(failure.code).toBe("disk-error");
    tamper("ALTER TABLE lost RENAME TO entry");
    expect(failureOf(() => store.append([entry(2)]))).toBe(failure);
    expect(failureOf(() => store.setMeta("key", "value"))).toBe(failure);
    expect(failureOf(() => store.putBlob("0".repeat(64) as Digest, 0, new Uint8Array(1), 1))).toBe(failure);
    expect(store.vector().get(origin)).toBe(1);
    store.close();
    const again = SqliteStore.open(path);
    expect([...again.replay()]).toEqual([entry(1)]);
    again.close();
  });

  test("a refused batch is no disk error: the store goes on", () => {
    const store = SqliteStore.open(path);
    expect(failureOf(() => store.append([entry(2)])).code).toBe("protocol");
    store.append([entry(1)]);
    expect(store.vector().get(origin)).toBe(1);
    store.close();
  });
});
