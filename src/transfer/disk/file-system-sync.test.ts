import { expect, test } from "bun:test";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { TempFolder } from "../../testing/temp-folder.ts";
import { fileSystemSync, loadFileSystemSync } from "./file-system-sync.ts";

test("takes the descriptor of anything on the file system, and refuses what is none", async () => {
  const sync = fileSystemSync();
  // macOS and Windows have no such call.
  if (sync === undefined) {
    expect(process.platform).not.toBe("linux");
    return;
  }
  await using folder = await TempFolder.make();
  writeFileSync(folder.join("a"), "some");
  const handle = openSync(folder.path, "r");
  expect(sync(handle)).toBe(0);
  closeSync(handle);
  expect(sync(999_999)).toBe(-1);
});

test("is not there where no library has it", () => {
  expect(loadFileSystemSync(["no-such-library.so"])).toBeUndefined();
});
