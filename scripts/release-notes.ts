/** Prints what CHANGELOG.md says of a version, for the page of its release: `bun scripts/release-notes.ts <version>`. */
import { join } from "node:path";

/** The heading of a version, as a line begins. */
const HEADING = /^## \[([^\]]+)\]/;
/** What a bracket elsewhere stands for; each version has one, which its page does not need. */
const LINK = /^\[[^\]]+\]: /;

/** @returns the text below the version's heading, without blank ends; undefined if it has none or nothing below it */
export function releaseNotes(changeLog: string, version: string): string | undefined {
  const lines = changeLog.split(/\r?\n/);
  const start = lines.findIndex((line) => HEADING.exec(line)?.[1] === version);
  if (start < 0) return undefined;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line.startsWith("## ") || LINK.test(line));
  const notes = rest
    .slice(0, end < 0 ? undefined : end)
    .join("\n")
    .trim();
  return notes === "" ? undefined : notes;
}

async function main([given, ...more]: readonly string[]): Promise<number> {
  if (given === undefined || more.length > 0) {
    console.error("error: one version is needed, as 0.1.0");
    return 2;
  }
  const version = given.replace(/^v/, "");
  const notes = releaseNotes(await Bun.file(join(import.meta.dir, "..", "CHANGELOG.md")).text(), version);
  if (notes === undefined) {
    console.error(`error: CHANGELOG.md says nothing of version ${version}`);
    return 1;
  }
  console.log(notes);
  return 0;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)));
