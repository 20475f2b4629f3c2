/**
 * The packages are locked twice, for machines with npm and for machines with Bun alone. Both locks must hold the same
 * packages, versions and contents, or the two would test different programs.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const text = (path: string) => Bun.file(join(root, path)).text();

interface NpmLock {
  packages: Record<string, { version: string; integrity?: string }>;
}

interface BunLock {
  lockfileVersion: number;
  /** By name: `name@version`, registry, details, integrity. */
  packages: Record<string, [string, ...unknown[]]>;
}

interface PackageFile {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string> & { bun: string };
}

/** `bun.lock` is JSON with commas after last elements. */
async function readBunLock(): Promise<BunLock> {
  return Bun.JSONC.parse(await text("bun.lock")) as BunLock;
}

async function readNpmLock(): Promise<NpmLock> {
  return JSON.parse(await text("package-lock.json")) as NpmLock;
}

test("npm and Bun install the same versions of the same packages with the same contents", async () => {
  const npm = Object.entries((await readNpmLock()).packages)
    .filter(([path]) => path !== "")
    .map(([path, { version, integrity }]) => `${path.split("node_modules/").at(-1)}@${version} ${integrity}`);
  const bun = Object.values((await readBunLock()).packages).map((entry) => `${entry[0]} ${entry.at(-1)}`);
  expect(npm.length).toBeGreaterThan(10);
  expect(bun.sort()).toEqual(npm.sort());
});

test("every dependency is pinned to one version", async () => {
  const { dependencies, devDependencies } = JSON.parse(await text("package.json")) as PackageFile;
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    expect(`${name} ${version}`).toMatch(/ \d+\.\d+\.\d+$/);
  }
});

test("a Bun older than the pinned one can read its lock file and so install the pinned one", async () => {
  expect((await readBunLock()).lockfileVersion).toBe(1);
});

test("the tests run under the pinned Bun", async () => {
  const { devDependencies } = JSON.parse(await text("package.json")) as PackageFile;
  expect<string>(Bun.version).toBe(devDependencies.bun);
});
