/**
 * Which test files run beside which, and what is promised of the plan: every file runs, in exactly one group. Pure.
 *
 * Unit tests compute and end-to-end tests mostly wait, so the two groups run at the same time and each with workers of its
 * own. What holds rates or times of a person against a bound has the machine to itself afterwards.
 */
export interface TestGroup {
  readonly name: string;
  /** Paths from the root. */
  readonly files: readonly string[];
  /** For one test. */
  readonly deadlineMs: number;
  /** Processes, each with one file at a time. */
  readonly workers: number;
  /** What the runtime is told beyond that. */
  readonly options: readonly string[];
}

/** Groups that run at the same time; the next ones when all have ended. */
export type TestPlan = readonly (readonly TestGroup[])[];

/**
 * For a hang. Alone none takes more than some seconds, but several compute at once here; those that wait for a run in a
 * process of its own say so themselves, and have more.
 */
const UNIT_MS_MAX = 60_000;
/** They move real files through real processes. */
const E2E_MS_MAX = 180_000;

/** So that it is noted which messages of errors the tests come upon: `scripts/messages-seen.ts` judges that. */
export const WATCHED: readonly string[] = ["--preload=./src/testing/record-messages.ts"];

/** Each begins and ends without anything beside it. */
export const ALONE: readonly string[] = [
  // The rate of a download beside a crowd is at least half of what it is without.
  "e2e/attack-crowd.test.ts",
  // Somebody works beside a flood, and is answered as at once as a person expects.
  "e2e/attack-floods.test.ts",
  // Limits on rates are kept within 5 %.
  "e2e/limits.test.ts",
  // A client whose tracker dies goes on with another within 2 seconds.
  "e2e/trackers-failover.test.ts",
];

/** @param files all of them, as paths from the root */
export function planTests(files: readonly string[], cores: number): TestPlan {
  const sorted = files.toSorted();
  const alone = sorted.filter((file) => ALONE.includes(file));
  const beside = sorted.filter((file) => !ALONE.includes(file));
  const isEndToEnd = (file: string) => file.startsWith("e2e/");
  const unit = {
    name: "unit tests",
    files: beside.filter((file) => !isEndToEnd(file)),
    deadlineMs: UNIT_MS_MAX,
    workers: Math.max(2, cores),
    options: WATCHED,
  };
  const endToEnd = {
    name: "end-to-end tests",
    files: beside.filter(isEndToEnd),
    deadlineMs: E2E_MS_MAX,
    workers: 2,
    options: [],
  };
  return [
    // Without a file the runtime would take all that it finds.
    [unit, endToEnd].filter((group) => group.files.length > 0),
    ...alone.map((file) => [
      { name: `${file}, alone`, files: [file], deadlineMs: E2E_MS_MAX, workers: 1, options: [] },
    ]),
  ];
}
