import { describe, expect, test } from "bun:test";
import { write } from "node:fs";
import { link, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { Failure } from "../../base/failure.ts";
import { HAS_LINKS } from "../../testing/links.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import { PartFile, requireRoom } from "./part-file.ts";

const SIZE = 3_000_000;

async function caught(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw new Error(`no Failure but ${error}`);
  return error;
}

async function made(folder: TempFolder, use: (part: PartFile) => Promise<void>): Promise<void> {
  const part = await PartFile.create(folder.join("a.part"), SIZE);
  try {
    await use(part);
  } finally {
    await part.close();
  }
}

describe("a part file", () => {
  test("has the file's size from the start and takes no room for it", async () => {
    await using folder = await TempFolder.make();
    await made(folder, async (part) => {
      expect((await part.identity()).size).toBe(SIZE);
      expect((await stat(part.path)).blocks * 512).toBeLessThan(SIZE / 2);
    });
  });

  test.skipIf(!HAS_LINKS)("is never made over something else, nor through a link", async () => {
    await using folder = await TempFolder.make();
    await writeFile(folder.join("a.part"), "precious");
    await symlink(folder.join("elsewhere"), folder.join("b.part"));
    for (const name of ["a.part", "b.part"]) {
      const failure = await caught(PartFile.create(folder.join(name), SIZE));
      expect(failure.code).toBe("file-exists");
      expect(failure.message).toContain("move it away or choose another name");
    }
    expect((await readdir(folder.path)).toSorted()).toEqual(["a.part", "b.part"]);
    expect(await readFile(folder.join("a.part"), "utf8")).toBe("precious");
  });

  test("in a folder that is not there, or of a size that no disk takes, is a Failure and leaves nothing", async () => {
    await using folder = await TempFolder.make();
    expect((await caught(PartFile.create(folder.join("no", "a.part"), SIZE))).code).toBe("file-missing");
    expect((await caught(PartFile.create(folder.join("a.part"), Number.MAX_SAFE_INTEGER))).code).toBe(
      "disk-error",
    );
    expect(await readdir(folder.path)).toEqual([]);
  });

  test.skipIf(!HAS_LINKS)("is reopened only as a plain file with one name", async () => {
    await using folder = await TempFolder.make();
    await writeFile(folder.join("precious"), "");
    await link(folder.join("precious"), folder.join("two-names"));
    await symlink(folder.join("precious"), folder.join("link"));
    await mkdir(folder.join("folder"));
    for (const [name, code] of [
      ["two-names", "file-refused"],
      ["link", "file-refused"],
      ["folder", "file-missing"],
      ["nothing", "file-missing"],
    ] as const)
      expect([name, (await caught(PartFile.reopen(folder.join(name), SIZE))).code]).toEqual([name, code]);
  });

  test("gets its final name with what was written, and can be read on by its descriptor", async () => {
    await using folder = await TempFolder.make();
    await made(folder, async (part) => {
      await promisify(write)(part.descriptor, new Uint8Array([1, 2, 3]), 0, 3, SIZE - 3);
      await part.sync();
      await part.place(folder.join("a"));
      expect(await readdir(folder.path)).toEqual(["a"]);
      expect((await readFile(folder.join("a"))).subarray(SIZE - 3)).toEqual(Buffer.from([1, 2, 3]));
      expect((await part.identity()).size).toBe(SIZE);
    });
  });

  test("is not placed if something else has taken its name, or it has another size", async () => {
    await using folder = await TempFolder.make();
    await made(folder, async (part) => {
      await rename(part.path, folder.join("moved"));
      expect((await caught(part.place(folder.join("a")))).code).toBe("file-changed");
      await writeFile(part.path, "not it");
      expect((await caught(part.place(folder.join("a")))).code).toBe("file-changed");
      await rename(folder.join("moved"), part.path);
      await writeFile(part.path, "shorter");
      expect((await caught(part.place(folder.join("a")))).code).toBe("file-changed");
      expect(await readdir(folder.path)).toEqual(["a.part"]);
    });
  });

  test("is removed, but not what has taken its name", async () => {
    await using folder = await TempFolder.make();
    await made(folder, async (part) => {
      await rename(part.path, folder.join("moved"));
      await writeFile(part.path, "not it");
      await part.remove();
      expect((await readdir(folder.path)).toSorted()).toEqual(["a.part", "moved"]);
      await rename(folder.join("moved"), part.path);
      await part.remove();
      await part.remove();
      expect(await readdir(folder.path)).toEqual([]);
    });
  });
});

describe("room on the disk", () => {
  test("is asked for before a download starts, with both numbers told", async () => {
    await using folder = await TempFolder.make();
    const failure = await caught(requireRoom(folder.join("a"), 2 ** 60));
    expect(failure.code).toBe("disk-full");
    expect(failure.message).toMatch(/needs .* TiB .* are free; free some space/);
  });

  test("is not needed for a file of which all is there", async () => {
    await using folder = await TempFolder.make();
    await requireRoom(folder.join("a"), 0);
  });
});
