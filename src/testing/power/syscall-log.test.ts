import { describe, expect, test } from "bun:test";
import { countCalls, parseSyscallLog } from "./syscall-log.ts";

const parse = (...lines: string[]) => parseSyscallLog(lines.join("\n"), "/t");
const bytes = (...values: number[]) => Uint8Array.from(values);

describe("the log of a process's calls", () => {
  test("every change of the folder's files is an event, in order", () => {
    expect(
      parse(
        '7  openat(AT_FDCWD</w>, "/t/a.db", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 5</t/a.db>',
        '7  pwrite64(5</t/a.db>, "ab", 2, 4096)  = 2',
        "7  fsync(5</t/a.db>)    = 0",
        "7  fdatasync(5</t/a.db>) = 0",
        "7  ftruncate(5</t/a.db>, 40960) = 0",
        "7  fsync(6</t>)         = 0",
        '7  rename("/t/a.db", "/t/b.db") = 0',
        '7  unlink("/t/b.db")    = 0',
      ),
    ).toEqual([
      { kind: "create", file: "a.db" },
      { kind: "resize", file: "a.db", size: 0 },
      { kind: "write", file: "a.db", offset: 4096, bytes: Uint8Array.from(Buffer.from("ab")) },
      { kind: "sync", file: "a.db" },
      { kind: "sync", file: "a.db" },
      { kind: "resize", file: "a.db", size: 40960 },
      { kind: "sync-folder" },
      { kind: "rename", file: "a.db", to: "b.db" },
      { kind: "remove", file: "b.db" },
    ]);
  });

  test("bytes come back from their escapes, also such as look like the end of a call", () => {
    const written = String.raw`\0\11\0001\n\t\r\f\v\"\\ ) = 3, \377`;
    const [event] = parse(`7  pwrite64(5</t/a.db>, "${written}", 18, 0) = 18`);
    expect(event).toEqual({
      kind: "write",
      file: "a.db",
      offset: 0,
      bytes: bytes(0, 9, 0, 49, 10, 9, 13, 12, 11, 34, 92, 32, 41, 32, 61, 32, 51, 44),
    });
  });

  test("of a write that took fewer bytes only those are there", () => {
    const [event] = parse('7  pwrite64(5</t/a.db>, "abcd", 4, 0) = 2');
    expect(event).toMatchObject({ bytes: bytes(97, 98) });
  });

  test("a call that another thread came between is one call", () => {
    const events = parse(
      '7  pwrite64(5</t/a.db>, "a", 1, 0 <unfinished ...>',
      "8  fsync(6</t/b.db> <unfinished ...>",
      "7  <... pwrite64 resumed>) = 1",
      "8  <... fsync resumed>) = 0",
    );
    expect(events).toEqual([
      { kind: "write", file: "a.db", offset: 0, bytes: bytes(97) },
      { kind: "sync", file: "b.db" },
    ]);
  });

  test("what the process says is a line each", () => {
    const events = parse(String.raw`7  write(1</elsewhere>, "done 1\ndone 2\n", 14) = 14`);
    expect(events).toEqual([
      { kind: "said", line: "done 1" },
      { kind: "said", line: "done 2" },
    ]);
  });

  test("a call that was made to fail is a fault, one that failed by itself is nothing", () => {
    const events = parse(
      "7  fsync(5</t/a.db>) = -1 EIO (Input/output error) (INJECTED)",
      "7  fsync(5</t>) = -1 EIO (Input/output error) (INJECTED)",
      '7  unlink("/t/a.db-journal") = -1 ENOENT (No such file or directory)',
    );
    expect(events).toEqual([
      { kind: "fault", call: "fsync", file: "a.db" },
      { kind: "fault", call: "fsync", file: undefined },
    ]);
  });

  test("other folders, files without a name and shared memory are no concern", () => {
    const events = parse(
      '7  pwrite64(5</tt/a.db>, "a", 1, 0) = 1',
      '7  pwrite64(5</t/a.db>(deleted), "a", 1, 0) = 1',
      '7  pwrite64(5</t/a.db-shm>, "a", 1, 0) = 1',
      '7  write(2</elsewhere>, "a", 1) = 1',
      "7  +++ exited with 0 +++",
    );
    expect(events).toEqual([]);
  });

  test("calls are counted by name, failed ones too", () => {
    const log = ["7  fsync(5</t/a.db>) = 0", "7  fsync(5</t/a.db>) = -1 EIO (Input/output error)"];
    expect([...countCalls(log.join("\n"))]).toEqual([["fsync", 2]]);
  });

  test("a change that it cannot follow throws", () => {
    expect(() => parse('7  pwrite64(5</t/a.db>, "a"..., 4096, 0) = 4096')).toThrow("cut off");
    expect(() => parse("7  fallocate(5</t/a.db>, 0, 0, 4096) = 0")).toThrow("does not know");
    expect(() => parse('7  pwrite64(5</t/a.db>, "\\x41", 1, 0) = 1')).toThrow("does not know");
  });
});
