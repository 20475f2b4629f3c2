import { expect, test } from "bun:test";
import { Failure } from "../../base/failure.ts";
import { diskFailure, onDisk } from "./disk-failure.ts";

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: words of the system`), { code });
}

test("a full disk and a used-up quota are disk-full, so that the download waits for room", () => {
  expect(diskFailure("write", "/a", errno("ENOSPC")).code).toBe("disk-full");
  expect(diskFailure("write", "/a", errno("EDQUOT")).code).toBe("disk-full");
  expect(diskFailure("write", "/a", errno("EFBIG")).code).toBe("disk-error");
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
