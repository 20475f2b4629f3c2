/** Lines about many things, of which only the first are told one by one. */
import { REMARKS_SHOWN_MAX } from "../base/limits.ts";

export function tellSome<T>(
  items: readonly T[],
  tell: (line: string) => void,
  describe: (item: T) => string,
): void {
  for (const item of items.slice(0, REMARKS_SHOWN_MAX)) tell(describe(item));
  if (items.length > REMARKS_SHOWN_MAX) tell(`... and ${items.length - REMARKS_SHOWN_MAX} more`);
}
