/**
 * What a stage of the check came to: the counts, and each failure with its name and reason; of tests from the JUnit report
 * of `bun test`. Pure.
 *
 * The report alone cannot be believed: a file that cannot be loaded is missing from it, and a run that is cut off
 * (`process.exit` in a test, a crash of the runtime) may leave none at all, even with exit code 0. So the files that
 * should be in it come from outside, and each that is not counts as one failure. There are as many failures as are named.
 */
export interface Verdict {
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly TestFailure[];
}

export interface TestFailure {
  /** The file, and the test in it if it is one: `src/a.test.ts > a group > a test`. */
  readonly name: string;
  /** Lines without ends. */
  readonly reason: readonly string[];
}

export interface TestRun {
  /** What the run was of, for failures that no file has. */
  readonly name: string;
  /** Undefined if none was written. */
  readonly report: string | undefined;
  /** Paths of the test files, as the report names them. */
  readonly files: readonly string[];
  readonly exitCode: number;
}

/** One test's reason is to be seen at a glance; all of it stands where the test ran. */
const REASON_LINES_MAX = 12;
const REASON_COLUMNS_MAX = 200;

export function judgeRun({ name, report, files, exitCode }: TestRun): Verdict {
  const totals = /<testsuites ([^>]*)>/.exec(report ?? "")?.[1];
  if (report === undefined || totals === undefined)
    return { passed: 0, skipped: 0, failures: [failure(name, `ended with ${exitCode} and no report`)] };
  const total = (what: string) => Number(attribute(totals, what) ?? 0);
  const failures = [...failedTests(report), ...missingFiles(report, files)];
  const unnamed = total("failures") - failedTests(report).length;
  if (unnamed > 0) failures.push(failure(name, `${unnamed} more failed that the report does not name`));
  // Whatever else made the run end badly is a failure too.
  if (failures.length === 0 && exitCode !== 0)
    failures.push(failure(name, `ended with ${exitCode}, and no test says why`));
  return {
    passed: total("tests") - total("failures") - total("skipped"),
    skipped: total("skipped"),
    failures,
  };
}

export interface CommandRun {
  readonly name: string;
  readonly exitCode: number;
  readonly output: string;
}

/** Of what has no report, and counts as one test. */
export function judgeExit({ name, exitCode, output }: CommandRun): Verdict {
  if (exitCode === 0) return { passed: 1, skipped: 0, failures: [] };
  return { passed: 0, skipped: 0, failures: [failure(name, output.trim() || `ended with ${exitCode}`)] };
}

/** In the order of the report, where the elements stand in each other as groups, files and tests do. */
function failedTests(report: string): TestFailure[] {
  const found: TestFailure[] = [];
  const names: string[] = [];
  const elements =
    /<(testsuite|testcase) ([^>]*?)(\/?)>|<\/(?:testsuite|testcase)>|<failure ([^>]*?)(?:\/>|>([^<]*)<)/g;
  for (const [, opened, attributes = "", isEmpty, said, body = ""] of report.matchAll(elements)) {
    if (said !== undefined)
      found.push(failure(names.join(" > "), unescaped(body) || (attribute(said, "message") ?? "")));
    else if (opened === undefined) names.pop();
    else if (isEmpty === "") names.push(attribute(attributes, "name") ?? "");
  }
  return found;
}

function missingFiles(report: string, files: readonly string[]): TestFailure[] {
  const reported = new Set(
    [...report.matchAll(/<testsuite ([^>]*)>/g)].map(([, attributes = ""]) => attribute(attributes, "file")),
  );
  return files
    .filter((file) => !reported.has(file))
    .map((file) => failure(file, "not in the report: it could not be loaded, or the run was cut off"));
}

function failure(name: string, said: string): TestFailure {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const more = lines.length > REASON_LINES_MAX ? ["..."] : [];
  return {
    name,
    reason: [...lines.slice(0, REASON_LINES_MAX), ...more].map((line) => line.slice(0, REASON_COLUMNS_MAX)),
  };
}

function attribute(attributes: string, name: string): string | undefined {
  const value = new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1];
  return value === undefined ? undefined : unescaped(value);
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["amp", "&"],
]);

function unescaped(text: string): string {
  return text.replace(
    /&(?:#(\d+)|(\w+));/g,
    (whole, code, entity) =>
      (code === undefined ? ENTITIES.get(entity) : String.fromCodePoint(Number(code))) ?? whole,
  );
}
