/** Words of the command line that citty cannot read, told before it is asked. Loaded at every start: it needs little. */
import { Failure } from "../base/failure.ts";
import { forTerminal } from "../base/text.ts";

/** citty gives words and options in one object, the words as `_`: with an option of that name it throws or loses the words. */
const NAMED_AS_WORDS = /^(?:--(?:no-)?_(?:=|$)|-[^-=]*_)/;

/** To be asked of all words before citty is. @throws Failure "usage" */
export function refuseUnreadable(program: string, words: readonly string[]): void {
  const end = words.indexOf("--");
  const odd = words.slice(0, end < 0 ? words.length : end).find((word) => NAMED_AS_WORDS.test(word));
  if (odd === undefined) return;
  throw new Failure(
    "usage",
    `there is no option ${forTerminal(odd.slice(0, 40))} (${program} --help tells more)`,
  );
}
