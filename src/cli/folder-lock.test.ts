import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../base/failure.ts";
import { lockFirstFree, lockFolder } from "./folder-lock.ts";

const root = mkdtempSync(join(tmpdir(), "p2p-folder-lock-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A process that locks the folder, says so, and then stays until it is killed or its input ends. */
async function otherProcess(folder: string) {
  const script = `
    const { lockFolder } = await import(${JSON.stringify(join(import.meta.dir, "folder-lock.ts"))});
    try { lockFolder(${JSON.stringify(folder)}); Bun.gc(true); console.log("locked"); } catch (error) { console.log(error.message); }
    for await (const _ of process.stdin) {}`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  return {
    pid: child.pid,
    said: new TextDecoder().decode(value).trim(),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

function refusal(folder: string): Failure {
  try {
    lockFolder(folder).release();
  } catch (error) {
    if (error instanceof Failure) return error;
  }
  throw new Error("was not refused");
}

describe("a locked data folder", () => {
  test("is made when it is not there", () => {
    const folder = join(root, "deep", "down");
    const lock = lockFolder(folder);
    expect(lock.folder).toBe(folder);
    lock.release();
  });

  test("is refused to a second process, which is told the folder and whose it is", async () => {
    const folder = join(root, "held-here");
    const lock = lockFolder(folder);
    await using other = await otherProcess(folder);
    expect(other.said).toBe(
      `the data folder ${folder} is in use by another p2p (process ${process.pid}); end that one, or give another port, which has its own folder, or another --data-dir`,
    );
    lock.release();
  });

  test("is refused while another process has it, and free once that one is killed", async () => {
    const folder = join(root, "held-there");
    {
      await using other = await otherProcess(folder);
      expect(other.said).toBe("locked");
      const failure = refusal(folder);
      expect(failure.code).toBe("data-folder-in-use");
      expect(failure.message).toContain(`(process ${other.pid})`);
    }
    lockFolder(folder).release();
  });

  test("is refused to a second caller in the same process, and free after release, twice if need be", () => {
    const folder = join(root, "twice");
    const lock = lockFolder(folder);
    expect(refusal(folder).code).toBe("data-folder-in-use");
    lock.release();
    lock.release();
    lockFolder(folder).release();
  });

  test("is locked also when the note of who has it cannot be written, as while it is open elsewhere", () => {
    const folder = join(root, "unnoted");
    mkdirSync(join(folder, "lock.pid"), { recursive: true });
    const lock = lockFolder(folder);
    expect(refusal(folder).message).toContain("is in use by another p2p; end that one");
    lock.release();
  });

  test("that cannot be a folder is refused in one line", () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    expect(refusal(file)).toMatchObject({
      code: "disk-error",
      message: expect.stringMatching(
        /^cannot use the data folder .*file \(E\w+\); give another one with --data-dir$/,
      ),
    });
  });

  test("whose lock file is something else is refused in one line", () => {
    const folder = join(root, "spoilt");
    lockFolder(folder).release();
    writeFileSync(join(folder, "lock"), "no database at all, but long enough to look like one".repeat(20));
    expect(refusal(folder).message).toContain("(SQLITE_NOTADB)");
  });
});

describe("of several data folders", () => {
  test("the first that nobody has is taken, and the last refusal is told when all are in use", () => {
    const folders = [join(root, "one"), join(root, "two")];
    const locks = [lockFirstFree(folders), lockFirstFree(folders)];
    expect(locks.map(({ folder }) => folder)).toEqual(folders);
    expect(() => lockFirstFree(folders)).toThrow(`the data folder ${folders[1]} is in use`);
    for (const lock of locks) lock.release();
  });

  test("one that cannot be used at all is not passed over", () => {
    const file = join(root, "a file");
    writeFileSync(file, "");
    expect(() => lockFirstFree([file, join(root, "three")])).toThrow("cannot use the data folder");
  });
});
