import { describe, expect, test } from "bun:test";
import { open } from "node:fs/promises";
import { TempFolder } from "../testing/temp-folder.ts";
import { loadFileControl, syncDrive } from "./drive-sync.ts";
import { HERE, LINUX, MACOS, WINDOWS } from "./platform.ts";

/** From the system's headers: of a descriptor, whether programs that are started get it. */
const F_GETFD = 1;
const F_BARRIERFSYNC = 85;
const F_FULLFSYNC = 51;
const C_LIBRARIES = ["libc.so.6", "libSystem.B.dylib", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

describe("after a sync", () => {
  test("macOS is asked to have the drive keep the order, or empty its memory", async () => {
    const calls: number[][] = [];
    const load = async () => (file: number, command: number) => calls.push([file, command]);
    await syncDrive(7, "in order", MACOS, load);
    await syncDrive(8, "for good", MACOS, load);
    expect(calls).toEqual([
      [7, F_BARRIERFSYNC],
      [8, F_FULLFSYNC],
    ]);
  });

  test("others, whose sync reaches that far, are asked for nothing", async () => {
    const load = () => Promise.reject(new Error("not to be loaded"));
    for (const platform of [LINUX, WINDOWS]) await syncDrive(7, "for good", platform, load);
  });

  test("a file system or a runtime without such a call is no failure", async () => {
    await syncDrive(7, "for good", MACOS, async () => () => -1);
    await syncDrive(7, "for good", MACOS, async () => undefined);
    expect(await loadFileControl("no such library")).toBeUndefined();
  });

  test.skipIf(HERE.system === "windows")("the call is the system's own", async () => {
    const found = await Promise.all(C_LIBRARIES.map(loadFileControl));
    const control = found.find((each) => each !== undefined);
    await using folder = await TempFolder.make();
    const file = await open(folder.join("file"), "w");
    expect(control?.(file.fd, F_GETFD)).toBe(1);
    const { fd } = file;
    await file.close();
    expect(control?.(fd, F_GETFD)).toBe(-1);
  });

  test.skipIf(HERE.syncsDrive)("macOS takes both commands", async () => {
    const control = await loadFileControl("libSystem.B.dylib");
    await using folder = await TempFolder.make();
    await using file = await open(folder.join("file"), "w");
    for (const command of [F_BARRIERFSYNC, F_FULLFSYNC]) expect(control?.(file.fd, command)).not.toBe(-1);
  });
});
