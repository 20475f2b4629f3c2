import { afterAll, describe, expect, test } from "bun:test";
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { Failure } from "../../base/failure.ts";
import type { PieceIndex } from "../../base/ids.ts";
import { JOURNAL_SYNC_MS, PIECE_BYTES } from "../../base/limits.ts";
import { HAS_LINKS } from "../../testing/links.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { manifestOf } from "../../testing/sim-storage.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import type { DownloadFile, DownloadTarget, PieceWorkers, Slot } from "./contract.ts";
import { discardDownload, downloadOpener } from "./download-opener.ts";
import { HashPool } from "./hash-pool.ts";
import { readJournal } from "./journal-file.ts";

const pool = new HashPool({ workers: 2, buffers: 4 });
afterAll(() => pool.close());

const PIECES = 6;
const CONTENT = Uint8Array.from(
  { length: (PIECES - 1) * PIECE_BYTES + 9 },
  (_, at) => (at * 7 + (at >> 12)) % 256,
);
const MANIFEST = manifestOf(CONTENT);
const OTHER = manifestOf(CONTENT.subarray(1));
const never = new AbortController().signal;

/** A folder with a download of CONTENT in it, and what the disk was asked to read for verifying. */
class World implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly target: DownloadTarget;
  readonly verified: number[] = [];
  readonly #folder: TempFolder;
  readonly #opened: DownloadFile[] = [];

  private constructor(folder: TempFolder) {
    this.#folder = folder;
    this.target = {
      manifest: MANIFEST,
      path: folder.join("file"),
      base: folder.path,
      journalPath: folder.join("journals", "1"),
    };
  }

  static async make(): Promise<World> {
    return new World(await TempFolder.make());
  }

  get workers(): PieceWorkers {
    const load: PieceWorkers["load"] = (file, manifest, piece, slot, verify) => {
      this.verified.push(piece);
      return pool.load(file, manifest, piece, slot, verify);
    };
    return new Proxy<PieceWorkers>(pool, {
      get: (from, key) => {
        if (key === "load") return load;
        const value: unknown = Reflect.get(from, key, from);
        return typeof value === "function" ? value.bind(from) : value;
      },
    });
  }

  open(target: Partial<DownloadTarget> = {}, signal = never, progress: (bytes: number) => void = () => {}) {
    this.verified.length = 0;
    return downloadOpener({ workers: this.workers, clock: this.clock })(
      { ...this.target, ...target },
      progress,
      signal,
    );
  }

  /** Opens, and expects nothing to be complete. */
  async resume(
    signal = never,
  ): Promise<{ download: DownloadFile; notice: string | undefined; has: number[] }> {
    const opened = await this.open({}, signal);
    if (opened.kind !== "open") throw new Error("it is complete");
    this.#opened.push(opened.download);
    return { ...opened, has: [...opened.download.resumed.indices()] };
  }

  async fetch(download: DownloadFile, ...pieces: number[]): Promise<void> {
    for (const index of pieces) {
      const piece = index as PieceIndex;
      const slot = pool.slots.acquire() as Slot;
      slot.bytes.set(CONTENT.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES));
      const outcome = await pool.store(download.file, MANIFEST, piece, slot, () => {});
      pool.slots.release(slot);
      expect(outcome).toEqual({ kind: "written" });
      download.recordWritten(piece);
    }
  }

  /** As if the process had been killed: appended entries have reached the system, nothing else happens. */
  async kill(download: DownloadFile): Promise<void> {
    await download.close();
  }

  names(): Promise<string[]> {
    return readdir(this.#folder.path).then((names) => names.toSorted());
  }

  journals(): Promise<string[]> {
    return readdir(this.#folder.join("journals"));
  }

  join(...names: string[]): string {
    return this.#folder.join(...names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const download of this.#opened) await download.close().catch(() => {});
    await this.#folder[Symbol.asyncDispose]();
  }
}

async function caught(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw new Error(`no Failure but ${error}`);
  return error;
}

const ALL = [0, 1, 2, 3, 4, 5];

describe("a download whose name leads through folders", () => {
  test("makes them, and is placed in them", async () => {
    await using world = await World.make();
    const path = world.join("runs", "may", "file");
    const opened = await world.open({ path });
    if (opened.kind !== "open") throw new Error("it is complete");
    await world.fetch(opened.download, ...ALL);
    await opened.download.place();
    await opened.download.close();
    expect(await readdir(world.join("runs", "may"))).toEqual(["file"]);
    expect((await world.open({ path })).kind).toBe("complete");
  });

  test.skipIf(!HAS_LINKS)(
    "makes, reads and removes nothing where a link in the destination leads",
    async () => {
      await using world = await World.make();
      await mkdir(world.join("elsewhere"));
      await writeFile(world.join("elsewhere", "file"), CONTENT);
      await symlink(world.join("elsewhere"), world.join("runs"));
      const path = world.join("runs", "file");
      const failure = await caught(world.open({ path }));
      expect(failure.message).toContain("is a link, which is not followed here");
      expect(await readdir(world.join("elsewhere"))).toEqual(["file"]);
      expect(await world.names()).toEqual(["elsewhere", "runs"]);
    },
  );

  test.skipIf(!HAS_LINKS)(
    "is not placed, resumed or removed through a link that took a folder's place meanwhile",
    async () => {
      await using world = await World.make();
      await mkdir(world.join("elsewhere"));
      const path = world.join("runs", "file");
      const opened = await world.open({ path });
      if (opened.kind !== "open") throw new Error("it is complete");
      await world.fetch(opened.download, ...ALL);
      await rename(world.join("runs"), world.join("moved"));
      await writeFile(world.join("elsewhere", "file.part"), "somebody's own");
      await symlink(world.join("elsewhere"), world.join("runs"));
      expect((await caught(opened.download.place())).code).toBe("file-refused");
      await world.kill(opened.download);
      expect((await caught(world.open({ path }))).code).toBe("file-refused");
      const left = { ...world.target, path, fileId: MANIFEST.summary.fileId };
      expect((await caught(discardDownload(left))).code).toBe("file-refused");
      expect(await readdir(world.join("elsewhere"))).toEqual(["file.part"]);
    },
  );
});

describe("a download", () => {
  test("starts with nothing, and ends with the file alone at its place", async () => {
    await using world = await World.make();
    const { download, has, notice } = await world.resume();
    expect([has, notice]).toEqual([[], undefined]);
    expect(await world.names()).toEqual(["file.part", "journals"]);
    await world.fetch(download, ...ALL);
    await download.place();
    expect(await world.names()).toEqual(["file", "journals"]);
    expect(await world.journals()).toEqual([]);
    expect(Buffer.compare(await readFile(world.target.path), CONTENT)).toBe(0);
  });

  test("of an empty file works too", async () => {
    await using world = await World.make();
    const opened = await world.open({ manifest: manifestOf(new Uint8Array()) });
    if (opened.kind !== "open") throw new Error("it is complete");
    await opened.download.place();
    await opened.download.close();
    expect((await stat(world.target.path)).size).toBe(0);
  });

  test("goes on after a clean stop without reading anything again", async () => {
    await using world = await World.make();
    const first = await world.resume();
    await world.fetch(first.download, 4, 0);
    await first.download.suspend();
    await first.download.close();
    const second = await world.resume();
    expect(second.has).toEqual([0, 4]);
    expect(world.verified).toEqual([]);
    await world.fetch(second.download, 1);
    await second.download.suspend();
    await second.download.close();
    expect((await world.resume()).has).toEqual([0, 1, 4]);
  });

  test("goes on after a kill with every piece that was written, and verifies just those", async () => {
    await using world = await World.make();
    const first = await world.resume();
    await world.fetch(first.download, 4, 0, 2);
    await world.kill(first.download);
    const second = await world.resume();
    expect(second.has).toEqual([0, 2, 4]);
    expect(world.verified.toSorted()).toEqual([0, 2, 4]);
  });

  test("killed right after it was opened again still knows what was there", async () => {
    await using world = await World.make();
    const first = await world.resume();
    await world.fetch(first.download, 3);
    await first.download.suspend();
    await first.download.close();
    await world.kill((await world.resume()).download);
    expect((await world.resume()).has).toEqual([3]);
    expect(world.verified).toEqual([3]);
  });

  test("does not take on a piece that the disk lost, and forgets its claim", async () => {
    await using world = await World.make();
    const first = await world.resume();
    await world.fetch(first.download, 1, 2);
    await world.kill(first.download);
    await using part = await open(`${world.target.path}.part`, "r+");
    await part.write(new Uint8Array([1, 2, 3]), 0, 3, 2 * PIECE_BYTES + 50);
    const second = await world.resume();
    expect(second.has).toEqual([1]);
    await second.download.suspend();
    await second.download.close();
    expect((await world.resume()).has).toEqual([1]);
  });

  test("verifies after a clean stop too if the part file was touched or swapped since", async () => {
    await using world = await World.make();
    const part = `${world.target.path}.part`;
    const first = await world.resume();
    await world.fetch(first.download, 1, 2);
    await first.download.suspend();
    await first.download.close();
    await utimes(part, 1000, 1000);
    const second = await world.resume();
    expect(world.verified.toSorted()).toEqual([1, 2]);
    await second.download.suspend();
    await second.download.close();
    const { size, mtime } = await stat(part);
    await rename(part, world.join("old"));
    await writeFile(part, new Uint8Array(size));
    await utimes(part, mtime, mtime);
    expect((await world.resume()).has).toEqual([]);
  });

  test("tells how far verifying has come, and can be stopped while it does", async () => {
    await using world = await World.make();
    const first = await world.resume();
    await world.fetch(first.download, ...ALL);
    await world.kill(first.download);
    const abort = new AbortController();
    const reports: number[] = [];
    const stopped = world.open({}, abort.signal, (bytes) => {
      reports.push(bytes);
      abort.abort(new Failure("try-later", "logged out"));
    });
    expect((await caught(stopped)).message).toBe("logged out");
    expect(reports.length).toBeGreaterThan(0);
    expect(pool.slots.free).toBe(pool.slots.capacity);
    expect((await world.resume()).has).toEqual(ALL);
  });

  test("waits for buffers while others use them all", async () => {
    await using world = await World.make();
    const first = await world.resume();
    await world.fetch(first.download, 0, 1);
    await world.kill(first.download);
    const taken = Array.from({ length: pool.slots.capacity }, () => pool.slots.acquire() as Slot);
    const resuming = world.resume();
    const abort = new AbortController();
    const stopped = caught(world.open({}, abort.signal));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    expect((await stopped).code).toBe("try-later");
    for (const slot of taken) pool.slots.release(slot);
    expect((await resuming).has).toEqual([0, 1]);
  });
});

describe("what is in the way", () => {
  test("a file with this content means that it is complete, and leftovers are swept", async () => {
    await using world = await World.make();
    await world.kill((await world.resume()).download);
    await writeFile(world.target.path, CONTENT);
    expect((await world.open()).kind).toBe("complete");
    expect(await world.names()).toEqual(["file", "journals"]);
    expect(await world.journals()).toEqual([]);
  });

  test("a file with other content, shorter or just different, is not touched", async () => {
    await using world = await World.make();
    const different = CONTENT.slice();
    different[5] = 255 - (different[5] ?? 0);
    for (const bytes of [CONTENT.subarray(1), different]) {
      await writeFile(world.target.path, bytes);
      const failure = await caught(world.open());
      expect(failure.code).toBe("file-exists");
      expect(failure.message).toContain("name another destination");
      expect(Buffer.compare(await readFile(world.target.path), bytes)).toBe(0);
    }
    expect(await world.names()).toEqual(["file"]);
  });

  test("a file that appears while the download runs is kept, and the download can be placed once it is gone", async () => {
    await using world = await World.make();
    const { download } = await world.resume();
    await world.fetch(download, ...ALL);
    await writeFile(world.target.path, "precious");
    expect((await caught(download.place())).code).toBe("file-exists");
    expect(await readFile(world.target.path, "utf8")).toBe("precious");
    await rm(world.target.path);
    await download.place();
    expect(Buffer.compare(await readFile(world.target.path), CONTENT)).toBe(0);
  });

  test("a part file without a journal is somebody else's", async () => {
    await using world = await World.make();
    await writeFile(world.join("file.part"), "precious");
    expect((await caught(world.open())).code).toBe("file-exists");
    expect(await readFile(world.join("file.part"), "utf8")).toBe("precious");
    expect(await world.names()).toEqual(["file.part"]);
  });

  test("a journal of another file stands for another download", async () => {
    await using world = await World.make();
    const { download } = await world.resume();
    await world.fetch(download, 1);
    await world.kill(download);
    const failure = await caught(world.open({ manifest: OTHER }));
    expect(failure.code).toBe("download-exists");
    expect((await world.resume()).has).toEqual([1]);
  });
});

describe("a damaged leftover", () => {
  test("journal: the whole part file is verified, and that is told", async () => {
    await using world = await World.make();
    const first = await world.resume();
    await world.fetch(first.download, 2, 5);
    await world.kill(first.download);
    await writeFile(world.target.journalPath, "garbage");
    const second = await world.resume();
    expect(second.has).toEqual([2, 5]);
    expect(second.notice).toContain("file.part has a damaged journal: it is verified whole");
  });

  test("journal beside a part file of another size is no proof that it is ours", async () => {
    await using world = await World.make();
    await world.kill((await world.resume()).download);
    await writeFile(world.target.journalPath, "garbage");
    await truncate(`${world.target.path}.part`, 5);
    expect((await caught(world.open())).code).toBe("file-exists");
  });

  test("part file that is gone: it starts from the beginning, and that is told", async () => {
    await using world = await World.make();
    const first = await world.resume();
    await world.fetch(first.download, 2);
    await world.kill(first.download);
    await rm(`${world.target.path}.part`);
    const second = await world.resume();
    expect(second.has).toEqual([]);
    expect(second.notice).toContain("is gone: it is downloaded from the beginning");
  });

  test("part file of another size: it starts from the beginning, and that is told", async () => {
    await using world = await World.make();
    const first = await world.resume();
    await world.fetch(first.download, 2);
    await world.kill(first.download);
    await truncate(`${world.target.path}.part`, 5);
    const second = await world.resume();
    expect(second.has).toEqual([]);
    expect(second.notice).toContain("has another size");
    expect((await stat(`${world.target.path}.part`)).size).toBe(CONTENT.length);
  });
});

describe("cancelling", () => {
  test("removes part file and journal of an open download, and ignores what is still recorded", async () => {
    await using world = await World.make();
    const { download } = await world.resume();
    await world.fetch(download, 1, 2);
    await download.discard();
    download.recordWritten(3 as PieceIndex);
    await download.close();
    expect(await world.names()).toEqual(["journals"]);
    expect(await world.journals()).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  test("removes those of a download that is not open, but never what is not its own", async () => {
    await using world = await World.make();
    await world.kill((await world.resume()).download);
    await discardDownload({ ...world.target, fileId: OTHER.summary.fileId });
    expect(await world.names()).toEqual(["file.part", "journals"]);
    await discardDownload({ ...world.target, fileId: world.target.manifest.summary.fileId });
    expect(await world.names()).toEqual(["journals"]);
    await writeFile(world.join("file.part"), "precious");
    await discardDownload({ ...world.target, fileId: world.target.manifest.summary.fileId });
    expect(await world.names()).toEqual(["file.part", "journals"]);
  });
});

describe("the journal of a running download", () => {
  test("is synced some time after the first piece, and only while there is something to sync", async () => {
    await using world = await World.make();
    const { download } = await world.resume();
    expect(world.clock.pending).toBe(0);
    await world.fetch(download, 1, 2);
    expect(world.clock.pending).toBe(1);
    world.clock.advance(JOURNAL_SYNC_MS);
    expect(world.clock.pending).toBe(0);
    await world.fetch(download, 3);
    expect(world.clock.pending).toBe(1);
    await download.suspend();
    expect(world.clock.pending).toBe(0);
  });

  test("is clean only after a clean stop", async () => {
    await using world = await World.make();
    const isClean = async () => {
      const journal = await readJournal(world.target.journalPath);
      return typeof journal === "object" && journal.clean !== undefined;
    };
    const { download } = await world.resume();
    await world.fetch(download, 1);
    expect(await isClean()).toBe(false);
    await download.suspend();
    expect(await isClean()).toBe(true);
    await download.close();
    const again = await world.resume();
    expect(await isClean()).toBe(false);
    await again.download.close();
  });

  test("that cannot be written at a clean stop makes the stop fail, and costs only verifying", async () => {
    await using world = await World.make();
    const first = await world.resume();
    await world.fetch(first.download, 1, 4);
    const blocked = `${world.target.journalPath}.new`;
    await mkdir(blocked);
    expect((await caught(first.download.suspend())).message).toContain("cannot write");
    await first.download.close();
    await rm(blocked, { recursive: true });
    expect((await world.resume()).has).toEqual([1, 4]);
    expect(world.verified.toSorted()).toEqual([1, 4]);
  });
});
