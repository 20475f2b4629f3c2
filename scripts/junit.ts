/**
 * Counts from the JUnit report of a `bun test` run. Pure.
 *
 * The report alone cannot be believed: a file that cannot be loaded is missing from it, and a run that is cut off
 * (`process.exit` in a test, a crash of the runtime) leaves none at all, even with exit code 0. So the files that should
 * be in it come from outside, and each that is not counts as one failure.
 */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface TestRun {
  /** Undefined if none was written. */
  readonly report: string | undefined;
  /** Paths of the test files, as the report names them. */
  readonly files: readonly string[];
  readonly exitCode: number;
}

export function countTests({ report, files, exitCode }: TestRun): Counts {
  const totals = /<testsuites ([^>]*)>/.exec(report ?? "")?.[1];
  if (report === undefined || totals === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const total = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(totals)?.[1] ?? 0);
  const reported = new Set(
    [...report.matchAll(/<testsuite [^>]*?\bfile="([^"]*)"/g)].map((found) => found[1]),
  );
  const missing = files.filter((file) => !reported.has(file)).length;
  const failed = total("failures") + missing;
  return {
    passed: total("tests") - total("failures") - total("skipped"),
    // Whatever else made the run end badly is a failure too.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: total("skipped"),
  };
}
