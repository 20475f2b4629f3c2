/**
 * Builds a release and checks it: `npm run release:check [-- --no-build] [--only NAME]... [--no-again]`.
 *
 * Every binary that this machine can run does the main job (`e2e/harness/smoke-journey.ts`); of the others the table says what
 * is missing. Checksums, signatures and Windows' resources are read back, the papers held against the lock, and all of it is
 * built a second time, in another folder, with another home and clock, to be the same. Exit code: 1 if anything that could
 * be checked is wrong.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { smokeJourney } from "../e2e/harness/smoke-journey.ts";
import { World } from "../e2e/harness/world.ts";
import packageFile from "../package.json";
import { TempFolder } from "../src/testing/temp-folder.ts";
import { COMPILE_OPTIONS, WITHOUT_AUTOLOAD } from "./compile-options.ts";
import { fileDigest } from "./file-digest.ts";
import { isSignatureRight } from "./macho-signature.ts";
import { checkPackedInstall } from "./pack-check.ts";
import { type CheckedBinary, checkTable, isRight } from "./release/check-table.ts";
import { CHECKSUM_FILE, readChecksums, wrongChecksums } from "./release/checksums.ts";
import { findTools, type Runner, runnerFor, type Tools } from "./release/runners.ts";
import { certificateFor, withoutCertificates } from "./release/signing.ts";
import { makeMuslLibraries, makeWineLibraries } from "./release/stand-in-libraries.ts";
import { readWindowsFacts } from "./release/windows-resources.ts";
import { binaryName, RELEASE_TARGETS, type ReleaseTarget } from "./release-targets.ts";

const ROOT = join(import.meta.dir, "..");
const RELEASE = join(ROOT, "dist", "release");
const WAIT_MS = 60_000;
const STARTS = 15;
/** What a build has of the project, besides `node_modules`. */
const SOURCES = [
  "src",
  "scripts",
  "compile.ts",
  "install.sh",
  "install.ps1",
  "package.json",
  "package-lock.json",
  "bun.lock",
  "tsconfig.json",
];

type Environment = Record<string, string>;

const { values } = parseArgs({
  options: {
    "no-build": { type: "boolean", default: false },
    "no-again": { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
  },
});

/** How a binary is started here, with its libraries made. */
async function prepare(
  runner: Runner,
  target: ReleaseTarget,
  tools: Tools,
  scratch: string,
): Promise<{ readonly command: readonly string[]; readonly env: Environment }> {
  const binary = join(RELEASE, binaryName(target));
  const folder = join(scratch, `libraries-${target.name}`);
  if (runner.needs === "musl-libraries") {
    await makeMuslLibraries(tools.compilers[target.cpu] ?? "", binary, folder);
    return runner.prefix.length === 0
      ? { command: [binary], env: { LD_LIBRARY_PATH: folder } }
      : { command: [...runner.prefix, "-E", `LD_LIBRARY_PATH=${folder}`, binary], env: {} };
  }
  if (runner.needs === "wine-libraries") {
    const feeder = await makeWineLibraries(tools.windowsCompiler ?? "", folder);
    const env = { WINEPREFIX: join(scratch, "wine"), WINEDEBUG: "-all", WINEPATH: windowsPath(folder) };
    return { command: [...runner.prefix, feeder, windowsPath(binary)], env };
  }
  return { command: [...runner.prefix, binary], env: {} };
}

const windowsPath = (path: string) => `Z:${path.replaceAll("/", "\\")}`;

async function journey(
  target: ReleaseTarget,
  tools: Tools,
  scratch: string,
): Promise<CheckedBinary["journey"]> {
  const verdict = runnerFor(target, tools);
  if ("whyNot" in verdict) return { notRun: verdict.whyNot };
  try {
    const start = await prepare(verdict, target, tools, scratch);
    await using world = new World(1, { ...start, waitMsMax: WAIT_MS * verdict.patience });
    const shown = verdict.needs === "wine-libraries" ? { shown: windowsPath } : {};
    await smokeJourney(world, { version: packageFile.version, ...shown });
    return { passed: verdict.how };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    console.error(`${target.name}: ${text}`);
    return { failed: text };
  }
}

/** What is wrong with the file itself. */
function wrongForm(target: ReleaseTarget, file: Uint8Array): readonly string[] {
  if (target.os === "darwin") return isSignatureRight(file) ? [] : ["its signature is wrong"];
  if (target.os !== "win32") return [];
  const { strings, isConsole, resources, hasSignature } = readWindowsFacts(file);
  const isSignedByUs = certificateFor(target.os, process.env) !== undefined;
  return [
    ...(isConsole ? [] : ["is no console program"]),
    ...(strings["ProductVersion"]?.startsWith(`${packageFile.version} (`) ? [] : ["says another version"]),
    ...(resources.includes(3) ? ["has an icon"] : []),
    ...(hasSignature === isSignedByUs ? [] : ["its signature is not as wanted"]),
  ];
}

/** Median of neighbours: both take their turn, over and over. Only what runs without help is worth measuring. */
async function startRatio(target: ReleaseTarget, tools: Tools, scratch: string): Promise<number | undefined> {
  const verdict = runnerFor(target, tools);
  if ("whyNot" in verdict || verdict.how !== "natively") return undefined;
  const source = join(scratch, "empty.ts");
  const outfile = join(scratch, binaryName({ name: "empty", os: target.os }));
  writeFileSync(source, "export {};\n");
  await Bun.build({ ...COMPILE_OPTIONS, entrypoints: [source], compile: { ...WITHOUT_AUTOLOAD, outfile } });
  const timed = (command: string[]) => {
    const startedMs = performance.now();
    Bun.spawnSync(command);
    return performance.now() - startedMs;
  };
  const binary = join(RELEASE, binaryName(target));
  const ratios = Array.from({ length: STARTS }, () => timed([binary, "--version"]) / timed([outfile]));
  return ratios.sort((a, b) => a - b)[STARTS >> 1];
}

async function checkBinary(target: ReleaseTarget, tools: Tools, scratch: string): Promise<CheckedBinary> {
  const path = join(RELEASE, binaryName(target));
  const name = binaryName(target);
  if (!existsSync(path)) return { name, bytes: undefined, wrong: [], journey: { notRun: "not built" } };
  console.log(`checking ${name}`);
  const wrong = wrongForm(target, readFileSync(path));
  const ratio = await startRatio(target, tools, scratch);
  return {
    name,
    bytes: statSync(path).size,
    wrong,
    ...(ratio === undefined ? {} : { startRatio: ratio }),
    journey: await journey(target, tools, scratch),
  };
}

interface Elsewhere {
  readonly prefix: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** @returns whether all of it was built */
async function compile(root: string, out: string, elsewhere: Partial<Elsewhere> = {}): Promise<boolean> {
  const { prefix = [], env = process.env, cwd = root } = elsewhere;
  const child = Bun.spawn([...prefix, process.execPath, join(root, "compile.ts"), "--all", "--out", out], {
    cwd,
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return (await child.exited) === 0;
}

/**
 * Builds it once more, elsewhere, and signs nothing: with a certificate two builds differ, since a signature has a time in it.
 * @returns the files that differ
 */
async function differences(scratch: string): Promise<readonly string[]> {
  const root = join(scratch, "another place", "for the sources");
  const [out, home] = [join(scratch, "again"), join(scratch, "home")];
  for (const folder of [root, home]) mkdirSync(folder, { recursive: true });
  for (const name of SOURCES) cpSync(join(ROOT, name), join(root, name), { recursive: true });
  // Not a link to the folder: the bundler names files by where they are.
  if (Bun.spawnSync(["cp", "-a", "-l", join(ROOT, "node_modules"), root]).exitCode !== 0)
    cpSync(join(ROOT, "node_modules"), join(root, "node_modules"), { recursive: true });
  const faketime = Bun.which("faketime");
  const prefix = faketime === null ? [] : [faketime, "-f", "+400d"];
  const commit = /\((\S+)\)/.exec(readWindowsVersion())?.[1] ?? "unknown";
  const env = {
    ...withoutCertificates(process.env),
    HOME: home,
    TZ: "Asia/Tokyo",
    ...(commit === "unknown" ? {} : { P2P_COMMIT: commit }),
  };
  if (!(await compile(root, out, { prefix, env, cwd: home }))) return ["the second build failed"];
  const again = readChecksums(out);
  const signed = RELEASE_TARGETS.filter(({ os }) => certificateFor(os, process.env) !== undefined);
  const unlike = new Set(signed.map(binaryName));
  return [...readChecksums(RELEASE)].flatMap(([name, sum]) =>
    unlike.has(name) || again.get(name) === sum ? [] : [name],
  );
}

/** As every binary says it, read without running one. */
function readWindowsVersion(): string {
  const target = RELEASE_TARGETS.find(({ os }) => os === "win32");
  if (target === undefined) return "";
  return readWindowsFacts(readFileSync(join(RELEASE, binaryName(target)))).strings["ProductVersion"] ?? "";
}

async function check(scratch: string): Promise<boolean> {
  if (!values["no-build"] && !(await compile(ROOT, RELEASE))) return false;
  const tools = findTools();
  const isWanted = ({ name }: ReleaseTarget) => values.only.length === 0 || values.only.includes(name);
  const checked: CheckedBinary[] = [];
  for (const target of RELEASE_TARGETS.filter(isWanted))
    checked.push(await checkBinary(target, tools, scratch));
  const problems = [...(await wrongChecksums(RELEASE))];
  if (!values["no-again"])
    problems.push(...(await differences(scratch)).map((name) => `not the same when built again: ${name}`));
  const packed = await checkPackedInstall(RELEASE);
  if (packed !== "") problems.push(packed);
  for (const line of ["", ...checkTable(checked), ""]) console.log(line);
  for (const problem of problems) console.error(`error: ${problem}`);
  console.log(`${await fileDigest("sha256", join(RELEASE, CHECKSUM_FILE))}  ${CHECKSUM_FILE}`);
  return problems.length === 0 && checked.every(isRight);
}

async function main(): Promise<number> {
  await using scratch = await TempFolder.make();
  return (await check(scratch.path)) ? 0 : 1;
}

process.exit(await main());
