/** The failure that a test expects of some work. */
import { Failure } from "../base/failure.ts";

/** @throws unless it fails with a Failure; one that it succeeds with does not count */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.then(
    (result) => ({ result }),
    (error: unknown) => error,
  );
  if (outcome instanceof Failure) return outcome;
  throw new Error("it did not fail as expected", { cause: outcome });
}
