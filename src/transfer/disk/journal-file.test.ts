import { describe, expect, spyOn, test } from "bun:test";
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { Bitfield } from "../../base/bitfield.ts";
import type { FileId } from "../../base/ids.ts";
import { JOURNAL_BYTES_MAX, PIECE_BYTES } from "../../base/limits.ts";
import { HAS_LINKS } from "../../testing/links.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import type { Journal } from "./journal.ts";
import { JournalFile, readJournal } from "./journal-file.ts";

function journalWith(...pieces: number[]): Journal {
  const claimed = new Bitfield(20);
  for (const piece of pieces) claimed.set(piece);
  return { fileId: "ab".repeat(32) as FileId, size: 20 * PIECE_BYTES, claimed, clean: undefined };
}

async function claimsAt(path: string): Promise<number[] | string> {
  const journal = await readJournal(path);
  return typeof journal === "string" ? journal : [...journal.claimed.indices()];
}

/** The next sync of any file takes until it is let go. */
class SlowSync implements Disposable {
  isOver = false;
  readonly begun: Promise<void>;
  readonly #begin = Promise.withResolvers<void>();
  readonly #outcome = Promise.withResolvers<void>();
  readonly #spy: { mockRestore(): void };

  private constructor(handles: FileHandle) {
    this.begun = this.#begin.promise;
    this.#spy = spyOn(handles, "sync").mockImplementation(async () => {
      this.#begin.resolve();
      await this.#outcome.promise;
      this.isOver = true;
    });
  }

  /** @param path of any file */
  static async on(path: string): Promise<SlowSync> {
    await using file = await open(path, "r");
    return new SlowSync(Object.getPrototypeOf(file));
  }

  end(): void {
    this.#outcome.resolve();
  }

  fail(): void {
    this.#outcome.reject(Object.assign(new Error("input/output error"), { code: "EIO" }));
  }

  [Symbol.dispose](): void {
    this.#spy.mockRestore();
  }
}

describe("a journal on disk", () => {
  test("holds its head and all that was appended, also if it is never closed", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("journal");
    const file = new JournalFile(path);
    await file.replace(journalWith(1));
    for (const piece of [5, 6, 7]) file.append(piece);
    await file.sync();
    expect(await claimsAt(path)).toEqual([1, 5, 6, 7]);
    file.append(8);
    await file.close();
    expect(await claimsAt(path)).toEqual([1, 5, 6, 7, 8]);
  });

  test("is replaced as a whole; what is appended later goes to the new one", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("journal");
    const file = new JournalFile(path);
    await file.replace(journalWith(1));
    file.append(5);
    const replaced = file.replace(journalWith(2));
    file.append(6);
    await replaced;
    await file.close();
    expect(await claimsAt(path)).toEqual([2, 6]);
    expect(await readdir(folder.path)).toEqual(["journal"]);
  });

  test("is for its owner's eyes only", async () => {
    await using folder = await TempFolder.make();
    const file = new JournalFile(folder.join("journal"));
    await file.replace(journalWith(1));
    await file.close();
    if (process.platform !== "win32") expect((await stat(folder.join("journal"))).mode & 0o777).toBe(0o600);
  });

  test("that cannot be replaced stays what it was, and a half-written one is not left", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("journal");
    await mkdir(path);
    await writeFile(folder.join("journal", "in the way"), "");
    const file = new JournalFile(path);
    await expect(file.replace(journalWith(1))).rejects.toThrow("cannot write");
    await file.close();
    expect(await readdir(folder.path)).toEqual(["journal"]);
  });

  test.skipIf(!HAS_LINKS)(
    "is written though an earlier run left a half-written one, and through no link",
    async () => {
      await using folder = await TempFolder.make();
      const path = folder.join("journal");
      await writeFile(folder.join("precious"), "as it was");
      await symlink(folder.join("precious"), `${path}.new`);
      const file = new JournalFile(path);
      await file.replace(journalWith(3));
      await file.close();
      expect(await claimsAt(path)).toEqual([3]);
      expect(await readFile(folder.join("precious"), "utf8")).toBe("as it was");
    },
  );

  test("that cannot be replaced holds no file open, since its owner may forget it", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("journal");
    await mkdir(folder.join("journal", "in-the-way"), { recursive: true });
    await using any = await open(folder.path, "r");
    const handles: FileHandle = Object.getPrototypeOf(any);
    using closed = spyOn(handles, "close");
    const outcome = new JournalFile(path).replace(journalWith(2)).catch((error: unknown) => String(error));
    expect(await outcome).toContain("cannot write");
    expect(closed).toHaveBeenCalledTimes(1);
    expect(await readdir(folder.path)).toEqual(["journal"]);
  });

  test("takes entries while it is being synced, so that a kill in a slow sync costs nothing", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("journal");
    const file = new JournalFile(path);
    await file.replace(journalWith(1));
    using slow = await SlowSync.on(path);
    const synced = file.sync();
    await slow.begun;
    await Promise.all([5, 6].map((piece) => file.append(piece)));
    expect(await claimsAt(path)).toEqual([1, 5, 6]);
    expect(slow.isOver).toBe(false);
    slow.end();
    await synced;
    await file.close();
  });

  test("says of each entry when the disk has taken it, and keeps nobody waiting where there is no journal", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("journal");
    const file = new JournalFile(path);
    await file.replace(journalWith(1));
    for (const piece of [5, 6]) {
      await file.append(piece);
      expect(await claimsAt(path)).toContain(piece);
    }
    await file.close();
    await file.append(7);
    expect(await claimsAt(path)).toEqual([1, 5, 6]);
  });

  test("is not closed under a sync", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("journal");
    const file = new JournalFile(path);
    await file.replace(journalWith(1));
    using slow = await SlowSync.on(path);
    const synced = file.sync();
    await slow.begun;
    let isClosed = false;
    const closed = file.close().then(() => {
      isClosed = true;
    });
    await readFile(path);
    expect(isClosed).toBe(false);
    slow.end();
    await Promise.all([synced, closed]);
  });

  test("that cannot be synced says so to whoever asked, and takes entries all the same", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("journal");
    const file = new JournalFile(path);
    await file.replace(journalWith(1));
    using slow = await SlowSync.on(path);
    const synced = file.sync();
    const refused = synced.catch((error: unknown) => String(error));
    await slow.begun;
    slow.fail();
    expect(await refused).toContain("input/output error");
    file.append(5);
    await file.close();
    expect(await claimsAt(path)).toEqual([1, 5]);
  });

  test("is gone after remove, with whatever is still appended", async () => {
    await using folder = await TempFolder.make();
    const file = new JournalFile(folder.join("journal"));
    await file.replace(journalWith(3));
    const removed = file.remove();
    file.append(4);
    await removed;
    await file.close();
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe("reading", () => {
  test("tells none from damaged", async () => {
    await using folder = await TempFolder.make();
    expect(await readJournal(folder.join("journal"))).toBe("none");
    await writeFile(folder.join("journal"), "garbage");
    expect(await readJournal(folder.join("journal"))).toBe("damaged");
    await writeFile(folder.join("journal"), "");
    expect(await readJournal(folder.join("journal"))).toBe("damaged");
  });

  test("refuses what is larger than any journal without reading it, and what is no file", async () => {
    await using folder = await TempFolder.make();
    const path = folder.join("journal");
    await writeFile(path, "");
    await truncate(path, JOURNAL_BYTES_MAX + 1);
    expect(await readJournal(path)).toBe("damaged");
    expect(await readJournal(folder.path)).toBe("damaged");
  });

  test.skipIf(!HAS_LINKS)("follows no link", async () => {
    await using folder = await TempFolder.make();
    await symlink("/dev/zero", folder.join("journal"));
    await expect(readJournal(folder.join("journal"))).rejects.toThrow("link");
  });
});
