/** What an upload ends with that was told to stop: who told it does not wait for the answer. */
import { Failure } from "../base/failure.ts";

export function givenUp(): Failure {
  return new Failure("try-later", "the upload was stopped; the same command goes on where it was");
}
