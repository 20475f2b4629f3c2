// Runs the pinned Bun with the arguments given: `node scripts/bun.mjs run file.ts`.
//
// Owns: installing the locked packages when node_modules is not what the lock file says, and finding the pinned
// runtime in them. Plain JavaScript, because it has to run before anything is installed, under Node or any Bun.
// It asks the platform package for the binary itself: the `bun` package only links it there in an install script,
// and install scripts may be switched off.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const underBun = process.versions.bun !== undefined;
const lock = join(root, underBun ? "bun.lock" : "package-lock.json");
const installedLock = join(modules, underBun ? ".bun.lock.installed" : ".package-lock.installed");

function installed() {
  return existsSync(installedLock) && readFileSync(installedLock, "utf8") === readFileSync(lock, "utf8");
}

function install() {
  console.error("Installing the locked packages ...");
  const [command, args] = underBun
    ? [process.execPath, ["install", "--frozen-lockfile", "--ignore-scripts"]]
    : ["npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]];
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32" && !underBun,
  });
  if (result.status !== 0) {
    console.error(`error: installing the packages failed: ${[command, ...args].join(" ")}`);
    process.exit(1);
  }
  copyFileSync(lock, installedLock);
}

/** The path of the pinned Bun: the first platform package whose binary starts on this machine. */
function findBun() {
  const scope = join(modules, "@oven");
  const name = process.platform === "win32" ? "bun.exe" : "bun";
  for (const folder of existsSync(scope) ? readdirSync(scope).sort() : []) {
    const path = join(scope, folder, "bin", name);
    if (existsSync(path) && spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0) return path;
  }
  console.error("error: no Bun binary for this machine in node_modules/@oven; delete node_modules and try again");
  process.exit(1);
}

if (!installed()) install();
const bun = findBun();
const child = spawnSync(bun, process.argv.slice(2), {
  stdio: "inherit",
  env: { ...process.env, P2P_BUN: bun },
});
process.exit(child.status ?? 1);
