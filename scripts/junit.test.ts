import { expect, test } from "bun:test";
import { countTests } from "./junit.ts";

const report = (tests: number, failures: number, skipped: number, ...files: readonly string[]) =>
  `<?xml version="1.0"?>
<testsuites name="bun test" tests="${tests}" assertions="9" failures="${failures}" skipped="${skipped}" time="0.1">
${files.map((file) => `<testsuite name="${file}" file="${file}" tests="1" failures="7" skipped="0"></testsuite>`).join("\n")}
</testsuites>`;

test("a good run counts its tests", () => {
  const counts = countTests({ report: report(12, 0, 0, "a.test.ts"), files: ["a.test.ts"], exitCode: 0 });
  expect(counts).toEqual({ passed: 12, failed: 0, skipped: 0 });
});

test("failed and skipped tests are not passed ones", () => {
  const counts = countTests({ report: report(12, 2, 3, "a.test.ts"), files: ["a.test.ts"], exitCode: 1 });
  expect(counts).toEqual({ passed: 7, failed: 2, skipped: 3 });
});

test("a file that could not be loaded is a failure, besides the others", () => {
  const counts = countTests({
    report: report(4, 1, 0, "a.test.ts"),
    files: ["a.test.ts", "b.test.ts"],
    exitCode: 1,
  });
  expect(counts).toEqual({ passed: 3, failed: 2, skipped: 0 });
});

test("a run without a report is a failure, whatever its exit code", () => {
  for (const exitCode of [0, 1, 139])
    expect(countTests({ report: undefined, files: [], exitCode })).toEqual({
      passed: 0,
      failed: 1,
      skipped: 0,
    });
  expect(countTests({ report: "<testsuites", files: [], exitCode: 0 }).failed).toBe(1);
});

test("an end that no test explains is a failure", () => {
  const counts = countTests({ report: report(12, 0, 0, "a.test.ts"), files: ["a.test.ts"], exitCode: 1 });
  expect(counts).toEqual({ passed: 12, failed: 1, skipped: 0 });
});
