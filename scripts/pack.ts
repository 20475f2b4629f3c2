/**
 * Makes the npm packages of a release: `npm run pack [-- <release folder>]`. Their folders come into `dist/npm/`, and what
 * `npm pack` makes of them beside these.
 *
 * It builds nothing: the programs are those of `npm run compile`. A platform without one is an error, since a release lacks
 * none.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Manifest, mainManifest, platformManifest, programName } from "./npm-packages.ts";
import { LICENSES_FILE } from "./release/third-party-licenses.ts";
import { binaryName, RELEASE_TARGETS, type ReleaseTarget } from "./release-targets.ts";
import { runTool } from "./run-tool.ts";

const ROOT = join(import.meta.dir, "..");
const SHIM = join(import.meta.dir, "npm", "p2p.mjs");

interface PackOptions {
  readonly releaseFolder: string;
  readonly targets: readonly ReleaseTarget[];
  /** Made anew. */
  readonly outFolder: string;
}

/** The files that npm made: the main package first, then the platforms' in the order of the targets. */
export async function packRelease({ releaseFolder, targets, outFolder }: PackOptions): Promise<string[]> {
  rmSync(outFolder, { recursive: true, force: true });
  const main = packageFolder(join(outFolder, "p2p"), mainManifest(), releaseFolder);
  copyFileSync(SHIM, join(main, "p2p.mjs"));
  copyFileSync(join(ROOT, "README.md"), join(main, "README.md"));
  const folders = targets.map((target) => platformFolder(target, releaseFolder, outFolder));
  const packed: string[] = [];
  for (const folder of [main, ...folders]) packed.push(await npmPack(folder, outFolder));
  return packed;
}

function platformFolder(target: ReleaseTarget, releaseFolder: string, outFolder: string): string {
  const folder = packageFolder(join(outFolder, target.name), platformManifest(target), releaseFolder);
  const program = join(folder, programName(target));
  copyFileSync(join(releaseFolder, binaryName(target)), program);
  // Programs that came as a download have lost it.
  chmodSync(program, 0o755);
  return folder;
}

function packageFolder(folder: string, manifest: Manifest, releaseFolder: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  copyFileSync(join(releaseFolder, LICENSES_FILE), join(folder, LICENSES_FILE));
  return folder;
}

/** @returns the path of the file that it made */
async function npmPack(folder: string, outFolder: string): Promise<string> {
  const said = await runTool(["npm", "pack", "--json", "--pack-destination", outFolder], { cwd: folder });
  return join(outFolder, packedName(said));
}

/** Of what `npm pack --json` says: a list, or from npm 12 on an object by package. */
function packedName(said: string): string {
  const [packed] = Object.values(JSON.parse(said) as Record<string, { filename: string }>);
  if (packed === undefined) throw new Error(`npm pack says nothing of a file: ${said}`);
  return packed.filename;
}

async function main([given, ...more]: readonly string[]): Promise<number> {
  if (more.length > 0) throw new Error("one argument at most: the folder of the release");
  const releaseFolder = resolve(given ?? join(ROOT, "dist", "release"));
  const needed = [...RELEASE_TARGETS.map(binaryName), LICENSES_FILE];
  const missing = needed.filter((name) => !existsSync(join(releaseFolder, name)));
  if (missing.length > 0)
    throw new Error(`${releaseFolder} lacks ${missing.join(", ")}: run "npm run compile" first`);
  const outFolder = join(ROOT, "dist", "npm");
  for (const path of await packRelease({ releaseFolder, targets: RELEASE_TARGETS, outFolder }))
    console.log(path);
  return 0;
}

if (import.meta.main)
  process.exit(
    await main(process.argv.slice(2)).catch((error: unknown) => {
      console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    }),
  );
