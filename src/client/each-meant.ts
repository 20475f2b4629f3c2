/** Does one thing for all that is meant by what was typed; one that fails stops no other. */
import { type Failure, toFailure } from "../base/failure.ts";
import type { FileName } from "../base/ids.ts";
import { CHANGES_AT_ONCE_MAX } from "../base/limits.ts";
import { eachAtOnce } from "./each-at-once.ts";
import { meantNames } from "./meant-names.ts";
import type { ManyEnded } from "./views.ts";

/**
 * @param act "passed": there was nothing to be done any more
 * @param none what is said of a folder or a pattern that means nothing
 * @throws Failure if nothing at all is meant
 */
export async function eachMeant(
  wanted: readonly string[],
  there: readonly { readonly name: FileName }[],
  none: (word: string) => Failure,
  act: (name: FileName) => Promise<"passed" | undefined>,
): Promise<ManyEnded> {
  const { names, futile } = meantNames(
    wanted,
    there.map(({ name }) => name),
  );
  const failures: { name: string; failure: Failure }[] = futile.map((name) => ({
    name,
    failure: none(name),
  }));
  const [first] = failures;
  if (names.length === 0 && first !== undefined) throw first.failure;
  const done: FileName[] = [];
  await eachAtOnce(names, CHANGES_AT_ONCE_MAX, async (name) => {
    try {
      if ((await act(name)) !== "passed") done.push(name);
    } catch (error) {
      failures.push({ name, failure: toFailure(error) });
    }
  });
  return { done, failures };
}
