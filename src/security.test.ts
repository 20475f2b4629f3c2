/**
 * `docs/SECURITY.md` against the tests: each defence that it claims names a test that is there, and each test that is known
 * to notice a missing defence is named.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { PLANTED_HOLES } from "./testing/planted-holes.ts";

const ROOT = join(import.meta.dir, "..");

const text = (path: string) => Bun.file(join(ROOT, path)).text();

interface Claim {
  readonly threat: string;
  readonly file: string;
  readonly test: string;
}

/** Threats in order, and the rows of their tables. */
async function readPage(): Promise<{ threats: readonly string[]; claims: readonly Claim[] }> {
  const threats: string[] = [];
  const claims: Claim[] = [];
  for (const line of (await text("docs/SECURITY.md")).split("\n")) {
    const threat = /^### (.+)$/.exec(line)?.[1];
    if (threat !== undefined) threats.push(threat);
    const cells = /^\| .+ \| (.+) \|$/.exec(line)?.[1];
    if (cells === undefined || cells === "test") continue;
    const [, file = "", title = ""] = /^`([^`]+)` (.+)$/.exec(cells) ?? [];
    claims.push({ threat: threats.at(-1) ?? "", file, test: title });
  }
  return { threats, claims };
}

/** Titles in the source of a test file; what a template fills in may be anything. */
function titlesIn(source: string): RegExp[] {
  const found = [...source.matchAll(/\btest(?:\.\w+(?:\([^()]*\))?)?\(\s*(["'`])((?:\\.|(?!\1).)*)\1/g)];
  return found.map(([, , title = ""]) => {
    const parts = title.replaceAll(/\\(.)/g, "$1").split(/\$\{[^}]*\}/);
    return new RegExp(`^${parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".+")}$`);
  });
}

test("every threat has a table, and every row of it names a test that is there", async () => {
  const { threats, claims } = await readPage();
  expect(threats.length).toBeGreaterThanOrEqual(10);
  for (const threat of threats) expect(claims.filter((claim) => claim.threat === threat)).not.toEqual([]);
  const missing: string[] = [];
  for (const { file, test: title } of claims) {
    const source = file === "" ? "" : await text(file).catch(() => "");
    if (!titlesIn(source).some((each) => each.test(title))) missing.push(`${file}: ${title}`);
  }
  expect(missing).toEqual([]);
});

test("every defence that is known to be noticed when it is missing is on the page", async () => {
  const { claims } = await readPage();
  const named = new Set(claims.map(({ file, test: title }) => `${file}: ${title}`));
  const unnamed = PLANTED_HOLES.map(({ caughtBy }) => `src/${caughtBy.file}: ${caughtBy.test}`);
  expect(unnamed.filter((each) => !named.has(each))).toEqual([]);
});
