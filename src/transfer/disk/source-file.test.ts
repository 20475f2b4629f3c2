import { describe, expect, spyOn, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  appendFile,
  type FileHandle,
  mkdir,
  open,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname } from "node:path";
import { Failure } from "../../base/failure.ts";
import { FILE_BYTES_MAX } from "../../base/limits.ts";
import { HAS_LINKS } from "../../testing/links.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import { DescriptorUse } from "./descriptor-use.ts";
import { SourceFile } from "./source-file.ts";

const idle = new DescriptorUse();

async function caught(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw new Error(`no Failure but ${error}`);
  return error;
}

/** What the open file, and one opened again by what was remembered, say after `change`. */
async function saysAfter(change: (path: string) => Promise<void>): Promise<(string | undefined)[]> {
  await using folder = await TempFolder.make();
  await mkdir(folder.join("inner"));
  const path = folder.join("inner/shared");
  await writeFile(path, "some content");
  await utimes(path, 1000, 1000);
  const source = await SourceFile.open(path, idle);
  try {
    await change(path);
    const open = await source.unchanged();
    const reopened = await SourceFile.reopen(path, source.identity, idle).then(
      (again) => again.close(),
      (error: Failure) => error,
    );
    const failures = [open, reopened ?? undefined];
    expect(failures.every((failure) => failure === undefined || failure.code === "file-changed")).toBe(true);
    return failures.map((failure) => failure?.message.replace(path, "F"));
  } finally {
    await source.close();
  }
}

const again = "since it was shared; share it again with upload_file";

describe("a shared file", () => {
  test("that was left alone is unchanged, also when it was only read or renamed and back", async () => {
    expect(await saysAfter(async () => {})).toEqual([undefined, undefined]);
    const backAndForth = async (path: string) => {
      await rename(path, `${path}2`);
      await rename(`${path}2`, path);
    };
    expect(await saysAfter(backAndForth)).toEqual([undefined, undefined]);
  });

  test("that was written to is changed, whether it grew or not", async () => {
    const said = `F was changed ${again}`;
    expect(await saysAfter((path) => appendFile(path, "x"))).toEqual([said, said]);
    expect(await saysAfter((path) => writeFile(path, "SOME CONTENT"))).toEqual([said, said]);
  });

  test("that was cut says from what to what", async () => {
    const said = `F was cut from 12 B to 3 B ${again}`;
    expect(await saysAfter((path) => truncate(path, 3))).toEqual([said, said]);
  });

  test.skipIf(!HAS_LINKS)("that was replaced, by a copy, a link or a folder, is replaced", async () => {
    const said = `F was replaced by another file ${again}`;
    const byCopy = async (path: string) => {
      await writeFile(`${path}2`, "some content");
      await utimes(`${path}2`, 1000, 1000);
      await rename(`${path}2`, path);
    };
    const byLink = async (path: string) => {
      await rename(path, `${path}2`);
      await writeFile(`${path}3`, "some content");
      await symlink(`${path}3`, path);
    };
    expect(await saysAfter(byCopy)).toEqual([said, said]);
    expect(await saysAfter(byLink)).toEqual([said, said]);
  });

  test.skipIf(!HAS_LINKS)(
    "whose folder was swapped for a link to another one with a file of that name, size and time is replaced",
    async () => {
      const said = `F was replaced by another file ${again}`;
      const bySwap = async (path: string) => {
        const parent = dirname(path);
        await mkdir(`${parent}/secret`);
        await writeFile(`${parent}/secret/shared`, "other secret");
        await utimes(`${parent}/secret/shared`, 1000, 1000);
        await rename(parent, `${parent}-moved`);
        await symlink(`${parent}-moved/secret`, parent);
      };
      expect(await saysAfter(bySwap)).toEqual([said, said]);
    },
  );

  test("that was removed says so", async () => {
    const said = `F was moved or removed ${again}`;
    expect(await saysAfter((path) => rm(path))).toEqual([said, said]);
  });
});

test("a file that is remembered is the same when its disk got another number since", async () => {
  await using folder = await TempFolder.make();
  await writeFile(folder.join("file"), "content");
  const source = await SourceFile.open(folder.join("file"), idle);
  const remembered = { ...source.identity, device: "16777234" };
  await source.close();
  await (await SourceFile.reopen(folder.join("file"), remembered, idle)).close();
  const other = SourceFile.reopen(folder.join("file"), { ...remembered, inode: "1" }, idle);
  expect((await caught(other)).message).toContain("was replaced by another file");
});

describe("opening", () => {
  test.skipIf(!HAS_LINKS)("follows a link that the user named, once, to the real path", async () => {
    await using folder = await TempFolder.make();
    await writeFile(folder.join("real"), "content");
    await symlink(folder.join("real"), folder.join("link"));
    const source = await SourceFile.open(folder.join("link"), idle);
    expect(source.path).toBe(folder.join("real"));
    expect(source.identity.size).toBe(7);
    await source.close();
  });

  test("refuses what is no plain file, without waiting for anybody", async () => {
    await using folder = await TempFolder.make();
    await mkdir(folder.join("folder"));
    expect((await caught(SourceFile.open(folder.join("folder"), idle))).code).toBe("file-missing");
    expect((await caught(SourceFile.open(folder.join("nothing"), idle))).code).toBe("file-missing");
    if (process.platform === "win32") return;
    execFileSync("mkfifo", [folder.join("pipe")]);
    expect((await caught(SourceFile.open(folder.join("pipe"), idle))).message).toContain("not a file");
  });

  test("refuses a file that is too large for a piece list", async () => {
    await using folder = await TempFolder.make();
    await writeFile(folder.join("huge"), "");
    await truncate(folder.join("huge"), FILE_BYTES_MAX + 1);
    expect((await caught(SourceFile.open(folder.join("huge"), idle))).code).toBe("file-refused");
  });
});

test("one that cannot be looked at again is not left open", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("file");
  await writeFile(path, "content");
  const source = await SourceFile.open(path, idle);
  const { identity } = source;
  await source.close();
  await using any = await open(folder.path, "r");
  const handles: FileHandle = Object.getPrototypeOf(any);
  const { stat } = handles;
  let looks = 0;
  using _ = spyOn(handles, "stat").mockImplementation(function (this: FileHandle, ...args: never[]) {
    if (++looks === 2) return Promise.reject(Object.assign(new Error("no look"), { code: "EIO" }));
    return Reflect.apply(stat, this, args);
  } as never);
  using closed = spyOn(handles, "close");
  expect((await caught(SourceFile.reopen(path, identity, idle))).message).toContain("no look");
  expect(closed).toHaveBeenCalledTimes(1);
});

test("closing waits for the jobs that use the descriptor", async () => {
  await using folder = await TempFolder.make();
  await writeFile(folder.join("file"), "x");
  const use = new DescriptorUse();
  const source = await SourceFile.open(folder.join("file"), use);
  use.begin(source.descriptor);
  use.begin(source.descriptor);
  let closed = false;
  const closing = source.close().then(() => {
    closed = true;
  });
  use.end(source.descriptor);
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBe(false);
  use.end(source.descriptor);
  await closing;
});
