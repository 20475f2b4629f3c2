import { describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { LOCAL_NAME_BYTES_MAX } from "../../base/limits.ts";
import { HAS_LINKS } from "../../testing/links.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import { isFree, placeSmallPart, smallPartPathOf, writeSmallPart } from "./small-part.ts";

const BYTES = new TextEncoder().encode("some bytes");
const PLAIN = { modifiedMs: undefined, executable: false, sync: false };

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
}

describe("the part file of a small download", () => {
  test("lies beside its place under a name of its own, of whatever length that of the file is", () => {
    const path = `/folder/${"x".repeat(LOCAL_NAME_BYTES_MAX)}`;
    const part = smallPartPathOf({ path, journalPath: "/data/journals/one" });
    expect(dirname(part)).toBe("/folder");
    expect(basename(part).length).toBeLessThan(40);
    const others = [
      smallPartPathOf({ path, journalPath: "/data/journals/other" }),
      smallPartPathOf({ path: `${path}y`, journalPath: "/data/journals/one" }),
    ];
    expect(new Set([part, ...others]).size).toBe(3);
  });

  test("is written whole, with its time, and for whom the file is a program", async () => {
    await using folder = await TempFolder.make();
    const part = folder.join("a.part");
    const identity = writeSmallPart(part, BYTES, {
      modifiedMs: 1_500_000_000_000,
      executable: true,
      sync: true,
    });
    const stats = statSync(part);
    expect(readFileSync(part)).toEqual(Buffer.from(BYTES));
    expect(stats.mtimeMs).toBe(1_500_000_000_000);
    expect(identity).toMatchObject({ inode: String(stats.ino), size: BYTES.length });
    expect(stats.mode & 0o100).toBe(0o100);
  });

  test("never goes into something that is there, nor over a link", async () => {
    await using folder = await TempFolder.make();
    writeFileSync(folder.join("mine"), "mine");
    expect(codeOf(() => writeSmallPart(folder.join("mine"), BYTES, PLAIN))).toBe("EEXIST");
    if (HAS_LINKS) {
      symlinkSync(folder.join("victim"), folder.join("link"));
      expect(codeOf(() => writeSmallPart(folder.join("link"), BYTES, PLAIN))).toBe("EEXIST");
      expect(existsSync(folder.join("victim"))).toBe(false);
    }
    expect(readFileSync(folder.join("mine"), "utf8")).toBe("mine");
  });

  test("gets its name, never over another, and is kept then", async () => {
    await using folder = await TempFolder.make();
    writeSmallPart(folder.join("a.part"), BYTES, PLAIN);
    placeSmallPart(folder.join("a.part"), folder.join("a"));
    expect(readdirSync(folder.path)).toEqual(["a"]);
    writeSmallPart(folder.join("b.part"), BYTES, PLAIN);
    writeFileSync(folder.join("b"), "mine");
    expect(codeOf(() => placeSmallPart(folder.join("b.part"), folder.join("b")))).toBe("EEXIST");
    expect(readFileSync(folder.join("b"), "utf8")).toBe("mine");
    expect(existsSync(folder.join("b.part"))).toBe(true);
  });
});

describe("a place is free", () => {
  test("if nothing is there, and nothing of another way to fetch it", async () => {
    await using folder = await TempFolder.make();
    const [path, part, journal] = [folder.join("a"), folder.join("p2p-1.part"), folder.join("journal")];
    expect(isFree(path, part, [journal])).toBe(true);
    writeFileSync(journal, "");
    expect(isFree(path, part, [journal])).toBe(false);
    expect(isFree(path, part, [])).toBe(true);
    mkdirSync(path);
    expect(isFree(path, part, [])).toBe(false);
  });

  test("also where an earlier run has left its part file, which is removed, and nothing that a link leads to", async () => {
    await using folder = await TempFolder.make();
    const part = folder.join("p2p-1.part");
    writeFileSync(part, "half");
    linkSync(part, folder.join("a"));
    expect(isFree(folder.join("b"), part, [])).toBe(true);
    expect(existsSync(part)).toBe(false);
    expect(readFileSync(folder.join("a"), "utf8")).toBe("half");
    if (!HAS_LINKS) return;
    symlinkSync(folder.join("a"), part);
    expect(isFree(folder.join("b"), part, [])).toBe(true);
    expect(existsSync(folder.join("a"))).toBe(true);
    symlinkSync("nowhere", folder.join("dangling"));
    expect(isFree(folder.join("dangling"), part, [])).toBe(false);
    expect(readlinkSync(folder.join("dangling"))).toBe("nowhere");
  });
});
