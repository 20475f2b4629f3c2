/**
 * The whole check, `npm test`: types, lint, the program for this machine, unit tests, the built program end to end, and
 * whether the tests came upon each message of errors.
 *
 * Every stage runs, also after a failed one; which beside which, `test-plan.ts` says. What a stage prints is kept together.
 * At the end stands each failure with its reason, and how many: the last line is `N passed, N failed`. Each test counts,
 * types, lint, build and messages as one each, and a stage that broke before it could count is one failure. The exit code says the
 * same. A signal ends every process that was started; all that was written on the way is removed in any case.
 */
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, constants, tmpdir } from "node:os";
import { join } from "node:path";
import { judgeExit, judgeRun, type Verdict } from "./junit.ts";
import { planTests, type TestGroup } from "./test-plan.ts";

const ROOT = join(import.meta.dir, "..");
const FOLDERS = ["src", "scripts", "bench", "e2e"];
/** What the slow files take, which begin first. */
const TIMES = "scripts/test-times.json";
const MEMORY = "/dev/shm";

/** To the standard output of this process, or to a file that is shown later. */
type Output = "inherit" | number;

interface Stage {
  readonly name: string;
  run(output: Output, logPath: string): Promise<Verdict>;
}

interface EndedStage {
  readonly name: string;
  readonly verdict: Verdict;
  readonly seconds: number;
}

const scratch = mkdtempSync(join(tmpdir(), "p2p-test-"));
const temporary = join(scratch, "tmp");
/** Which messages of errors the unit tests come upon. */
const messages = join(scratch, "messages");
for (const folder of [temporary, messages]) mkdirSync(folder);
/** For what tests keep in memory; undefined where there is no such folder. */
const inMemory = existsSync(MEMORY) ? mkdtempSync(join(MEMORY, "p2p-test-")) : undefined;
// Also what a test leaves behind that was cut off by its deadline is gone afterwards.
const ENVIRONMENT = {
  ...process.env,
  TMPDIR: temporary,
  TEMP: temporary,
  TMP: temporary,
  P2P_MESSAGES: messages,
  // Memory that is given back to the system is costly to get again, most of all on a virtual machine.
  MIMALLOC_PURGE_DELAY: "-1",
  ...(inMemory && { P2P_TEST_MEMORY: inMemory }),
};
const children = new Set<Bun.Subprocess>();
let isEnding = false;

/** Runs the pinned Bun, which runs this script too. @returns the exit code */
async function bun(output: Output, args: readonly string[]): Promise<number> {
  // Whoever ends all this waits for what is running, not for what would come next.
  if (isEnding) return await new Promise(() => {});
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: ROOT,
    env: ENVIRONMENT,
    stdio: ["ignore", output, output],
  });
  children.add(child);
  const exitCode = await child.exited;
  children.delete(child);
  return exitCode;
}

function commandStage(name: string, ...args: readonly string[]): Stage {
  return {
    name,
    async run(output, logPath) {
      const exitCode = await bun(output, args);
      return judgeExit({ name, exitCode, output: output === "inherit" ? "" : readFileSync(logPath, "utf8") });
    },
  };
}

function testStage({ name, files, deadlineMs, workers, options }: TestGroup): Stage {
  return {
    name,
    async run(output) {
      const reportPath = join(scratch, `${Bun.hash(name)}.xml`);
      const exitCode = await bun(output, [
        "test",
        ...options,
        ...files.map((file) => `./${file}`),
        `--timeout=${deadlineMs}`,
        `--parallel=${workers}`,
        `--timings=${TIMES}`,
        "--reporter=junit",
        `--reporter-outfile=${reportPath}`,
      ]);
      const report = existsSync(reportPath) ? readFileSync(reportPath, "utf8") : undefined;
      return judgeRun({ name, report, files, exitCode });
    },
  };
}

/** All at the same time; what each prints is shown when those before it are done. */
async function runBeside(stages: readonly Stage[], isFirstShownLive: boolean): Promise<EndedStage[]> {
  const running = stages.map((stage, index) => {
    const isLive = isFirstShownLive && index === 0;
    if (isLive) console.log(`\n== ${stage.name}`);
    return { isLive, ...start(stage, isLive) };
  });
  const ended: EndedStage[] = [];
  for (const { isLive, logPath, end } of running) {
    const stage = await end;
    if (!isLive) process.stdout.write(`\n== ${stage.name}\n${readFileSync(logPath, "utf8")}`);
    ended.push(stage);
  }
  return ended;
}

function start({ name, run }: Stage, isLive: boolean): { logPath: string; end: Promise<EndedStage> } {
  const logPath = join(scratch, `${Bun.hash(name)}.log`);
  const log = openSync(logPath, "w");
  const startedMs = performance.now();
  const end = run(isLive ? "inherit" : log, logPath).then((verdict) => {
    closeSync(log);
    return { name, verdict, seconds: (performance.now() - startedMs) / 1_000 };
  });
  return { logPath, end };
}

function testFiles(folder: string): string[] {
  return [...new Bun.Glob(`${folder}/**/*.test.ts`).scanSync(ROOT)].map((path) => path.replaceAll("\\", "/"));
}

async function runAll(): Promise<EndedStage[]> {
  const ended = await runBeside(
    [
      commandStage("types", "node_modules/typescript/bin/tsc", "--noEmit"),
      commandStage("lint", "node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."),
      commandStage("build", "compile.ts", "--here"),
    ],
    false,
  );
  for (const groups of planTests(FOLDERS.flatMap(testFiles), availableParallelism()))
    ended.push(...(await runBeside(groups.map(testStage), true)));
  ended.push(...(await runBeside([commandStage("messages", "scripts/messages-seen.ts", messages)], false)));
  return ended;
}

/** @returns whether all is well */
function show(ended: readonly EndedStage[]): boolean {
  const failures = ended.flatMap(({ verdict }) => verdict.failures);
  const passed = ended.reduce((sum, { verdict }) => sum + verdict.passed, 0);
  if (failures.length > 0) console.log("\n== what failed");
  for (const { name, reason } of failures)
    console.log(`\n${name}\n${reason.map((line) => `    ${line}`).join("\n")}`);
  console.log();
  for (const { name, verdict, seconds } of ended) {
    const skipped = verdict.skipped > 0 ? `, ${verdict.skipped} skipped` : "";
    console.log(
      `${name}: ${verdict.passed} passed, ${verdict.failures.length} failed${skipped} (${seconds.toFixed(1)} s)`,
    );
  }
  console.log(`\n${passed} passed, ${failures.length} failed`);
  return failures.length === 0 && passed > 0;
}

function removeAll(): void {
  for (const folder of [scratch, inMemory])
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** The runtime's test runner ends its workers, and all that they started, when it is ended. */
async function endBy(signal: "SIGINT" | "SIGTERM" | "SIGHUP"): Promise<never> {
  isEnding = true;
  for (const child of children) child.kill("SIGTERM");
  await Promise.all([...children].map((child) => child.exited));
  removeAll();
  process.exit(128 + constants.signals[signal]);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void endBy(signal));
try {
  process.exitCode = show(await runAll()) ? 0 : 1;
} finally {
  removeAll();
}
process.exit();
