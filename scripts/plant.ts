/**
 * Preloaded into a process that is to run a wrong variant of the program: changes the source while it is loaded.
 *
 * `P2P_PLANTED` names the variant, a bug or a hole of `src/testing/`. A change whose text is not in its file exactly once
 * ends the process before anything runs.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PLANTED_BUGS } from "../src/testing/planted-bugs.ts";
import { PLANTED_HOLES } from "../src/testing/planted-holes.ts";

const SOURCE = join(import.meta.dir, "..", "src");

/** Texts as changed, by path. */
function changedFiles(name: string): Map<string, string> {
  const planted = [...PLANTED_BUGS, ...PLANTED_HOLES].find((each) => each.name === name);
  if (planted === undefined) throw new Error(`no planted bug or hole named ${name}`);
  const texts = new Map<string, string>();
  for (const { file, find, replace } of planted.changes) {
    const path = join(SOURCE, file);
    const text = texts.get(path) ?? readFileSync(path, "utf8");
    const places = text.split(find).length - 1;
    if (places !== 1)
      throw new Error(`"${name}" finds ${places} places in ${file}, where 1 is needed: ${find}`);
    texts.set(
      path,
      text.replace(find, () => replace),
    );
  }
  return texts;
}

const changed = changedFiles(process.env["P2P_PLANTED"] ?? "");

Bun.plugin({
  name: "planted variant",
  setup(build) {
    build.onLoad({ filter: /[/\\]src[/\\].*\.ts$/ }, ({ path }) => ({
      contents: changed.get(path) ?? readFileSync(path, "utf8"),
      loader: "ts",
    }));
  },
});
