/** Which names somebody means who types names, folders (`runs/`) and patterns (`*.csv`). Pure. */
import { type FileName, nameKey, sameName } from "../base/ids.ts";
import { isPattern, nameMatcher } from "../base/name-pattern.ts";

export interface Meant {
  /** Each once, in the order in which they were meant. */
  readonly names: readonly FileName[];
  /** Folders and patterns that mean none of those that are there. */
  readonly futile: readonly string[];
}

/**
 * @param wanted words that passed as a name, but for the `/` behind a folder
 * @param there what folders and patterns are held against; a plain name means itself
 */
export function meantNames(wanted: readonly string[], there: readonly FileName[]): Meant {
  const names = new Map<string, FileName>();
  const futile: string[] = [];
  for (const word of wanted) {
    const found = meantBy(word, there);
    if (found.length === 0) futile.push(word);
    for (const name of found) names.set(nameKey(name), name);
  }
  return { names: [...names.values()], futile };
}

/** A name that is there is meant by itself, whatever it would mean as a pattern. */
function meantBy(word: string, there: readonly FileName[]): readonly FileName[] {
  if (!isPattern(word) && !word.endsWith("/")) return [word as FileName];
  const just = there.filter((name) => sameName(name, word));
  return just.length > 0 ? just : there.filter(nameMatcher(word));
}
