import { expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { HAS_LINKS } from "../testing/links.ts";
import { TempFolder } from "../testing/temp-folder.ts";
import { kindOf } from "./path-kind.ts";

test.skipIf(!HAS_LINKS)("what is at a path is told apart, links being followed", async () => {
  await using folder = await TempFolder.make();
  writeFileSync(folder.join("file"), "");
  symlinkSync(folder.join("file"), folder.join("link"));
  symlinkSync(folder.join("missing"), folder.join("dangling"));
  expect(await kindOf(folder.join("file"))).toBe("file");
  expect(await kindOf(folder.join("link"))).toBe("file");
  expect(await kindOf(folder.path)).toBe("folder");
  expect(await kindOf(folder.join("missing"))).toBe("nothing");
  expect(await kindOf(folder.join("dangling"))).toBe("nothing");
});

test.skipIf(process.platform === "win32")("so are a named pipe and a device", async () => {
  await using folder = await TempFolder.make();
  const fifo = folder.join("fifo");
  expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
  expect(await kindOf(fifo)).toBe("named pipe");
  expect(await kindOf("/dev/null")).toBe("device");
});
