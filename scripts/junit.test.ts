import { expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { TempFolder } from "../src/testing/temp-folder.ts";
import { judgeExit, judgeRun, type TestRun } from "./junit.ts";

const failed = (name: string, body: string) =>
  `<testcase name="${name}" classname="" time="0.1" file="a.test.ts" line="2" assertions="1">
     <failure type="Error" message="of the attribute">${body}</failure>
   </testcase>`;

function report(counts: readonly [number, number, number], files: readonly string[], tests = ""): string {
  const [total, failures, skipped] = counts;
  const suites = files.map(
    (file) =>
      `<testsuite name="${file}" file="${file}" tests="1" failures="7" skipped="0">${tests}</testsuite>`,
  );
  return `<?xml version="1.0"?>
<testsuites name="bun test" tests="${total}" assertions="9" failures="${failures}" skipped="${skipped}" time="0.1">
${suites.join("\n")}
</testsuites>`;
}

const judge = (run: Partial<TestRun>) =>
  judgeRun({ name: "unit tests", report: undefined, files: ["a.test.ts"], exitCode: 0, ...run });

test("a good run counts its tests", () => {
  const tests = '<testcase name="good" classname="" /><testcase name="also" classname=""></testcase>';
  const verdict = judge({ report: report([12, 0, 0], ["a.test.ts"], tests) });
  expect(verdict).toEqual({ passed: 12, skipped: 0, failures: [] });
});

test("a failed test has its file, its groups, its name and its reason; skipped ones are not passed", () => {
  const tests = `<testcase name="good" classname="" time="0.1" />
    <testsuite name="outer" file="a.test.ts" line="1" tests="2"><testsuite name="inner" file="a.test.ts">
      ${failed("a &lt;b&gt; &amp; &quot;c&quot;", "Error: &apos;x&apos;&#10;&#10;  second&#10;")}
    </testsuite></testsuite>
    ${failed("alone", "AssertionError: y")}
    <testcase name="left out" classname=""><skipped /></testcase>`;
  const verdict = judge({ report: report([6, 2, 3], ["a.test.ts"], tests), exitCode: 1 });
  expect(verdict).toEqual({
    passed: 1,
    skipped: 3,
    failures: [
      { name: 'a.test.ts > outer > inner > a <b> & "c"', reason: ["Error: 'x'", "  second"] },
      { name: "a.test.ts > alone", reason: ["AssertionError: y"] },
    ],
  });
});

test("a reason without a body is the message of the failure", () => {
  const late =
    '<testcase name="late" classname=""><failure type="TimeoutError" message="test timed out" /></testcase>';
  const { failures } = judge({ report: report([2, 1, 0], ["a.test.ts"], late), exitCode: 1 });
  expect(failures).toEqual([{ name: "a.test.ts > late", reason: ["test timed out"] }]);
});

test("of a long reason the beginning is shown, and that there is more", () => {
  const lines = Array.from({ length: 50 }, (_, at) => `${at} ${"x".repeat(500)}`);
  const long = failed("long", lines.join("&#10;"));
  const [found] = judge({ report: report([1, 1, 0], ["a.test.ts"], long), exitCode: 1 }).failures;
  expect(found?.reason).toHaveLength(13);
  expect(found?.reason.at(-1)).toBe("...");
  for (const line of found?.reason ?? []) expect(line.length).toBeLessThanOrEqual(200);
});

test("a file that could not be loaded is a failure, besides the others", () => {
  const verdict = judge({
    report: report([4, 1, 0], ["a.test.ts"], failed("bad", "Error: z")),
    files: ["a.test.ts", "b.test.ts"],
    exitCode: 1,
  });
  expect(verdict.passed).toBe(3);
  expect(verdict.failures.map(({ name }) => name)).toEqual(["a.test.ts > bad", "b.test.ts"]);
});

test("a run without a report is a failure, whatever its exit code", () => {
  for (const exitCode of [0, 1, 139])
    expect(judge({ exitCode })).toEqual({
      passed: 0,
      skipped: 0,
      failures: [{ name: "unit tests", reason: [`ended with ${exitCode} and no report`] }],
    });
  expect(judge({ report: "<testsuites" }).failures).toHaveLength(1);
});

test("failures that are counted but not named are told", () => {
  const { failures } = judge({ report: report([9, 2, 0], ["a.test.ts"], failed("bad", "z")), exitCode: 1 });
  expect(failures.map(({ name }) => name)).toEqual(["a.test.ts > bad", "unit tests"]);
});

test("an end that no test explains is a failure", () => {
  const verdict = judge({ report: report([12, 0, 0], ["a.test.ts"]), exitCode: 1 });
  expect(verdict.passed).toBe(12);
  expect(verdict.failures).toEqual([{ name: "unit tests", reason: ["ended with 1, and no test says why"] }]);
});

test("what has no report counts as one test, and its output says why it failed", () => {
  expect(judgeExit({ name: "types", exitCode: 0, output: "" })).toEqual({
    passed: 1,
    skipped: 0,
    failures: [],
  });
  const { passed, failures } = judgeExit({ name: "types", exitCode: 2, output: "a.ts(1,2): error TS1\n\n" });
  expect({ passed, failures }).toEqual({
    passed: 0,
    failures: [{ name: "types", reason: ["a.ts(1,2): error TS1"] }],
  });
  expect(judgeExit({ name: "lint", exitCode: 1, output: "" }).failures[0]?.reason).toEqual(["ended with 1"]);
});

test("names come out of a report that the runtime itself wrote", async () => {
  await using folder = await TempFolder.make();
  const source = `import { describe, expect, test } from "bun:test";
    describe("outer", () => describe("in'ner", () => test("a <b> & c", () => expect(1).toBe(2))));
    test("good", () => {});`;
  await writeFile(folder.join("odd.test.ts"), source);
  const child = Bun.spawn([process.execPath, "test", "--reporter=junit", "--reporter-outfile=report.xml"], {
    cwd: folder.path,
    stdio: ["ignore", "ignore", "ignore"],
  });
  const exitCode = await child.exited;
  const written = await readFile(folder.join("report.xml"), "utf8");
  const verdict = judge({ report: written, files: ["odd.test.ts"], exitCode });
  expect(verdict.passed).toBe(1);
  expect(verdict.failures.map(({ name }) => name)).toEqual(["odd.test.ts > outer > in'ner > a <b> & c"]);
  expect(verdict.failures[0]?.reason).toContain("Expected: 2");
});
