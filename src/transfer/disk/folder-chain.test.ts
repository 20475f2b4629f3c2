import { expect, test } from "bun:test";
import { existsSync, rmdirSync } from "node:fs";
import { lstat, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { Failure } from "../../base/failure.ts";
import { HAS_LINKS } from "../../testing/links.ts";
import { TempFolder } from "../../testing/temp-folder.ts";
import { ensureNoLinks, foldersBetween, makeFolders } from "./folder-chain.ts";

async function refusal(work: Promise<void>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw new Error(`no Failure but ${error}`);
  return error;
}

test("the folders of a name are made one in the other, and made once", async () => {
  await using folder = await TempFolder.make();
  const path = folder.join("runs", "may", "a.h5");
  await Promise.all([makeFolders(folder.path, path), makeFolders(folder.path, path)]);
  await makeFolders(folder.path, folder.join("runs", "june", "b.h5"));
  expect((await readdir(folder.join("runs"))).sort()).toEqual(["june", "may"]);
  await ensureNoLinks(folder.path, path);
});

test("nothing is made for a file that lies in the destination itself", async () => {
  await using folder = await TempFolder.make();
  expect(foldersBetween(folder.path, folder.join("a"))).toEqual([]);
  await makeFolders(folder.path, folder.join("a"));
  expect(await readdir(folder.path)).toEqual([]);
});

test.skipIf(!HAS_LINKS)("a link below the destination is not followed, wherever it leads", async () => {
  await using folder = await TempFolder.make();
  await mkdir(folder.join("elsewhere"));
  await mkdir(folder.join("in"));
  await symlink(folder.join("elsewhere"), folder.join("in", "runs"));
  await symlink(folder.join("nowhere"), folder.join("in", "lost"));
  for (const name of ["runs", "lost"]) {
    const path = folder.join("in", name, "may", "a.h5");
    const failure = await refusal(makeFolders(folder.join("in"), path));
    expect(failure.code).toBe("file-refused");
    expect(failure.message).toBe(
      `${folder.join("in", name)} is a link, which is not followed here: move it away or choose another destination`,
    );
    expect((await refusal(ensureNoLinks(folder.join("in"), path))).code).toBe("file-refused");
  }
  expect(await readdir(folder.join("elsewhere"))).toEqual([]);
});

test.skipIf(!HAS_LINKS)(
  "the destination itself may be reached over a link, which the user chose",
  async () => {
    await using folder = await TempFolder.make();
    await mkdir(folder.join("real"));
    await symlink(folder.join("real"), folder.join("link"));
    await makeFolders(folder.join("link"), folder.join("link", "runs", "a"));
    expect((await lstat(folder.join("real", "runs"))).isDirectory()).toBe(true);
  },
);

test("a folder that is removed in the moment in which it is made is missed", async () => {
  await using folder = await TempFolder.make();
  const made = folder.join("runs");
  let failure: Failure | undefined;
  let isOver = false;
  const remover = (async () => {
    for (; !isOver; await new Promise(setImmediate)) if (existsSync(made)) rmdirSync(made);
  })();
  while (failure === undefined)
    failure = await makeFolders(folder.path, folder.join("runs", "a")).then(
      () => undefined,
      (refused) => refused,
    );
  isOver = true;
  await remover;
  expect(failure.code).toBe("file-missing");
  expect(failure.message).toBe(`${made} has gone again`);
});

test("a file where a folder should be is kept", async () => {
  await using folder = await TempFolder.make();
  await writeFile(folder.join("runs"), "a file");
  const failure = await refusal(makeFolders(folder.path, folder.join("runs", "a")));
  expect(failure.message).toStartWith(`${folder.join("runs")} is no folder: move it away`);
});
