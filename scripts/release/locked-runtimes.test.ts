import { expect, test } from "bun:test";
import { join } from "node:path";
import { RELEASE_TARGETS } from "../release-targets.ts";
import { runtimePackage, runtimeProject } from "./locked-runtimes.ts";

async function readLock() {
  return Bun.JSONC.parse(await Bun.file(join(import.meta.dir, "../../bun.lock")).text()) as {
    lockfileVersion: number;
    packages: Record<string, unknown[]>;
  };
}

test("the lock file has a hash for the runtime of every target", async () => {
  const { packages } = await readLock();
  for (const target of RELEASE_TARGETS) expect(packages[runtimePackage(target)]?.at(-1)).toMatch(/^sha512-/);
});

test("runtimes are installed by the hashes of the lock file", async () => {
  const lock = await readLock();
  const names = RELEASE_TARGETS.map(runtimePackage);
  const made = JSON.parse(runtimeProject(names, Bun.version, lock)["bun.lock"]) as typeof lock;
  expect(Object.keys(made.packages)).toEqual(names);
  for (const name of names) expect(made.packages[name]).toEqual(lock.packages[name] ?? []);
});

test("a runtime without a hash is not installed", async () => {
  expect(() =>
    runtimeProject(["@oven/bun-plan9-x64"], "1.0.0", { lockfileVersion: 1, packages: {} }),
  ).toThrow("@oven/bun-plan9-x64 is not in bun.lock");
});
