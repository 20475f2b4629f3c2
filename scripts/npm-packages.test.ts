import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json";
import { TempFolder } from "../src/testing/temp-folder.ts";
import { MAIN_PACKAGE, mainManifest, packageName, platformManifest } from "./npm-packages.ts";
import { RELEASE_TARGETS, targetHere } from "./release-targets.ts";

const SHIM = join(import.meta.dir, "npm", "p2p.mjs");

test("the main package asks for exactly its own version of each platform's", () => {
  const { name, version, optionalDependencies, bin } = mainManifest();
  expect([name, version, bin]).toEqual([MAIN_PACKAGE, manifest.version, { p2p: "p2p.mjs" }]);
  expect(optionalDependencies).toEqual(
    Object.fromEntries(RELEASE_TARGETS.map((target) => [packageName(target), manifest.version])),
  );
});

test("of the platforms' packages one fits a machine", () => {
  const machines = RELEASE_TARGETS.map((target) => {
    const { os, cpu, libc, version } = platformManifest(target);
    expect(version).toBe(manifest.version);
    expect((libc === undefined) === (target.os !== "linux")).toBe(true);
    return JSON.stringify({ os, cpu, libc });
  });
  expect(new Set(machines).size).toBe(RELEASE_TARGETS.length);
  expect(machines[2]).toBe('{"os":["linux"],"cpu":["x64"],"libc":["musl"]}');
});

test("what plain `npm pack` packs is the program for this machine, with the command and all that it needs", () => {
  expect(manifest.bin.p2p).toBe("scripts/npm/p2p.mjs");
  expect(manifest.files.sort()).toEqual(["dist/p2p", "dist/p2p.exe", "scripts/npm/p2p.mjs"]);
  expect(manifest.scripts.prepack).toBe("npm run build");
  expect(manifest.bundleDependencies).toBe(true);
});

/** The command in a package of its own, with a program that is a script. */
async function withProgram(body: string): Promise<TempFolder> {
  const folder = await TempFolder.make();
  mkdirSync(folder.join("dist"));
  writeFileSync(folder.join("dist", "p2p"), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  writeFileSync(folder.join("package.json"), "{}");
  writeFileSync(folder.join("p2p.mjs"), readFileSync(SHIM));
  return folder;
}

const NODE = Bun.which("node") ?? process.execPath;

function start(folder: TempFolder, ...args: readonly string[]) {
  return startWith(NODE, folder, ...args);
}

function startWith(runtime: string, folder: TempFolder, ...args: readonly string[]) {
  const command = [runtime, folder.join("p2p.mjs"), ...args];
  return Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
}

describe.skipIf(process.platform === "win32")("the command of the package", () => {
  test("gives the program its arguments and its input, and its exit code to whoever waits", async () => {
    await using folder = await withProgram('cat; printf "<%s>" "$@"; echo wrong >&2; exit 7');
    const child = start(folder, "a b", "", "--json");
    child.stdin.write("typed ");
    child.stdin.end();
    expect(await child.stdout.text()).toBe("typed <a b><><--json>");
    expect(await child.stderr.text()).toBe("wrong\n");
    expect(await child.exited).toBe(7);
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("passes %s on, once", async (signal) => {
    const name = signal.slice(3);
    await using folder = await withProgram(
      `n=0; trap 'n=$((n+1)); echo ${name} $n' ${name}; echo ready; while read -r line || [ $n = 0 ]; do :; done; exit $((40+n))`,
    );
    const child = start(folder);
    const lines = child.stdout.getReader();
    await lines.read();
    child.kill(signal);
    child.stdin.end();
    expect(await child.exited).toBe(41);
  });

  test("ends by the signal that ended the program", async () => {
    await using folder = await withProgram("kill -KILL $$");
    const child = start(folder);
    await child.exited;
    expect(child.signalCode).toBe("SIGKILL");
  });

  test("says what to do where the loader finds no library, as on Alpine", async () => {
    await using folder = await withProgram("echo Error loading shared library >&2; exit 127");
    // Bun stays beside the program; Node does where the library is not seen.
    const child = startWith(process.execPath, folder);
    expect(await child.stderr.text()).toBe(
      "Error loading shared library\nerror: p2p lacks a library; on Alpine: apk add libstdc++\n",
    );
    expect(await child.exited).toBe(127);
  });

  test("says what to do where the platform's package is missing, and where there is none", async () => {
    await using folder = await TempFolder.make();
    writeFileSync(folder.join("p2p.mjs"), readFileSync(SHIM));
    writeFileSync(folder.join("package.json"), JSON.stringify(mainManifest()));
    const child = start(folder, "--version");
    const here = targetHere();
    expect(await child.stderr.text()).toBe(
      `error: the package ${here && packageName(here)} is not installed: install ${MAIN_PACKAGE} again on this machine, without --omit=optional (or --no-optional)\n`,
    );
    expect(await child.exited).toBe(1);
    writeFileSync(
      folder.join("package.json"),
      JSON.stringify({ ...mainManifest(), optionalDependencies: {} }),
    );
    const elsewhere = start(folder, "--version");
    expect(await elsewhere.stderr.text()).toBe(
      `error: there is no p2p for ${process.platform} on ${process.arch}\n`,
    );
    expect(await elsewhere.exited).toBe(1);
  });
});
