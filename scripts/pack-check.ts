/**
 * Whether the npm packages of a release work: `npm run pack:check [-- <release folder>]`. What this machine needs of them is
 * packed, installed from the packed files into an empty folder with an empty home and without the registry, by npm and by
 * Bun, and run: a tracker, a client that logs in, exit codes and signals.
 *
 * Leaves nothing behind, and asks nothing of the network but the loopback.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { cleanEnvironment } from "../e2e/harness/binary.ts";
import { freePorts } from "../e2e/harness/free-ports.ts";
import { Program } from "../e2e/harness/program.ts";
import manifest from "../package.json";
import { TempFolder } from "../src/testing/temp-folder.ts";
import { MAIN_PACKAGE } from "./npm-packages.ts";
import { packRelease } from "./pack.ts";
import { targetHere } from "./release-targets.ts";
import { runTool } from "./run-tool.ts";

const ROOT = join(import.meta.dir, "..");

/** A folder that the packages were installed in. */
class Installation {
  readonly folder: string;
  readonly #home: string;

  /** @param folder empty */
  constructor(folder: string) {
    this.folder = join(folder, "project");
    this.#home = join(folder, "home");
    mkdirSync(this.folder, { recursive: true });
    mkdirSync(this.#home);
    writeFileSync(join(this.folder, "package.json"), '{ "name": "somebody-elses", "private": true }\n');
  }

  /** Some program of the machine in the folder. @returns what it said on standard output @throws if it failed */
  do(...command: readonly string[]): Promise<string> {
    return runTool(command, { cwd: this.folder, env: this.#environment() });
  }

  /** The command `p2p`, as the packages bring it. */
  p2p(name: string, args: readonly string[], runtime = "node"): Program {
    const shim = join(this.folder, "node_modules", ...MAIN_PACKAGE.split("/"), "p2p.mjs");
    const path = Bun.which(runtime) ?? process.execPath;
    const options = { name, cwd: this.folder, home: this.#home, env: {} };
    return new Program({ ...options, command: [path, shim], args });
  }

  #environment(): Record<string, string> {
    // A registry that nobody is at: whatever asks for it fails at once.
    const nowhere = "http://127.0.0.1:9/";
    return {
      ...cleanEnvironment(this.#home),
      npm_config_registry: nowhere,
      npm_config_offline: "true",
      npm_config_fetch_retries: "0",
      npm_config_update_notifier: "false",
      BUN_CONFIG_REGISTRY: nowhere,
    };
  }
}

function expectSame(what: string, got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`${what} is ${got}, not ${wanted}`);
}

/** @param shown version and commit: the packages are of a version, whatever it was built from */
function expectVersion(runner: string, shown: string): void {
  expectSame(`the version by ${runner}`, shown.split(" ")[0], manifest.version);
}

/** Windows has no signals: there it is ended at its prompt. */
async function endTracker(tracker: Program, signal: "SIGTERM" | "SIGINT"): Promise<void> {
  if (process.platform === "win32") tracker.write("quit\n");
  else tracker.kill(signal);
  expectSame(`the tracker's exit code after ${signal}`, await tracker.exited(), 0);
}

async function runTracker(
  installed: Installation,
  signal: "SIGTERM" | "SIGINT",
  runtime: string,
): Promise<void> {
  const [port] = freePorts(1);
  const list = join(installed.folder, "tracker_info.txt");
  writeFileSync(list, `127.0.0.1:${port}\n`);
  const data = (name: string) => ["--data-dir", join(installed.folder, `${name}-${signal}`)];
  await using tracker = installed.p2p("tracker", ["tracker", list, "1", ...data("tracker")], runtime);
  await tracker.line(/listening/i);
  const commands = ["-c", "create_user ann pw; login ann pw; whoami"];
  const args = ["client", "127.0.0.1:0", list, ...data("ann"), ...commands];
  await using client = installed.p2p("client", args, runtime);
  client.endInput();
  expectSame("the client's exit code", await client.exited(), 0);
  expectSame(
    "the client's first replies",
    client.out.slice(0, 2).join(),
    "User created successfully,Login successful",
  );
  await endTracker(tracker, signal);
}

async function checkRuns(installed: Installation, runtime: string): Promise<void> {
  await using wrong = installed.p2p("wrong", ["client"], runtime);
  expectSame("the exit code for wrong usage", await wrong.exited(), 2);
  await runTracker(installed, "SIGTERM", runtime);
  await runTracker(installed, "SIGINT", runtime);
}

async function checkWithNpm(folder: string, packed: readonly string[]): Promise<void> {
  const installed = new Installation(folder);
  await installed.do("npm", "install", "--no-audit", "--no-fund", ...packed);
  expectVersion("npx", await installed.do("npx", "p2p", "--version"));
  await checkRuns(installed, "node");
}

async function checkWithBun(folder: string, packed: readonly string[]): Promise<void> {
  const installed = new Installation(folder);
  await installed.do(process.execPath, "add", "--ignore-scripts", ...packed);
  expectVersion("bunx", await installed.do(process.execPath, "x", "--no-install", "p2p", "--version"));
  await checkRuns(installed, process.execPath);
}

/** Without the platform's package, as `--omit=optional` leaves it. */
async function checkWithoutProgram(folder: string, main: string): Promise<void> {
  const installed = new Installation(folder);
  await installed.do("npm", "install", "--no-audit", "--no-fund", "--omit=optional", main);
  await using program = installed.p2p("alone", ["--version"]);
  expectSame("the exit code without a program", await program.exited(), 1);
  const [said = ""] = program.err;
  expectSame(`that ${said} says what to do`, /^error: the package \S+ is not installed: /.test(said), true);
}

/** @returns what went wrong; empty if all is well */
export async function checkPackedInstall(releaseFolder: string): Promise<string> {
  const target = targetHere();
  if (target === undefined) return `there is no program for this machine in ${releaseFolder}`;
  await using scratch = await TempFolder.make();
  try {
    const outFolder = scratch.join("packed");
    const packed = await packRelease({ releaseFolder, targets: [target], outFolder });
    await checkWithNpm(scratch.join("npm"), packed);
    await checkWithBun(scratch.join("bun"), packed);
    await checkWithoutProgram(scratch.join("without"), packed[0] ?? "");
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function main([given]: readonly string[]): Promise<number> {
  const releaseFolder = resolve(given ?? join(ROOT, "dist", "release"));
  if (!existsSync(releaseFolder)) {
    console.error(`error: ${releaseFolder} is not there: run "npm run compile" first`);
    return 1;
  }
  const problem = await checkPackedInstall(releaseFolder);
  if (problem !== "") console.error(`error: ${problem}`);
  else console.log("the npm packages install and run here, with npm and with Bun");
  return problem === "" ? 0 : 1;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)));
