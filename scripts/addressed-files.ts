/** The files that hold a copy of the project's address, as paths from the root. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");

/** The change log too: it links versions. */
const PLACES = ["*", "docs/**/*", ".github/**/*", "scripts/npm/*"];
const TEXT = /\.(?:md|sh|ps1|ya?ml|mjs|service|plist)$|^(?:package\.json|Containerfile)$/;

export function addressedFiles(): readonly string[] {
  return PLACES.flatMap((place) => [...new Bun.Glob(place).scanSync({ cwd: ROOT, dot: true })])
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => TEXT.test(path))
    .sort();
}

export function readAddressed(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
