import { describe, expect, test } from "bun:test";
import { link, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { Failure } from "../../base/failure.ts";
import { WINDOWS } from "../../base/platform.ts";
import { patience } from "../../base/sharing-patience.ts";
import { HAS_LINKS } from "../../testing/links.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import { type NamingCalls, placeExclusively } from "./exclusive-place.ts";

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return error instanceof Failure ? error.code : `no Failure: ${error}`;
  }
}

/** Names of files, on a file system that says `linkError` to every hard link. */
class FakeFolder implements NamingCalls {
  readonly names = new Map<string, string>();
  readonly calls: string[] = [];
  readonly #linkError: string;
  /** What happens while somebody has the file open: renaming and removing fail until that is over. */
  whileHeld: (() => void)[] = [];

  constructor(linkError: string) {
    this.#linkError = linkError;
  }

  async link(): Promise<void> {
    throw Object.assign(new Error(this.#linkError), { code: this.#linkError });
  }

  async rename(from: string, to: string): Promise<void> {
    const held = this.whileHeld.shift();
    if (held !== undefined) {
      held();
      throw Object.assign(new Error("EBUSY"), { code: "EBUSY" });
    }
    this.calls.push("rename");
    this.names.set(to, this.names.get(from) ?? "");
    this.names.delete(from);
  }

  async unlink(path: string): Promise<void> {
    this.calls.push("unlink");
    this.names.delete(path);
  }

  async identityAt(path: string) {
    const inode = this.names.get(path);
    return inode === undefined ? undefined : { device: "1", inode, size: 1, modifiedNs: "1" };
  }
}

describe("placing", () => {
  test("gives the file its name and takes the old one away", async () => {
    await using folder = await TempFolder.make();
    await writeFile(folder.join("a.part"), "content");
    await placeExclusively(folder.join("a.part"), folder.join("a"));
    expect(await readdir(folder.path)).toEqual(["a"]);
    expect(await readFile(folder.join("a"), "utf8")).toBe("content");
  });

  test.skipIf(!HAS_LINKS)("never replaces a file, nor a link that leads nowhere", async () => {
    await using folder = await TempFolder.make();
    await writeFile(folder.join("a.part"), "content");
    await writeFile(folder.join("file"), "precious");
    await symlink(folder.join("nowhere"), folder.join("link"));
    for (const taken of ["file", "link"])
      expect(await codeOf(placeExclusively(folder.join("a.part"), folder.join(taken)))).toBe("file-exists");
    expect(await readFile(folder.join("file"), "utf8")).toBe("precious");
    expect((await readdir(folder.path)).toSorted()).toEqual(["a.part", "file", "link"]);
  });

  test("goes on where a try stopped that had given the new name already", async () => {
    await using folder = await TempFolder.make();
    await writeFile(folder.join("a.part"), "content");
    await link(folder.join("a.part"), folder.join("a"));
    await placeExclusively(folder.join("a.part"), folder.join("a"));
    expect(await readdir(folder.path)).toEqual(["a"]);
  });

  test("says which two files are in each other's way", async () => {
    await using folder = await TempFolder.make();
    await writeFile(folder.join("a.part"), "content");
    await writeFile(folder.join("a"), "other");
    const placing = placeExclusively(folder.join("a.part"), folder.join("a"));
    await expect(placing).rejects.toThrow(/a has come into being meanwhile.*move it away.*a\.part/);
  });
});

describe("a file that another program has open on Windows", () => {
  const patient = patience(WINDOWS.sharingErrors, async () => {});

  test("is placed when that one is done", async () => {
    const folder = new FakeFolder("EPERM");
    folder.names.set("a.part", "5");
    folder.whileHeld = [() => {}, () => {}];
    await placeExclusively("a.part", "a", folder, patient);
    expect([...folder.names]).toEqual([["a", "5"]]);
  });

  test("replaces nothing that took its name meanwhile", async () => {
    const folder = new FakeFolder("EPERM");
    folder.names.set("a.part", "5");
    folder.whileHeld = [() => folder.names.set("a", "6")];
    expect(await codeOf(placeExclusively("a.part", "a", folder, patient))).toBe("file-exists");
    expect(folder.calls).toEqual([]);
  });
});

test("what has the name already is not taken for this file where files have no numbers", async () => {
  const folder = new FakeFolder("EEXIST");
  folder.names.set("a.part", "0").set("a", "0");
  expect(await codeOf(placeExclusively("a.part", "a", folder))).toBe("file-exists");
  expect(folder.calls).toEqual([]);
});

describe("where there are no hard links", () => {
  test("a free name is taken by renaming", async () => {
    for (const refusal of ["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"]) {
      const folder = new FakeFolder(refusal);
      folder.names.set("a.part", "5");
      await placeExclusively("a.part", "a", folder);
      expect([...folder.names]).toEqual([["a", "5"]]);
      expect(folder.calls).toEqual(["rename"]);
    }
  });

  test("a taken name is left alone", async () => {
    const folder = new FakeFolder("EPERM");
    folder.names.set("a.part", "5").set("a", "6");
    expect(await codeOf(placeExclusively("a.part", "a", folder))).toBe("file-exists");
    expect(folder.calls).toEqual([]);
  });
});
