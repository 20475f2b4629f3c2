/**
 * When a tracker that starts may serve clients. Pure.
 *
 * One with others listed waits until one of them has answered and all that it had by then is here, so that nobody is
 * told of a state that the others have left behind; but not long, since one tracker alone is enough. An empty one that has
 * found another would answer everybody wrongly, and waits longer.
 */
import { START_CATCH_UP_MS_MAX, START_WAIT_MS } from "../../base/limits.ts";
import type { VersionVector } from "../core/version-vector.ts";
import { holdsAll } from "./sync-plan.ts";

export interface StartFacts {
  /** Since the start. */
  readonly elapsedMs: number;
  /** Whether nothing was here at the start. */
  readonly wasEmpty: boolean;
  readonly held: VersionVector;
  /** What those who have answered held then. */
  readonly answers: readonly VersionVector[];
}

export function mayServe({ elapsedMs, wasEmpty, held, answers }: StartFacts): boolean {
  // An empty one learns nothing from another that is empty, perhaps for the same reason: a third may know more.
  const telling = wasEmpty ? answers.filter((theirs) => theirs.size > 0) : answers;
  if (telling.some((theirs) => holdsAll(held, theirs))) return true;
  return elapsedMs >= (wasEmpty && telling.length > 0 ? START_CATCH_UP_MS_MAX : START_WAIT_MS);
}
