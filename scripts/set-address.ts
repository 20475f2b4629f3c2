/** Says where the project lives from now on, in every file that names it: `npm run address -- <owner>/<name>`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { addressedFiles, readAddressed } from "./addressed-files.ts";
import { PROJECT_SLUG, readdress, SLUG_FORM } from "./project-address.ts";

function main([slug, ...more]: readonly string[]): number {
  if (slug === undefined || more.length > 0 || !SLUG_FORM.test(slug)) {
    console.error("error: the address at GitHub is needed, as owner/name");
    return 2;
  }
  for (const path of addressedFiles()) {
    const old = readAddressed(path);
    const text = readdress(old, PROJECT_SLUG, slug);
    if (text === old) continue;
    writeFileSync(join(import.meta.dir, "..", path), text);
    console.log(path);
  }
  return 0;
}

process.exit(main(process.argv.slice(2)));
