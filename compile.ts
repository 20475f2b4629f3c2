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
import { binaryName, RELEASE_TARGETS, type ReleaseTarget } from "./scripts/release-targets.ts";
import { formatBytes } from "./src/base/text.ts";

const ROOT = import.meta.dir;
const DIST = join(ROOT, "dist");

/** A worker is found in the executable only if it is an entry point of its own. The program comes first. */
const ENTRY_POINTS = [
  "src/main.ts",
  "src/transfer/disk/hash-worker.ts",
  "src/tracker/store/snapshot-worker.ts",
];

/** An undefined platform is that of the runtime that runs this build. */
type Target = Pick<ReleaseTarget, "name" | "os"> & { readonly platform?: ReleaseTarget["platform"] };

const HERE: readonly Target[] = [{ name: "p2p", os: process.platform as ReleaseTarget["os"] }];

function outputPath(target: Target): string {
  return join(DIST, binaryName(target));
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
  if (target.os === "darwin") await ensureSignature(outfile);
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

const TARGETS_BY_OPTION = new Map<string, readonly Target[]>([
  ["--here", HERE],
  ["--all", RELEASE_TARGETS],
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
