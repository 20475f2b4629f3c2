/**
 * The runtimes that go into the binaries of a release: those of the lock file, byte for byte.
 *
 * Left to itself the compiler fetches a runtime that it has not, and holds it against nothing. Here the package manager
 * installs them in a folder of their own, by the hashes of `bun.lock`, whatever machine they are for. The folder is inside
 * `node_modules`: it goes when the packages go.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ReleaseTarget } from "../release-targets.ts";
import { runTool } from "../run-tool.ts";

interface BunLock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, unknown>>;
}

/** @returns the package that has the target's runtime */
export function runtimePackage({ platform }: Pick<ReleaseTarget, "platform">): string {
  return `@oven/${platform.replace("arm64", "aarch64")}`;
}

/** The two files of a project that has these packages alone, with the hashes of `lock`. */
export function runtimeProject(
  names: readonly string[],
  version: string,
  lock: BunLock,
): { readonly "package.json": string; readonly "bun.lock": string } {
  const dependencies = Object.fromEntries(names.map((name) => [name, version]));
  const locked = names.map((name) => {
    if (lock.packages[name] === undefined) throw new Error(`${name} is not in bun.lock`);
    return [name, lock.packages[name]];
  });
  return {
    "package.json": JSON.stringify({ name: "runtimes", private: true, dependencies }),
    "bun.lock": JSON.stringify({
      lockfileVersion: lock.lockfileVersion,
      workspaces: { "": { name: "runtimes", dependencies } },
      packages: Object.fromEntries(locked),
    }),
  };
}

/** Fetches what is not there yet. @returns where the runtime of a target is */
export async function lockedRuntimes(
  root: string,
  targets: readonly ReleaseTarget[],
): Promise<(target: ReleaseTarget) => string> {
  const folder = join(root, "node_modules", ".runtimes");
  mkdirSync(folder, { recursive: true });
  const lock = Bun.JSONC.parse(readFileSync(join(root, "bun.lock"), "utf8")) as BunLock;
  const project = runtimeProject(targets.map(runtimePackage), Bun.version, lock);
  for (const [name, text] of Object.entries(project)) writeFileSync(join(folder, name), text);
  await runTool([process.execPath, "install", "--frozen-lockfile", "--ignore-scripts", "--os=*", "--cpu=*"], {
    cwd: folder,
  }).catch((error: Error) => {
    throw new Error(`the runtimes of bun.lock cannot be installed: ${error.message}`);
  });
  return (target) =>
    join(folder, "node_modules", runtimePackage(target), "bin", target.os === "win32" ? "bun.exe" : "bun");
}
