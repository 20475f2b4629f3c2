/** `docs/PLATFORMS.md` against the source: every file that it names is there, and every fact of a platform is used. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LINUX } from "./base/platform.ts";

const ROOT = join(import.meta.dir, "..");
const page = readFileSync(join(ROOT, "docs", "PLATFORMS.md"), "utf8");

test("each file that the page of platforms names is there", () => {
  const files = [...page.matchAll(/`(src\/[^`]+\.ts)`/g)].map(([, file]) => file ?? "");
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});

test("each row of it says something of all three systems, where, and how it is tested", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| topic"));
  const cells = (row: string) => row.replaceAll("\\|", "").split(" | ").length;
  expect(rows.filter((row) => cells(row) !== 6)).toEqual([]);
});

test("a platform has no fact that decides nothing", () => {
  const source = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter(
      (path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !/^(testing|base.platform)/.test(path),
    )
    .map((path) => readFileSync(join(ROOT, "src", path), "utf8"))
    .join("\n");
  const unused = Object.keys(LINUX).filter((fact) => !new RegExp(`\\b${fact}\\b`).test(source));
  expect(unused.filter((fact) => fact !== "system" && fact !== "foldsNames")).toEqual([]);
});
