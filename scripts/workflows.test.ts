/** The workflows of `.github`, against what they call: nothing else notices a wrong name before a release is made. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json";

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly needs?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FOLDER = join(import.meta.dir, "..", ".github", "workflows");
const workflows = readdirSync(FOLDER).map((name) => {
  const workflow = Bun.YAML.parse(readFileSync(join(FOLDER, name), "utf8")) as Workflow;
  return { name, workflow, jobs: Object.values(workflow.jobs) };
});

/** What a release runs that is not of this folder's making; each is a script of package.json. */
const RELEASE_STEPS = ["test", "compile", "release:check", "release:notes", "pack", "address"];

function scriptsRun(jobs: readonly Job[]): string[] {
  return jobs.flatMap(({ steps }) =>
    steps.flatMap(({ run = "" }) =>
      [...run.matchAll(/\bnpm (?:run (?:--silent )?([\w:]+)|(test)\b)/g)].map(
        ([, script, test]) => script ?? test ?? "",
      ),
    ),
  );
}

describe.each(workflows)("$name", ({ jobs, workflow }) => {
  test("runs scripts that package.json has", () => {
    const scripts = scriptsRun(jobs);
    expect(scripts.length).toBeGreaterThan(0);
    expect(scripts.filter((script) => !(script in manifest.scripts))).toEqual([]);
  });

  test("may do no more than it must: reading, and what a job says of itself", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    expect(workflow.concurrency).toBeDefined();
    for (const job of jobs) {
      expect(job["timeout-minutes"]).toBeLessThanOrEqual(60);
      // Who may write runs nothing of the repository: neither its code nor its packages' .
      if (job.permissions === undefined) continue;
      expect(scriptsRun([job])).toEqual([]);
      expect(job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))).toEqual([]);
    }
  });

  test("names the version of each action, and leaves no token in a checkout", () => {
    for (const { uses, with: options } of jobs.flatMap(({ steps }) => steps)) {
      if (uses === undefined) continue;
      expect(uses).toMatch(/^actions\/[\w-]+@(?:v\d+|[0-9a-f]{40})$/);
      if (uses.startsWith("actions/checkout@")) expect(options?.["persist-credentials"]).toBe(false);
    }
  });
});

const root = (path: string) => readFileSync(join(import.meta.dir, "..", path), "utf8");
const named = (text: string, form: RegExp) => [
  ...new Set([...text.matchAll(form)].map(([, name = ""]) => name)),
];

test("each secret and variable of the release is on the page that says how to make one, and none else", () => {
  const text = root(".github/workflows/release.yml");
  const used = named(text, /\$\{\{ (?:secrets|vars)\.(\w+) \}\}/g);
  expect(used.length).toBeGreaterThan(0);
  const part = /### Secrets\n[\s\S]*?\n## /.exec(root("docs/RELEASING.md"))?.[0] ?? "";
  expect(named(part, /^\| `(\w+)`/gm).sort()).toEqual(used.sort());
});

test("the variables that steps of the release are given are those that building and signing read", () => {
  const given = named(root(".github/workflows/release.yml"), /^ *(?:echo ")?(P2P_\w+)[:=]/gm);
  const read = ["scripts/release/signing.ts", "scripts/release/source-commit.ts"].map(root).join("");
  expect(given.sort()).toEqual([
    "P2P_COMMIT",
    "P2P_MACOS_IDENTITY",
    "P2P_WINDOWS_CERT",
    "P2P_WINDOWS_CERT_PASSWORD_FILE",
    "P2P_WINDOWS_TIMESTAMP_URL",
  ]);
  expect(given.filter((name) => !read.includes(`"${name}"`))).toEqual([]);
});

test("what is checked of a release is what was built and signed: it is not built anew after the keys are gone", () => {
  const steps = workflows.find(({ name }) => name === "release.yml")?.workflow.jobs["build"]?.steps ?? [];
  const runs = steps.map(({ run = "" }) => run);
  expect(runs.indexOf("npm run compile")).toBeGreaterThan(0);
  expect(runs.indexOf("npm run release:check -- --no-build")).toBeGreaterThan(
    runs.indexOf("npm run compile"),
  );
});

test("a release is tested, built, checked and packed before anything of it is published", () => {
  const release = workflows.find(({ name }) => name === "release.yml")?.workflow;
  expect([...new Set(scriptsRun(Object.values(release?.jobs ?? {})))].sort()).toEqual(RELEASE_STEPS.sort());
  expect(release?.jobs["build"]?.needs).toBe("test");
  expect(release?.jobs["publish"]?.needs).toBe("build");
  expect(release?.jobs["npm"]?.needs).toBe("publish");
});
