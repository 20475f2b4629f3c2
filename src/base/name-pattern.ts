/**
 * Patterns that mean several names: `*.csv`, `runs/**` and the like, and a folder's `runs/`. Pure.
 *
 * A star stays within one component, two of them lead through folders. As with names, case is no difference. Of the files of a
 * group a pattern without `/` means those of that name in any folder, as one of `rsync` or `.gitignore` does; of a path on the
 * disk it means what a shell makes of it, the files of that very folder.
 */
const SPECIAL = /[*?[\]{}]/;

/** Whether it may mean more than the one name that it spells. */
export function isPattern(text: string): boolean {
  return SPECIAL.test(text);
}

/**
 * Of the files of a group.
 * @param pattern a name with special characters, or the name of a folder with `/` behind it
 */
export function nameMatcher(pattern: string): (name: string) => boolean {
  const matches = pathMatcher(pattern);
  return pattern.includes("/") ? matches : (name) => matches(name.slice(name.lastIndexOf("/") + 1));
}

/** Of the paths below a folder on the disk: the whole path is held against the pattern. */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const wanted = folded(pattern);
  if (wanted.endsWith("/")) return (path) => folded(path).startsWith(wanted);
  const glob = new Bun.Glob(wanted);
  return (path) => glob.match(folded(path));
}

/** Names on a disk may be composed in another way than those of a group. */
function folded(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

/** A path with special characters, cut into the folder before the first of them and the pattern for what is in it. */
export function splitPattern(path: string): { folder: string; pattern: string } {
  const special = path.search(SPECIAL);
  const cut = path.slice(0, special).lastIndexOf("/");
  if (cut < 0) return { folder: ".", pattern: path };
  return { folder: path.slice(0, cut) || "/", pattern: path.slice(cut + 1) };
}
