/**
 * Builds the one executable: `--here` makes dist/p2p for this machine, `--all` one for each platform.
 *
 * Invariant: no binary reads anything of the folder it is started in. A program that downloads into that folder must
 * not run a `preload` from a bunfig.toml there, nor take settings from a .env: every autoload of the runtime is off.
 *
 * A target whose build fails does not stop the others, and makes the exit code 1.
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { COMPILE_OPTIONS, WITHOUT_AUTOLOAD } from "./scripts/compile-options.ts";
import { isSignatureRight, signAdHoc } from "./scripts/macho-signature.ts";
import { formatBytes } from "./src/base/text.ts";

const ROOT = import.meta.dir;
const DIST = join(ROOT, "dist");

/** A worker is found in the executable only if it is an entry point of its own. The program comes first. */
const ENTRY_POINTS = [
  "src/main.ts",
  "src/transfer/disk/hash-worker.ts",
  "src/tracker/store/snapshot-worker.ts",
];

interface Target {
  /** Without the `.exe` that Windows gets. */
  readonly name: string;
  /** Undefined: the runtime that runs this build. */
  readonly platform: Bun.Build.CompileTarget | undefined;
}

const HERE: readonly Target[] = [{ name: "p2p", platform: undefined }];
const ALL: readonly Target[] = [
  { name: "p2p-linux-x64", platform: "bun-linux-x64" },
  { name: "p2p-linux-arm64", platform: "bun-linux-arm64" },
  { name: "p2p-linux-x64-musl", platform: "bun-linux-x64-musl" },
  { name: "p2p-linux-arm64-musl", platform: "bun-linux-arm64-musl" },
  { name: "p2p-darwin-x64", platform: "bun-darwin-x64" },
  { name: "p2p-darwin-arm64", platform: "bun-darwin-arm64" },
  { name: "p2p-windows-x64", platform: "bun-windows-x64" },
];

function isForMac({ platform }: Target): boolean {
  return platform === undefined ? process.platform === "darwin" : platform.includes("darwin");
}

function outputPath({ name, platform }: Target): string {
  const isWindows = platform === undefined ? process.platform === "win32" : platform.includes("windows");
  return join(DIST, isWindows ? `${name}.exe` : name);
}

/** @returns what went wrong; empty if the executable is there */
async function build(target: Target): Promise<string> {
  const outfile = outputPath(target);
  rmSync(outfile, { force: true });
  const result = await Bun.build({
    entrypoints: ENTRY_POINTS.map((path) => join(ROOT, path)),
    ...COMPILE_OPTIONS,
    compile: {
      ...WITHOUT_AUTOLOAD,
      ...(target.platform === undefined ? {} : { target: target.platform }),
      outfile,
    },
    throw: false,
  });
  if (!result.success) return result.logs.join("\n") || "the build failed without saying why";
  if (isForMac(target)) await ensureSignature(outfile);
  return "";
}

/** macOS kills a program whose signature does not match it. */
async function ensureSignature(path: string): Promise<void> {
  const built = await Bun.file(path).bytes();
  if (isSignatureRight(built)) return;
  const signed = signAdHoc(built, "p2p");
  if (!isSignatureRight(signed)) throw new Error(`${path} cannot be signed`);
  // Another file under that name: macOS remembers the signature that a file had when it was first run.
  rmSync(path);
  writeFileSync(path, signed, { mode: 0o755 });
}

async function buildAndReport(target: Target): Promise<boolean> {
  const startedMs = performance.now();
  const problem = await build(target).catch((error: unknown) => String(error));
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const shown = relative(ROOT, outputPath(target)).padEnd(28);
  if (problem !== "") {
    console.error(`error: ${shown.trim()} was not built: ${problem}`);
    return false;
  }
  console.log(
    `${shown} ${formatBytes(statSync(outputPath(target)).size).padStart(8)} ${seconds.padStart(5)} s`,
  );
  return true;
}

const TARGETS_BY_OPTION = new Map([
  ["--here", HERE],
  ["--all", ALL],
]);

async function main(options: readonly string[]): Promise<number> {
  const targets = options.length === 1 ? TARGETS_BY_OPTION.get(options[0] ?? "") : undefined;
  if (targets === undefined) {
    console.error(`error: one of --here and --all is needed, given: ${options.join(" ") || "nothing"}`);
    return 2;
  }
  mkdirSync(DIST, { recursive: true });
  let failed = 0;
  for (const target of targets) if (!(await buildAndReport(target))) failed++;
  if (failed > 0) console.error(`error: ${failed} of ${targets.length} not built`);
  return failed === 0 ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
