/** Lines about many things, of which only the first are told one by one. */
import { NAMES_TOLD_MAX, REMARKS_SHOWN_MAX } from "../base/limits.ts";
import { forTerminal } from "../base/text.ts";

export function tellSome<T>(
  items: readonly T[],
  tell: (line: string) => void,
  describe: (item: T) => string,
): void {
  for (const item of items.slice(0, REMARKS_SHOWN_MAX)) tell(describe(item));
  if (items.length > REMARKS_SHOWN_MAX) tell(`... and ${items.length - REMARKS_SHOWN_MAX} more`);
}

/** `a.jpg, b.jpg, c.jpg and 9 more` */
export function someNames(names: readonly string[]): string {
  const told = names.slice(0, NAMES_TOLD_MAX).map(forTerminal).join(", ");
  const more = names.length - NAMES_TOLD_MAX;
  return more > 0 ? `${told} and ${more} more` : told;
}
