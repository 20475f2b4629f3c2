import { expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import { LINUX, MACOS, WINDOWS } from "../../base/platform.ts";
import { diskFailure, onDisk } from "./disk-failure.ts";

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: words of the system`), { code });
}

test("a full disk and a used-up quota are disk-full, so that the download waits for room", () => {
  expect(diskFailure("write", "/a", errno("ENOSPC")).code).toBe("disk-full");
  expect(diskFailure("write", "/a", errno("EDQUOT")).code).toBe("disk-full");
  expect(diskFailure("write", "/a", errno("EFBIG")).code).toBe("disk-error");
});

test.each([
  ["EROFS", "file-refused", "the file system is read-only; choose another folder"],
  ["ENAMETOOLONG", "invalid-name", "the name is too long for this file system; choose a shorter one"],
  ["ENOTDIR", "file-missing", "a part of the path is not a folder"],
  ["ETXTBSY", "file-refused", "it is a program that runs; end that"],
] as const)("what the system calls %s is said in words", (code, ours, words) => {
  expect(diskFailure("create", "/a", errno(code))).toMatchObject({
    code: ours,
    message: `cannot create /a: ${words}`,
  });
});

test("what is not known keeps the system's own words", () => {
  const failure = diskFailure("read", "/a", errno("EIO"));
  expect([failure.code, failure.message]).toEqual(["disk-error", "cannot read /a: EIO: words of the system"]);
});

test("a path cannot reach the terminal raw", () => {
  expect(diskFailure("open", "/a\u001b[31m", errno("ENOENT")).message).toBe(
    "cannot open /a\\u{1b}[31m: no such file or folder",
  );
});

test("a Failure passes through as it is", async () => {
  const failure = new Failure("timeout", "as it was");
  await expect(onDisk("read", "/a", () => Promise.reject(failure))).rejects.toBe(failure);
  expect(await onDisk("read", "/a", async () => 5)).toBe(5);
});

test("that another program has a file open is said where that can be the reason", () => {
  for (const platform of [LINUX, MACOS, WINDOWS])
    expect(diskFailure("create", "a", errno("EBUSY"), platform).message).toBe(
      "cannot create a: another program is using it; close it there",
    );
  for (const code of ["EPERM", "EACCES"]) {
    const denied = "cannot create a: permission denied";
    for (const platform of [LINUX, MACOS])
      expect(diskFailure("create", "a", errno(code), platform).message).toBe(denied);
    expect(diskFailure("create", "a", errno(code), WINDOWS).message).toBe(
      `${denied}, or another program is using it`,
    );
  }
});

test("a path that Windows may not take is told by its length, whatever the error says", () => {
  const long = `C:\\${"x".repeat(250)}\\a.part`;
  expect(diskFailure("create", long, errno("ENOENT"), WINDOWS).message).toEndWith(
    "no such file or folder; the path is longer than the 259 characters that are sure to be taken here",
  );
  expect(diskFailure("create", long, errno("ENOENT"), MACOS).message).toEndWith("no such file or folder");
  expect(diskFailure("create", long.slice(0, 259), errno("ENOENT"), WINDOWS).message).toEndWith(
    "no such file or folder",
  );
});
