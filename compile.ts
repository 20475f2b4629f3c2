/**
 * Builds the one executable: `--here` makes dist/p2p for this machine, `--all` a release in dist/release, or in the folder
 * after `--out`: a binary for each platform, what is in them, under which licences, the installers, and the checksums of it all.
 *
 * Invariants: no binary reads anything of the folder it is started in. A program that downloads into that folder must
 * not run a `preload` from a bunfig.toml there, nor take settings from a .env: every autoload of the runtime is off.
 * The same commit gives the same bytes, wherever and whenever it is built (docs/RELEASING.md).
 *
 * A target whose build fails does not stop the others, and makes the exit code 1.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import packageFile from "./package.json";
import { COMPILE_OPTIONS, ENTRY_POINTS, WITHOUT_AUTOLOAD } from "./scripts/compile-options.ts";
import { isSignatureRight, signAdHoc } from "./scripts/macho-signature.ts";
import type { Product } from "./scripts/release/bill-of-materials.ts";
import type { Bundle } from "./scripts/release/bundled-packages.ts";
import { writeChecksums } from "./scripts/release/checksums.ts";
import { lockedRuntimes } from "./scripts/release/locked-runtimes.ts";
import { releasePapers } from "./scripts/release/release-papers.ts";
import { signIfWanted } from "./scripts/release/signing.ts";
import { commitName, sourceFacts } from "./scripts/release/source-commit.ts";
import { brand } from "./scripts/release/windows-resources.ts";
import { binaryName, RELEASE_TARGETS, type ReleaseTarget } from "./scripts/release-targets.ts";
import { formatBytes } from "./src/base/text.ts";

const ROOT = import.meta.dir;
const DIST = join(ROOT, "dist");
/** Part of a release: people fetch them from there, and they fetch the rest. */
const INSTALLERS = ["install.sh", "install.ps1"];

interface Target extends Pick<ReleaseTarget, "name" | "os"> {
  /** Which runtime it is put into; by default the one that runs this build. */
  readonly into?: { readonly platform: ReleaseTarget["platform"]; readonly runtime: string };
}

const HERE: Target = { name: "p2p", os: process.platform as ReleaseTarget["os"] };

const product: Product = {
  name: packageFile.name,
  version: packageFile.version,
  description: packageFile.description,
  license: packageFile.license,
  commit: commitName(sourceFacts(ROOT, process.env)),
};

/** @returns what the bundler took in @throws with what went wrong */
async function build(target: Target, outfile: string): Promise<Bundle> {
  rmSync(outfile, { force: true });
  const result = await Bun.build({
    entrypoints: ENTRY_POINTS.map((path) => join(ROOT, path)),
    ...COMPILE_OPTIONS,
    define: { P2P_COMMIT: JSON.stringify(product.commit) },
    metafile: true,
    compile: {
      ...WITHOUT_AUTOLOAD,
      ...(target.into && { target: target.into.platform, executablePath: target.into.runtime }),
      outfile,
    },
    throw: false,
  });
  if (!result.success) throw new Error(result.logs.join("\n") || "the build failed without saying why");
  if (target.os === "darwin") await ensureSignature(outfile);
  return result.metafile as Bundle;
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

/** @returns what the bundler took in; undefined, and a line that says why, if it failed */
async function buildAndReport(folder: string, target: Target): Promise<Bundle | undefined> {
  const startedMs = performance.now();
  const path = join(folder, binaryName(target));
  const shown = relative(ROOT, path);
  try {
    const bundle = await build(target, path);
    const signed = target.into !== undefined && (await signIfWanted(target.os, path, process.env));
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    const size = formatBytes(statSync(path).size).padStart(8);
    console.log(`${shown.padEnd(33)} ${size} ${seconds.padStart(5)} s${signed ? " signed" : ""}`);
    return bundle;
  } catch (error) {
    console.error(`error: ${shown} was not built: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

/** @returns whether all of it is there */
async function buildRelease(folder: string): Promise<boolean> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const runtimeOf = await lockedRuntimes(ROOT, RELEASE_TARGETS);
  let bundle: Bundle | undefined;
  let failed = 0;
  for (const target of RELEASE_TARGETS) {
    const runtime = target.os === "win32" ? brandedRuntime(runtimeOf(target)) : runtimeOf(target);
    const built = await buildAndReport(folder, { ...target, into: { platform: target.platform, runtime } });
    if (built === undefined) failed++;
    else bundle = built;
  }
  if (failed > 0) console.error(`error: ${failed} of ${RELEASE_TARGETS.length} not built`);
  if (bundle === undefined) return false;
  for (const [name, text] of Object.entries(releasePapers(ROOT, bundle, product)))
    writeFileSync(join(folder, name), text);
  for (const name of INSTALLERS) copyFileSync(join(ROOT, name), join(folder, name));
  await writeChecksums(folder);
  return failed === 0;
}

/** @returns where the runtime is that says of itself what it is in our hands */
function brandedRuntime(runtime: string): string {
  const branded = `${runtime}.branded`;
  writeFileSync(branded, brand(readFileSync(runtime), product));
  return branded;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { here: { type: "boolean" }, all: { type: "boolean" }, out: { type: "string" } },
  });
  if (values.here === values.all) {
    console.error("error: one of --here and --all is needed");
    return 2;
  }
  const release = resolve(values.out ?? join(DIST, "release"));
  // The bundler names files by where they are from here.
  process.chdir(ROOT);
  if (values.all) return (await buildRelease(release)) ? 0 : 1;
  mkdirSync(DIST, { recursive: true });
  return (await buildAndReport(DIST, HERE)) === undefined ? 1 : 0;
}

process.exit(
  await main().catch((error: unknown) => {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }),
);
