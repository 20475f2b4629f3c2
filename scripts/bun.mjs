// Runs the pinned Bun with the arguments given: `node scripts/bun.mjs run file.ts`.
//
// Owns: installing the locked packages when node_modules is not what the lock file says, and finding the pinned
// runtime in them. Plain JavaScript, because it has to run before anything is installed, under Node 20 or any Bun
// (where no Node is, `bun run` puts itself in its place).
// It asks the platform package for the binary itself: the `bun` package only links it there in an install script,
// and install scripts may be switched off. Two first runs at once are not supported: they would install into each other.
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const underBun = process.versions.bun !== undefined;

/** A copy of the lock file by which node_modules was filled. Either lock will do: a test holds them to be the same. */
const installedBy = (lock) => join(modules, `.installed-by.${lock}`);

function isInstalled(lock) {
  return (
    existsSync(installedBy(lock)) &&
    readFileSync(installedBy(lock), "utf8") === readFileSync(join(root, lock), "utf8")
  );
}

function install() {
  console.error("Installing the locked packages ...");
  const [lock, command, ...args] = underBun
    ? ["bun.lock", process.execPath, "install", "--frozen-lockfile", "--ignore-scripts"]
    : ["package-lock.json", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = spawnSync(command, args, {
    cwd: root,
    // Standard output belongs to the program that is run afterwards.
    stdio: ["ignore", 2, 2],
    env: { ...process.env, npm_config_update_notifier: "false" },
    // npm is a batch file on Windows, which starts in a shell only.
    shell: process.platform === "win32" && !underBun,
  });
  if (result.status !== 0) {
    console.error(`error: installing the packages failed: ${[command, ...args].join(" ")}`);
    process.exit(1);
  }
  copyFileSync(join(root, lock), installedBy(lock));
}

/** The path of the pinned Bun: the first platform package whose binary starts on this machine. */
function findBun() {
  const scope = join(modules, "@oven");
  const name = process.platform === "win32" ? "bun.exe" : "bun";
  for (const folder of existsSync(scope) ? readdirSync(scope).sort() : []) {
    const path = join(scope, folder, "bin", name);
    if (existsSync(path) && spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0) return path;
  }
  console.error(
    "error: no Bun binary for this machine in node_modules/@oven; delete node_modules and try again",
  );
  process.exit(1);
}

if (!isInstalled("package-lock.json") && !isInstalled("bun.lock")) install();
const bun = findBun();
const child = spawn(bun, process.argv.slice(2), { stdio: "inherit", env: { ...process.env, P2P_BUN: bun } });
// Outlives its child, so that whoever waits for this process sees the clean-up done and the true exit code.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`error: ${bun} does not start: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal ?? "SIGKILL"] ?? 0)));
