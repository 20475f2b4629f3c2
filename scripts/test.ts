/**
 * The whole check, `npm test`: types, lint, unit tests, then the built program end to end.
 *
 * Every stage runs, also after a failed one. The last line is `N passed, N failed`: each test counts, types and lint
 * count as one each, and a stage that broke before it could count is one failure. The exit code says the same.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Counts, countTests } from "./junit.ts";

const ROOT = join(import.meta.dir, "..");
/** For one test; those that move real files take their time on a small machine. */
const UNIT_MS_MAX = 20_000;
const E2E_MS_MAX = 180_000;

interface Stage {
  readonly name: string;
  run(): Promise<Counts>;
}

/** Runs the pinned Bun, which runs this script too. @returns the exit code */
async function bun(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return await child.exited;
}

const counted = (passed: boolean): Counts => ({ passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 });

async function runTests(folders: readonly string[], timeoutMs: number): Promise<Counts> {
  const scratch = mkdtempSync(join(tmpdir(), "p2p-test-"));
  const reportPath = join(scratch, "report.xml");
  try {
    const args = [`--timeout=${timeoutMs}`, "--reporter=junit", `--reporter-outfile=${reportPath}`];
    const temporary = join(scratch, "tmp");
    mkdirSync(temporary);
    // Also what a test leaves behind that was cut off by its deadline is gone afterwards.
    const env = { TMPDIR: temporary, TEMP: temporary, TMP: temporary };
    const exitCode = await bun(["test", ...folders.map((folder) => `./${folder}`), ...args], env);
    const report = existsSync(reportPath) ? readFileSync(reportPath, "utf8") : undefined;
    return countTests({ report, files: folders.flatMap(testFiles), exitCode });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** As reports name them. */
function testFiles(folder: string): string[] {
  return [...new Bun.Glob(`${folder}/**/*.test.ts`).scanSync(ROOT)].map((path) => path.replaceAll("\\", "/"));
}

const STAGES: readonly Stage[] = [
  {
    name: "types",
    run: async () => counted((await bun(["node_modules/typescript/bin/tsc", "--noEmit"])) === 0),
  },
  {
    name: "lint",
    run: async () =>
      counted(
        (await bun(["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."])) === 0,
      ),
  },
  { name: "unit tests", run: () => runTests(["src", "scripts", "bench"], UNIT_MS_MAX) },
  {
    name: "end-to-end tests",
    run: async () =>
      (await bun(["compile.ts", "--here"])) === 0 ? runTests(["e2e"], E2E_MS_MAX) : counted(false),
  },
];

async function main(): Promise<boolean> {
  const done: string[] = [];
  let passed = 0;
  let failed = 0;
  for (const stage of STAGES) {
    console.log(`\n== ${stage.name}`);
    const startedMs = performance.now();
    const counts = await stage.run();
    passed += counts.passed;
    failed += counts.failed;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    done.push(`${stage.name}: ${counts.passed} passed, ${counts.failed} failed${skipped} (${seconds} s)`);
  }
  console.log(`\n${done.join("\n")}\n`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0;
}

process.exit((await main()) ? 0 : 1);
