/**
 * What a command replies that ends a share, or pauses a download and the like: for one by its name, or for all that folders,
 * patterns and several names mean.
 *
 * One gets the reply that it always got; of many a note says how many, and what failed is an error of its own.
 */
import { isFailure, orThrow } from "../base/failure.ts";
import { type FileName, type GroupName, parseFileName } from "../base/ids.ts";
import { isPattern } from "../base/name-pattern.ts";
import { forTerminal } from "../base/text.ts";
import type { ManyEnded } from "../client/views.ts";
import { type Answer, type CommandContext, done, doneForMany } from "./command.ts";
import { failedFields } from "./said.ts";
import { tellSome } from "./tell-some.ts";

export interface ChangeOfMany {
  readonly reply: string;
  /** `12 files are no longer shared` */
  readonly tell: (amount: number) => string;
  readonly one: (name: FileName) => Promise<void>;
  readonly many: (wanted: readonly string[]) => Promise<ManyEnded>;
}

/** A file that is called just so comes before what its name would mean as a pattern. */
export async function changed(
  { note, fault }: CommandContext,
  group: GroupName,
  wanted: readonly string[],
  { reply, tell, one, many }: ChangeOfMany,
): Promise<Answer> {
  const [only = ""] = wanted;
  if (wanted.length === 1 && !only.endsWith("/")) {
    try {
      const name = orThrow(parseFileName(only));
      await one(name);
      return done(reply, { group, name });
    } catch (error) {
      const isNone = isFailure(error) && (error.code === "not-shared" || error.code === "no-download");
      if (!isNone || !isPattern(only)) throw error;
    }
  }
  const { done: names, failures } = await many(wanted);
  tellSome(failures, fault, ({ name, failure }) => `${forTerminal(name)}: ${failure.message}`);
  note(tell(names.length));
  const files = names.map((name) => ({ name }));
  return doneForMany(reply, { group, files, failed: failures.map(failedFields) });
}
